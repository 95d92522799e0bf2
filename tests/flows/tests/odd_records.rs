//! Cards whose records lack something or say something new: what is there is read and proven, at the cost of no exchange.

use kazasu::Error;
use kazasu::card::photo::Photo;
use kazasu::card::{
    Attributes, BirthDateNumber, BirthDateRecord, Card, Face, Field, Generation, LastAttempt, OtherField, Proof,
    ProofGap, Sex, Verification,
};
use kazasu::crypto::SignatureVerifier;
use kazasu::iso7816::{CardCapabilities, CardTransport, TracedTransport, TransportLimits};
use kazasu_card_sim::{ApplicationKind, Config, Oddity, Profile, SimTransport};
use kazasu_flows::{authorities, card_of, number_b, text_input_pin_of, told, told_date, told_text};

/// What the three records of a card come to, each with its proof and the exchanges it took.
struct Read {
    attributes: Result<Attributes, Error>,
    face: Result<Face, Error>,
    birth_date: Result<BirthDateRecord, Error>,
    exchanges: u32,
}

fn read(config: Config) -> Read {
    let chip = card_of(config);
    let authorities = authorities();
    let proven = Verification::full(&authorities, SignatureVerifier::ring());
    let mut exchanges = 0;
    let link = SimTransport::tap(chip).with_limits(TransportLimits::EXTENDED);
    let mut transport = TracedTransport::new(link, |_| exchanges += 1);
    let mut card = Card::new(&mut transport, CardCapabilities::default());
    let refuse = LastAttempt::Refuse;
    let attributes =
        card.select_text_input().and_then(|mut text| text.attributes_with_proof(text_input_pin_of(1), refuse, proven));
    let face = card.select_surface().and_then(|mut surface| surface.face_with_proof(number_b(), refuse, proven));
    let number = BirthDateNumber::parse(b"020405").expect("six digits");
    let birth_date =
        card.select_surface().and_then(|mut surface| surface.birth_date_with_proof(number, refuse, proven));
    drop(transport);
    Read { attributes, face, birth_date, exchanges }
}

fn odd(oddity: Oddity) -> Config {
    Config { oddities: vec![oddity], ..Config::new(Profile::Today, 1) }
}

/// Every field of the three records by name, in a form that can be compared.
fn fields(read: &Read) -> Vec<(&'static str, String)> {
    let attributes = read.attributes.as_ref().expect("attributes");
    let face = read.face.as_ref().expect("face");
    let birth_date = read.birth_date.as_ref().expect("birth date");
    let sex = |field| told(field, |sex: &Sex| sex.name().to_owned());
    let image = |field| told(field, |image: &Vec<u8>| format!("{} bytes", image.len()));
    let others = |others: &[OtherField]| {
        others.iter().map(|other| format!("{:04X} {}", other.tag, other.shown())).collect::<Vec<_>>().join(", ")
    };
    vec![
        ("name", told_text(&attributes.name)),
        ("address", told_text(&attributes.address)),
        ("birth date", told_date(&attributes.birth_date)),
        ("sex", sex(&attributes.sex)),
        ("others", others(&attributes.others)),
        ("face: birth date", told_date(&face.birth_date)),
        ("face: sex", sex(&face.sex)),
        ("face: name", image(&face.name_png)),
        ("face: address", image(&face.address_png)),
        ("face: photo", image(&face.photo_jp2)),
        ("face: expiry", told_date(&face.unsigned_expiry)),
        ("face: security code", image(&face.unsigned_security_code_png)),
        ("face: others", others(&face.unsigned_others)),
        ("record: birth date", told_date(&birth_date.birth_date)),
    ]
}

#[test]
fn a_field_that_is_missing_or_odd_takes_no_other_with_it_and_the_proof_holds() {
    let usual = read(Config::new(Profile::Today, 1));
    let expected = fields(&usual);
    let (blank, era) = ("-", format!("?{:02x?}", b"H0204050"));
    let three = format!("?{:02x?}", b"3");
    let kana = "ミホン\u{3000}ハナコ";
    for (oddity, differs) in [
        (Oddity::NoPhoto, vec![("face: photo", blank.to_owned())]),
        (Oddity::EmptyPhoto, vec![("face: photo", blank.to_owned())]),
        (Oddity::BadPhoto, vec![("face: photo", "12 bytes".to_owned())]),
        (Oddity::BlankSex, vec![("sex", blank.to_owned()), ("face: sex", blank.to_owned())]),
        (Oddity::Sex3, vec![("sex", three.clone()), ("face: sex", three)]),
        (
            Oddity::BlankBirthDate,
            ["birth date", "face: birth date", "record: birth date"].map(|name| (name, blank.to_owned())).into(),
        ),
        (
            Oddity::EraBirthDate,
            ["birth date", "face: birth date", "record: birth date"].map(|name| (name, era.clone())).into(),
        ),
        (Oddity::NoAddress, vec![("address", blank.to_owned())]),
        (Oddity::NameNotUtf8, vec![("name", "?[8c, a9, 96, 7b]".to_owned())]),
        (Oddity::BlankExpiry, vec![("face: expiry", format!("?{:02x?}", b"99999999"))]),
        (Oddity::ExtraFields, vec![("others", format!("DF26 {kana}")), ("face: others", format!("DF2B {kana}"))]),
    ] {
        let found = read(odd(oddity));
        let mut changed = fields(&found);
        changed.retain(|field| !expected.contains(field));
        assert_eq!(changed, differs, "{oddity}");
        let proofs = [
            &found.attributes.as_ref().expect("attributes").proof,
            &found.face.as_ref().expect("face").proof,
            &found.birth_date.as_ref().expect("birth date").proof,
        ];
        assert!(proofs.iter().all(|proof| proof.is_genuine()), "{oddity}: {proofs:?}");
        assert_eq!(found.exchanges, usual.exchanges, "{oddity}");
        println!("{oddity:<18} {} exchanges, all proven, {} field(s) differ", found.exchanges, differs.len());
    }
}

