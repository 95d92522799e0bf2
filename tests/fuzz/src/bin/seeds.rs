//! Writes the seeds in `corpus/`, all from the simulated card: `tests/fuzz/run.sh --seeds`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use kazasu::fhir::{Observation, Record};
use kazasu::iso7816::{CardCapabilities, CardTransport, TransportError, TransportLimits};
use kazasu::store::{
    Candidate, CheckedBy, HistoryEntry, Profile as MemberProfile, Registered, Role, SecretKind, Store,
};
use kazasu_card_sim::{
    ApplicationKind, Card, Config, Fault, FaultAt, Pin, Profile, SimTransport, Validity, When, authority,
};
use kazasu_fuzz::answers;
use kazasu_fuzz::family;
use kazasu_fuzz::flows::number::*;
use kazasu_fuzz::flows::options::*;
use kazasu_fuzz::flows::{self, NOW, Stage};
use kazasu_fuzz::sealed;
use serde_json::json;

/// Worked example of the four attributes, with nothing behind it.
const EXAMPLE: &str = "FF205CDF2108000E00200050005BDF220FE8A68BE69CACE38080E88AB1E5AD90DF232DE69DB1E4BAACE983BDE58D83E4\
    BBA3E794B0E58CBAE8A68BE69CACE794BAEFBC91EFBC8DEFBC92EFBC8DEFBC93DF24083139393030343035DF250132";
/// SecurityInfos as EF.CardAccess holds them (BSI TR-03110-3, A.1): PACE with each usual parameter set, chip and terminal
/// authentication.
const CARD_ACCESS: [&str; 4] = [
    "31143012060A04007F0007020204020202010202010D",
    "3128301206 0A04007F000702020402040201020201 0D3012060A04007F0007020204060202 01020201 0D",
    "3181833012060A04007F00070202030202020102020129300D060804007F00070202020201023012060A04007F000702020402020201020201\
     0D301C060904007F000702020302300C060704007F0007010202010D020129302806\
     0804007F000702020616 1C68747470733A2F2F7777772E6578616D706C652E636F6D2F63617264",
    "3100",
];

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    tlv(&Folder::new(&corpus, "tlv")?)?;
    attributes(&Folder::new(&corpus, "attributes")?)?;
    face(&Folder::new(&corpus, "face")?)?;
    photo(&Folder::new(&corpus, "photo")?)?;
    cv_certificate(&Folder::new(&corpus, "cv_certificate")?)?;
    certificate(&Folder::new(&corpus, "certificate")?)?;
    apdu(&Folder::new(&corpus, "apdu")?)?;
    sealed_answers(&Folder::new(&corpus, "sealed")?)?;
    store(&Folder::new(&corpus, "store_file")?)
}

/// A store with every kind of row, closed and as a crash leaves it, and changes to it.
fn store(folder: &Folder) -> io::Result<()> {
    let path = family::path("seed");
    let _ = fs::remove_file(&path);
    let mut store = Store::create(family::settings(&path)).expect("makes it");
    let candidate = Candidate {
        certificate: b"certificate".to_vec(),
        capabilities: CardCapabilities::default(),
        name: None,
        birth_date: None,
    };
    let Ok(Registered::New(member)) = store.add_member(candidate.confirm(), MemberProfile::new("a", Role::Own)) else {
        panic!("new")
    };
    store.save_secret(member, SecretKind::Access, b"token").expect("saves");
    let observation = json!({"resourceType": "Observation", "id": "o", "effectiveDateTime": "2026-09-03",
        "category": [{"coding": [{"system": "https://kazasu.example/fhir/CodeSystem/record-kind", "code": "tokutei-kenshin"}]}]});
    let observation = Record::Observation(Observation::new(observation).expect("an observation"));
    store.put_records(member, &[observation]).expect("keeps");
    let entry = HistoryEntry { at: NOW, by: CheckedBy::Card, result: "OK".to_owned(), eligibility: None };
    store.add_history(member, &entry).expect("keeps");
    store.remember(None, "a", b"1").expect("remembers");
    store.remember(Some(member), "b", b"2").expect("remembers");
    let open = fs::read(&path)?;
    store.close().expect("closes");
    let closed = fs::read(&path)?;
    fs::remove_file(&path)?;
    folder.write("whole", &[&[0], &closed[..]].concat())?;
    folder.write("crashed", &[&[0], &open[..]].concat())?;
    folder.write("changed", &[1, 0, 0, 0, 9, 1, 0, 0x20, 0, 1])?;
    folder.write("cut", &[1, 0x81])
}

/// The corpus of one target.
struct Folder(PathBuf);

impl Folder {
    fn new(corpus: &Path, target: &str) -> io::Result<Self> {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.0.join(name), bytes)
    }

    /// The bytes cut off in the middle, with a byte too many, and with a length that lies.
    fn write_mangled(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(&format!("{name}-cut"), &bytes[..bytes.len() * 3 / 5])?;
        self.write(&format!("{name}-more"), &[bytes, &[0x00]].concat())?;
        for (at, change) in [(3, 1), (4, 0x7F), (9, 0x80)] {
            let mut bytes = bytes.to_vec();
            bytes[at] = bytes[at].wrapping_add(change);
            self.write(&format!("{name}-byte{at}"), &bytes)?;
        }
        Ok(())
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// The configuration of every seed: dates that do not depend on today.
fn config(profile: Profile, person: u8) -> Config {
    let now = NOW.seconds() as u64;
    let mut config = Config::new(profile, person);
    config.certificate_validity = Some(Validity { not_before: now - 300 * 86_400, not_after: now + 4 * 365 * 86_400 });
    config
}

fn card(config: Config) -> Card {
    Card::new(config).expect("a card")
}

/// A file without its filler, read by its short identifier after the PIN was verified.
fn file(card: &mut Card, kind: ApplicationKind, pin: (u8, &[u8]), identifier: u8) -> Vec<u8> {
    card.power_on();
    let mut ask = |command: &[u8]| {
        let mut answer = card.process(command);
        assert!(answer.ends_with(&[0x90, 0x00]), "{command:02X?}");
        answer.truncate(answer.len() - 2);
        answer
    };
    ask(&[&[0x00, 0xA4, 0x04, 0x0C, 10], &kind.aid()[..]].concat());
    ask(&[&[0x00, 0x20, 0x00, 0x80 | pin.0, pin.1.len() as u8], pin.1].concat());
    let file = ask(&[0x00, 0xB0, 0x80 | identifier, 0x00, 0x00, 0x00, 0x00]);
    let filler = file.iter().rev().take_while(|byte| **byte == 0xFF).count();
    file[..file.len() - filler].to_vec()
}

fn text_input_file(config: Config, identifier: u8) -> Vec<u8> {
    file(&mut card(config), ApplicationKind::TextInput, (0x11, b"1234"), identifier)
}

fn surface_file(identifier: u8) -> Vec<u8> {
    let number = (0x12, &b"02040520350123"[..]);
    file(&mut card(config(Profile::Today, 1)), ApplicationKind::Surface, number, identifier)
}

fn tlv(folder: &Folder) -> io::Result<()> {
    for (number, set) in CARD_ACCESS.iter().enumerate() {
        folder.write(&format!("card-access-{number}"), &hex(set))?;
    }
    folder.write_mangled("card-access", &hex(CARD_ACCESS[1]))?;
    folder.write("attributes", &hex(EXAMPLE))?;
    for identifier in [3, 4, 7] {
        folder.write(&format!("text-input-{identifier}"), &text_input_file(config(Profile::Today, 1), identifier))?;
    }
    folder.write("certificate", card(config(Profile::NextP256, 1)).authentication_certificate())?;
    folder.write(
        "lengths",
        &hex("04008100 82 04 8101AA 04820001BB 0483000001CC 0484 00000001DD 7F2100 5F3780 30 84FFFFFFFF"),
    )
}

fn attributes(folder: &Folder) -> io::Result<()> {
    let example = hex(EXAMPLE);
    folder.write("example", &example)?;
    folder.write_mangled("example", &example)?;
    for person in [1, 2, 5] {
        let config = config(Profile::Today, person);
        let pin = kazasu_card_sim::people::person(person).expect("a person").pins.text_input.clone();
        let file = file(&mut card(config), ApplicationKind::TextInput, (0x11, pin.as_bytes()), 2);
        folder.write(&format!("person-{person}"), &[&file[..], &[0xFF; 16]].concat())?;
    }
    let mut long = config(Profile::Today, 1);
    long.long_address = true;
    folder.write("long-address", &text_input_file(long, 2))?;
    let fields = |name: &[u8], address: &[u8], date: &[u8], sex: &[u8], more: &[u8]| {
        record(0xFF20, &[(0xDF22, name), (0xDF23, address), (0xDF24, date), (0xDF25, sex)], more)
    };
    folder.write("empty-texts", &fields(b"", b"", b"19900400", b"0", b""))?;
    folder.write("born-1965", &fields("見本".as_bytes(), "東京都".as_bytes(), b"19650405", b"1", b""))?;
    folder.write("unknown-day", &fields("見本".as_bytes(), "東京都".as_bytes(), b"19900000", b"9", b""))?;
    folder.write("further-field", &fields(b"a", b"b", b"20000229", b"1", &hex("DF2603414243")))?;
    folder.write("no-utf8", &fields(&[0x82, 0xA0, 0xFF], b"b", b"20000229", b"1", b""))?;
    folder.write("no-date", &fields(b"a", b"b", b"2000022a", b"1", b""))?;
    folder.write("no-sex", &fields(b"a", b"b", b"20000229", b"3", b""))?;
    let (name, birth_date, sex): (_, _, (u16, &[u8])) = ((0xDF22, &b"a"[..]), (0xDF24, &b"20000229"[..]), (0xDF25, b"1"));
    folder.write("no-address", &record(0xFF20, &[name, birth_date, sex], b""))?;
    folder.write("other-order", &record(0xFF20, &[sex, (0xDF26, b"?"), birth_date, name], b""))?;
    folder.write("sex-twice", &record(0xFF20, &[name, birth_date, sex, (0xDF25, b"2")], b""))
}

/// A record with a table of offsets, lengths in the shortest form.
fn record(tag: u16, fields: &[(u16, &[u8])], more: &[u8]) -> Vec<u8> {
    let mut header_len = 3;
    loop {
        let mut at = header_len + 3 + 2 * fields.len();
        let (mut offsets, mut body) = (Vec::new(), Vec::new());
        for (tag, value) in fields {
            offsets.extend((at as u16).to_be_bytes());
            let object = object(*tag, value);
            at += object.len();
            body.extend(object);
        }
        let value = [object(0xDF21, &offsets), body, more.to_vec()].concat();
        let record = object(tag, &value);
        if record.len() - value.len() == header_len {
            return record;
        }
        header_len = record.len() - value.len();
    }
}

fn object(tag: u16, value: &[u8]) -> Vec<u8> {
    let length = match value.len() {
        short @ 0..=0x7F => vec![short as u8],
        middle @ 0x80..=0xFF => vec![0x81, middle as u8],
        long => [&[0x82], &(long as u16).to_be_bytes()[..]].concat(),
    };
    [&tag.to_be_bytes()[..], &length, value].concat()
}

/// The values of the nine fields of the face of person 1.
fn face_fields() -> Vec<(u16, Vec<u8>)> {
    let file = surface_file(2);
    let mut at = 5 + 3 + 18;
    let mut fields = Vec::new();
    while at < file.len() {
        let tag = u16::from_be_bytes([file[at], file[at + 1]]);
        let (header, len) = match file[at + 2] {
            0x82 => (5, usize::from(file[at + 3]) << 8 | usize::from(file[at + 4])),
            0x81 => (4, usize::from(file[at + 3])),
            short => (3, usize::from(short)),
        };
        fields.push((tag, file[at + header..at + header + len].to_vec()));
        at += header + len;
    }
    fields
}

/// A face with other images than those of person 1; its signature does not fit.
fn small_face(image: &[u8], photo: &[u8]) -> Vec<u8> {
    let mut fields = face_fields();
    for (tag, value) in &mut fields {
        match tag {
            0xDF25 | 0xDF26 | 0xDF2A => *value = image.to_vec(),
            0xDF27 => *value = photo.to_vec(),
            _ => {}
        }
    }
    let fields: Vec<(u16, &[u8])> = fields.iter().map(|(tag, value)| (*tag, &value[..])).collect();
    record(0xFF20, &fields, &[])
}

/// The pictures in `corpus/photo`, which were made with Pillow.
fn pictures() -> io::Result<Vec<(String, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/photo");
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".jp2") || name.ends_with(".j2k") {
            pictures.push((name.to_owned(), fs::read(&path)?));
        }
    }
    pictures.sort();
    Ok(pictures)
}