#[test]
fn a_photo_that_is_none_is_no_picture() {
    let face = read(odd(Oddity::BadPhoto)).face.expect("face");
    let photo = face.photo_jp2.known().expect("bytes");
    assert!(Photo::decode(photo).is_err());
}

/// EF 0002 of an application as it stands.
fn file_of(kind: ApplicationKind) -> Vec<u8> {
    let (aid, reference, secret) = match kind {
        ApplicationKind::Surface => (2, 0x92, &b"02040520350123"[..]),
        _ => (8, 0x91, &b"1234"[..]),
    };
    let select = [0x00, 0xA4, 0x04, 0x0C, 10, 0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, aid];
    let verify = [&[0x00, 0x20, 0x00, reference, u8::try_from(secret.len()).expect("short")], secret].concat();
    let mut link = SimTransport::tap(card_of(Config::new(Profile::Today, 1))).with_limits(TransportLimits::EXTENDED);
    let mut file = Vec::new();
    for command in [&select[..], &verify, &[0x00, 0xB0, 0x82, 0x00, 0x00, 0x00, 0x00]] {
        file = link.transceive(command).expect("answers");
        let status = file.split_off(file.len() - 2);
        assert_eq!(status, [0x90, 0x00]);
    }
    file
}

/// The file of a card with one field changed after it was signed.
fn changed(kind: ApplicationKind, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Config {
    let file = file_of(kind);
    let (start, end) = match file[2] {
        0x82 => (5, 5 + usize::from(u16::from_be_bytes([file[3], file[4]]))),
        short => (3, 3 + usize::from(short)),
    };
    let mut rest = &file[start..end];
    let mut objects = Vec::new();
    while let [_, _, first, ..] = *rest {
        let (header, len) = match first {
            0x82 => (5, usize::from(u16::from_be_bytes([rest[3], rest[4]]))),
            short => (3, usize::from(short)),
        };
        let (object, after) = rest.split_at(header + len);
        objects.push(object.to_vec());
        rest = after;
    }
    let table = objects.remove(0);
    change(&mut objects);
    let starts = objects.iter().scan(start + table.len(), |at, object| {
        let offset = *at;
        *at += object.len();
        Some((object[1], u16::try_from(offset).expect("short")))
    });
    let starts: Vec<(u8, u16)> = starts.collect();
    let tags = 0x22..0x22 + (table.len() as u8 - 3) / 2;
    let of = |tag: u8| starts.iter().find(|(other, _)| *other == tag).map_or(0, |(_, offset)| *offset);
    let table = [table[..3].to_vec(), tags.flat_map(|tag| of(tag).to_be_bytes()).collect()].concat();
    let value = [table, objects.concat()].concat();
    let len = u16::try_from(value.len()).expect("short").to_be_bytes();
    let header = if start == 5 { [&[0xFF, 0x20, 0x82][..], &len].concat() } else { vec![0xFF, 0x20, len[1]] };
    Config::new(Profile::Today, 1).with_file(kind, 0x0002, [header, value].concat())
}

#[test]
fn what_is_left_out_or_put_in_after_signing_is_no_proof() {
    let not_genuine = |result: &Result<Face, Error>| result.as_ref().is_err_and(|error| error.code() == "KZ-C10");
    // Birth date, sex, key, images and photo: each is signed.
    for at in 0..6 {
        let without = read(changed(ApplicationKind::Surface, |objects| drop(objects.remove(at))));
        assert!(not_genuine(&without.face), "face without object {at}");
        let twice = read(changed(ApplicationKind::Surface, |objects| objects.insert(at, objects[at].clone())));
        assert!(twice.face.is_err(), "face with object {at} twice");
    }
    for at in 0..4 {
        let without = read(changed(ApplicationKind::TextInput, |objects| drop(objects.remove(at))));
        assert!(without.attributes.is_err_and(|error| error.code() == "KZ-C10"), "attributes without object {at}");
    }
    let more = read(changed(ApplicationKind::TextInput, |objects| objects.push(vec![0xDF, 0x26, 1, b'x'])));
    assert!(more.attributes.is_err(), "a field put in is not signed");
}

#[test]
fn a_record_without_signature_is_read_and_not_believed() {
    let unsigned = read(changed(ApplicationKind::Surface, |objects| drop(objects.remove(6))));
    let face = unsigned.face.expect("face");
    assert_eq!(face.proof, Proof::NotVerifiable(ProofGap::Incomplete));
    assert!(matches!(face.photo_jp2, Field::Read(_)));
}

#[test]
fn a_label_that_is_no_text_names_no_generation_and_hides_nothing_else() {
    let mut file = vec![b' '; 160];
    file[..8].copy_from_slice(b"\x1b[31mJPK");
    file[64..72].copy_from_slice(b"E16R01NJ");
    let chip = card_of(Config::new(Profile::Today, 1).with_file(ApplicationKind::Jpki, 0x0006, file));
    let mut link = SimTransport::tap(chip).with_limits(TransportLimits::EXTENDED);
    let mut card = Card::new(&mut link, CardCapabilities::default());
    let report = card.examine(&mut |_| {}).expect("a report");
    assert_eq!((report.generation, report.label.as_str()), (Generation::Unknown, "\u{fffd}[31mJPK"));
    assert_eq!((report.model.as_str(), report.applications.len()), ("E16R01NJ", 5));
}