fn face(folder: &Folder) -> io::Result<()> {
    folder.write("person-1", &surface_file(2))?;
    let empty = small_face(b"", b"");
    folder.write("empty-images", &empty)?;
    folder.write_mangled("empty-images", &empty)?;
    folder.write("filler", &[small_face(b"\x89PNG", b"no photo"), vec![0xFF; 32]].concat())?;
    for (name, picture) in pictures()? {
        folder.write(name.trim_end_matches(".jp2"), &small_face(b"\x89PNG", &picture))?;
    }
    Ok(())
}

/// Small pictures only: that of the card takes a hundred times as long to decode.
fn photo(folder: &Folder) -> io::Result<()> {
    let (name, picture) = pictures()?.swap_remove(0);
    folder.write_mangled(&name[..name.len() - 4], &picture)
}

fn cv_certificate(folder: &Folder) -> io::Result<()> {
    let surface = surface_file(4);
    folder.write("text-input", &text_input_file(config(Profile::Today, 1), 4))?;
    folder.write("surface", &surface)?;
    folder.write("surface-filler", &[&surface[..], &[0xFF; 16]].concat())?;
    folder.write_mangled("surface", &surface)?;
    let (body, signature) = (&surface[10..10 + 297], &surface[surface.len() - 256..]);
    let certificate =
        |body: &[u8], signature: &[u8]| object(0x7F21, &[object(0x5F4E, body), object(0x5F37, signature)].concat());
    folder.write("short-signature", &certificate(body, &signature[1..]))?;
    folder.write("no-key", &certificate(&body[..32], signature))?;
    folder.write("no-body", &certificate(b"", signature))?;
    let mut leading_zero = body.to_vec();
    leading_zero[297 - 256] = 0;
    folder.write("leading-zero", &certificate(&leading_zero, signature))?;
    let mut exponent = body.to_vec();
    exponent[34..37].fill(0);
    folder.write("exponent-0", &certificate(&exponent, signature))?;
    folder.write("key-behind", &certificate(&[body, &[0x90, 0x00]].concat(), signature))
}

fn certificate(folder: &Folder) -> io::Result<()> {
    for (profile, name) in [(Profile::Today, "rsa"), (Profile::NextP256, "p256"), (Profile::NextP384, "p384")] {
        let card = card(config(profile, 1));
        let certificate = card.authentication_certificate();
        folder.write(name, certificate)?;
        folder.write_mangled(name, certificate)?;
        folder.write(&format!("{name}-signature"), card.signature_certificate().expect("person 1 has one"))?;
    }
    for (number, certificate) in authority::certificates().iter().enumerate() {
        folder.write(&format!("authority-{number}"), certificate)?;
    }
    let now = NOW.seconds() as u64;
    let dated = |not_before, not_after| {
        let mut config = config(Profile::NextP256, 1);
        config.certificate_validity = Some(Validity { not_before, not_after });
        card(config).authentication_certificate().to_vec()
    };
    folder.write("grace", &dated(now - 1000 * 86_400, now - 40 * 86_400))?;
    folder.write("expired", &dated(now - 1000 * 86_400, now - 400 * 86_400))?;
    folder.write("not-yet-valid", &dated(now + 86_400, now + 1000 * 86_400))?;
    folder.write("after-2050", &dated(now, 2_600_000_000))?;
    let mut policy = config(Profile::NextP256, 1);
    policy.wrong_policy = true;
    folder.write("wrong-policy", card(policy).authentication_certificate())
}

/// Keeps what the card answered.
struct Recorder<'r> {
    card: SimTransport,
    input: &'r Mutex<Vec<u8>>,
}

impl CardTransport for Recorder<'_> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transceive(command);
        answers::write(&mut self.input.lock().expect("no panic"), command, &answer);
        answer
    }

    fn limits(&self) -> TransportLimits {
        self.card.limits()
    }
}

fn apdu(folder: &Folder) -> io::Result<()> {
    let authorities = kazasu_card_sim::cv_authorities();
    let rows: Vec<u8> = authorities.iter().flat_map(|(id, modulus)| [&id[..], modulus].concat()).collect();
    let known = include_bytes!("../simulated-cv-authorities.bin");
    if rows != known {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulated-cv-authorities.bin"), rows)?;
        panic!("the simulated card has other CV authorities now; they are written, run this again");
    }

    let stage = Stage::new(true);
    let record = |name: &str, flow: u8, options: u8, card: Card, faults: &[FaultAt]| {
        let card = Arc::new(Mutex::new(card));
        let input = Mutex::new(vec![flow, options]);
        let mut faults = faults.iter();
        let mut tap = || {
            let link = SimTransport::tap(Arc::clone(&card)).with_limits(flows::limits(options));
            let card = match faults.next() {
                Some(fault) => link.with_fault(*fault),
                None => link,
            };
            Recorder { card, input: &input }
        };
        let first = tap();
        stage.run(flow, options, first, tap);
        folder.write(name, &input.into_inner().expect("no panic"))
    };
    let today = || card(config(Profile::Today, 1));
    let tries = |pin: Pin, left: u8| {
        let mut card = today();
        card.set_attempts(pin, left);
        card
    };
    let at = |when, fault| [FaultAt { when, fault }];
    let mut small = config(Profile::Today, 1);
    small = small.with_file(ApplicationKind::Surface, 0x0002, small_face(b"\x89PNG", b"no photo"));

    record("authenticate", AUTHENTICATE, EXTENDED, today(), &[])?;
    record("authenticate-short", AUTHENTICATE, SHORT_EF | WATCHED, card(config(Profile::NoExtended, 1)), &[])?;
    record("authenticate-no-extended", AUTHENTICATE, EXTENDED, card(config(Profile::NoExtended, 1)), &[])?;
    record("authenticate-no-sfi", AUTHENTICATE, EXTENDED, card(config(Profile::NoSfi, 1)), &[])?;
    record("authenticate-p256", AUTHENTICATE, EXTENDED | WATCHED, card(config(Profile::NextP256, 1)), &[])?;
    record("authenticate-p384", AUTHENTICATE, EXTENDED | BELIEVING, card(config(Profile::NextP384, 1)), &[])?;
    record("authenticate-phone", AUTHENTICATE, EXTENDED, card(config(Profile::Phone, 1)), &[])?;
    record("authenticate-wrong-pin", AUTHENTICATE, EXTENDED, card(config(Profile::NextP256, 2)), &[])?;
    record("authenticate-last-try", AUTHENTICATE, EXTENDED, tries(Pin::UserAuthentication, 1), &[])?;
    record(
        "authenticate-first-6f00",
        AUTHENTICATE,
        EXTENDED,
        {
            let mut config = config(Profile::NextP256, 1);
            (config.first_command_6f00, config.procedure_bytes) = (true, true);
            card(config)
        },
        &[],
    )?;
    record(
        "authenticate-lost",
        AUTHENTICATE,
        EXTENDED,
        card(config(Profile::NextP256, 1)),
        &at(When::Exchange(5), Fault::Drop),
    )?;
    record(
        "authenticate-6300",
        AUTHENTICATE,
        EXTENDED,
        card(config(Profile::NextP256, 1)),
        &at(When::Exchange(5), Fault::StatusWord(0x6300)),
    )?;
    record("not-jpki", AUTHENTICATE, EXTENDED, card(config(Profile::NotJpki, 1)), &[])?;
    record("old", AUTHENTICATE, EXTENDED, card(config(Profile::Old, 1)), &[])?;
    record("attributes-with-proof", ATTRIBUTES_WITH_PROOF, EXTENDED | BELIEVING, today(), &[])?;
    record("attributes-with-proof-strict", ATTRIBUTES_WITH_PROOF, LAST_TRY, card(config(Profile::Strict, 1)), &[])?;
    record("attributes", ATTRIBUTES, NO_SHORT_EF | WATCHED, today(), &[])?;
    record("face-with-proof", FACE_WITH_PROOF, EXTENDED | BELIEVING, today(), &[])?;
    record("face-not-genuine", FACE_WITH_PROOF, EXTENDED | BELIEVING, card(small.clone()), &[])?;
    record("face", FACE, WATCHED, card(small), &[])?;
    record("birth-date", BIRTH_DATE_WITH_PROOF, EXTENDED | BELIEVING, today(), &[])?;
    record("birth-date-real", BIRTH_DATE_WITH_PROOF, SHORT_EF, today(), &[])?;
    record("birth-date-unchallenged", BIRTH_DATE_WITH_PROOF | UNCHALLENGED, 0, today(), &[])?;
    record("attributes-unchallenged", ATTRIBUTES_WITH_PROOF | UNCHALLENGED, EXTENDED, today(), &[])?;
    record("change-pin", CHANGE_PIN, 0, today(), &[])?;
    record("change-pin-6986", CHANGE_PIN, 0, today(), &at(When::Ins(0x24), Fault::StatusWord(0x6986)))?;
    record("change-password", CHANGE_PASSWORD, LAST_TRY, tries(Pin::Signature, 1), &[])?;
    record("change-password-lost", CHANGE_PASSWORD, 0, today(), &at(When::Ins(0x24), Fault::DropAfter))?;
    record("change-text-input-pin", CHANGE_TEXT_INPUT_PIN, NO_SHORT_EF, today(), &[])?;
    record("tries", TRIES, 0, today(), &[])?;
    record("tries-no-sfi", TRIES, 0, card(config(Profile::NoSfi, 1)), &[])?;
    record("examine", EXAMINE, 0, today(), &[])?;
    record("examine-phone", EXAMINE, EXTENDED, card(config(Profile::PhoneIos, 1)), &[])?;
    record("resume", RESUME, 0, today(), &at(When::Exchange(4), Fault::Drop))?;
    record(
        "resume-twice",
        RESUME,
        WATCHED | EXTENDED,
        today(),
        &[at(When::Exchange(2), Fault::Drop)[0], at(When::Exchange(3), Fault::Drop)[0]],
    )?;
    record("sign-detached", SIGN_DETACHED, EXTENDED, today(), &[])?;
    record("sign-attached-p256", SIGN_ATTACHED, EXTENDED | WATCHED, card(config(Profile::NextP256, 1)), &[])?;
    record("sign-p384", SIGN_ATTACHED, EXTENDED, card(config(Profile::NextP384, 1)), &[])?;
    record("certificates", CERTIFICATES, EXTENDED, card(config(Profile::NextP256, 1)), &[])?;
    record("blocked", CERTIFICATES, EXTENDED, tries(Pin::Signature, 0), &[])?;

    // Cards that never end.
    let for_ever: [(&str, u8, &[u8]); 5] = [
        ("for-ever-one-byte", ATTRIBUTES, &[0x00, 0x02, 0x00, 0x20, 3, 0xFF, 0x20, 0x60, 0x20, 1, 0xAA]),
        ("for-ever-one-byte-face", FACE, &[0x00, 0x02, 0x00, 0x20, 5, 0xFF, 0x20, 0x82, 0x7C, 0x00, 0x20, 1, 0xAA]),
        ("for-ever-61", FACE, &[0x00, 0x02, 0x00, 0x2D, 1, 0xFF]),
        ("for-ever-6c", FACE, &[0x00, 0x02, 0x00, 0x0E]),
        ("for-ever-ok", EXAMINE, &[0x00]),
    ];
    for (name, flow, answers) in for_ever {
        folder.write(name, &[&[flow, FOR_EVER], answers].concat())?;
    }
    Ok(())
}

/// Answers, headers, what is inside them, and sets of keys; the first byte says which.
fn sealed_answers(folder: &Folder) -> io::Result<()> {
    let write = |name: &str, kind: u8, bytes: &[u8]| folder.write(name, &[&[kind], bytes].concat());
    let part = |json: &str| kazasu::base64url::encode(json.as_bytes());
    let jws = |header: &str| format!("{}.{}.{}", part(header), part(r#"{"resourceType":"Bundle"}"#), "AQ".repeat(43));
    let bare = r#"{"alg":"ES256","kid":"signer","cty":"fhir+json"}"#;
    let usual = &format!(
        r#"{{"alg":"ES256","kid":"signer","cty":"fhir+json","apv":"{}","iat":{},"typ":"JOSE"}}"#,
        kazasu::base64url::encode(&sealed::party_v()),
        sealed::NOW.seconds()
    )[..];
    for (name, header) in [("usual", usual), ("bare", bare), ("none", r#"{"alg":"none"}"#)] {
        write(&format!("inside-{name}"), 2, jws(header).as_bytes())?;
    }
    let answer = kazasu::jose::jwe::seal(&sealed::public_key(), &sealed::header(), jws(usual).as_bytes());
    let answer = answer.expect("seals");
    write("whole", 0, answer.as_bytes())?;
    write("whole-encrypted-key", 0, answer.replacen("..", ".AAAA.", 1).as_bytes())?;
    write("whole-cut", 0, &answer.as_bytes()[..answer.len() / 2])?;
    let header = answer.split('.').next().and_then(kazasu::base64url::decode).expect("a header");
    write("header", 1, &header)?;
    let zip = String::from_utf8_lossy(&header).replacen('{', r#"{"zip":"DEF","#, 1);
    write("header-zip", 1, zip.as_bytes())?;
    write("keys", 3, sealed::jwks().to_string().as_bytes())?;
    write("keys-none", 3, br#"{"keys":[null,{"kid":"signer","kty":"oct"}]}"#)
}
