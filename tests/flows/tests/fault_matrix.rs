//! Every flow × every exchange × every fault: a typed error or the right result, and never a surplus VERIFY.

use std::collections::BTreeMap;

use kazasu::Error;
use kazasu::card::{
    BirthDateNumber, Card, Disclosure, LastAttempt, Proof, SignaturePassword, TextInputPin, Verification, cms,
};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::CardFault;
use kazasu::iso7816::{CardCapabilities, CardTransport, TransportError, TransportLimits};
use kazasu::time::{Clock, SystemClock};
use kazasu_card_sim::{Config, Fault, FaultAt, Pin, Profile, SimTransport, When};
use kazasu_flows::{
    SharedCard, authorities, card_of, number_b, pin, pin_of, text_input_pin_of, told_date, told_image, told_text,
};

/// What a flow gives, for comparison. Signatures with random parts are left out.
type Outcome = Result<String, Error>;

struct Flow {
    name: &'static str,
    run: fn(&mut Card<'_>) -> Outcome,
    /// What it gives is proven, so that a wrong result is impossible; otherwise a flipped bit can go unnoticed.
    proven: bool,
    pins: &'static [Pin],
}

const ALL_PINS: [Pin; 5] =
    [Pin::UserAuthentication, Pin::Signature, Pin::TextInput, Pin::SurfaceVerificationNumberB, Pin::BirthDate];

const FLOWS: [Flow; 13] = [
    Flow { name: "token info", run: token_info, proven: false, pins: &[] },
    Flow { name: "tries left", run: tries_left, proven: false, pins: &[] },
    Flow { name: "certificate", run: certificate, proven: true, pins: &[] },
    Flow { name: "sign challenge", run: sign, proven: true, pins: &[Pin::UserAuthentication] },
    Flow { name: "signature certificate", run: signature_certificate, proven: true, pins: &[Pin::Signature] },
    Flow { name: "CMS", run: sign_document, proven: true, pins: &[Pin::Signature] },
    Flow { name: "attributes", run: attributes, proven: false, pins: &[Pin::TextInput] },
    Flow { name: "attributes, proven", run: attributes_proven, proven: true, pins: &[Pin::TextInput] },
    Flow { name: "face, proven", run: face, proven: true, pins: &[Pin::SurfaceVerificationNumberB] },
    Flow { name: "birth date, proven", run: birth_date, proven: true, pins: &[Pin::BirthDate] },
    Flow { name: "change auth PIN", run: change_auth, proven: true, pins: &[Pin::UserAuthentication] },
    Flow { name: "change text-input PIN", run: change_text, proven: true, pins: &[Pin::TextInput] },
    Flow { name: "doctor", run: doctor, proven: false, pins: &[] },
];

fn token_info(card: &mut Card<'_>) -> Outcome {
    card.select_jpki()?.token_info().map(|info| format!("{info:?}"))
}

fn tries_left(card: &mut Card<'_>) -> Outcome {
    card.attempts_left().map(|pins| format!("{pins:?}"))
}

/// A certificate counts as read when its chain fits: what a session asks of it.
fn certificate(card: &mut Card<'_>) -> Outcome {
    let mut jpki = card.select_jpki()?;
    let read = jpki.authentication_certificate()?.ok_or(Error::NotMyNumberCard)?;
    let authority = kazasu_card_sim::authority::certificates();
    let roots = kazasu::card::CardRoots::parse(authority)?;
    read.check_authentication(&roots, SignatureVerifier::ring(), SystemClock.now())?;
    Ok(format!("{:?}", read.der()))
}

fn sign(card: &mut Card<'_>) -> Outcome {
    let mut jpki = card.select_jpki()?;
    let certificate = jpki.authentication_certificate()?.ok_or(Error::NotMyNumberCard)?;
    jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)?;
    jpki.sign_challenge(certificate.key(), b"challenge", SignatureVerifier::ring()).map(|_| "signed".to_owned())
}

fn password() -> SignaturePassword {
    SignaturePassword::parse(b"abc123").expect("a password")
}

fn signature_certificate(card: &mut Card<'_>) -> Outcome {
    let disclosure = Disclosure::NameAddressBirthDateSex;
    let mut jpki = card.select_jpki()?;
    let read = jpki.signature_certificate(password(), LastAttempt::Refuse, disclosure)?;
    let roots = kazasu::card::CardRoots::parse(kazasu_card_sim::authority::certificates())?;
    let issued = roots.contains_issuer_of(&read, SignatureVerifier::ring());
    if issued { Ok(format!("{:?}", read.der())) } else { Err(Error::NotMyNumberCard) }
}

fn sign_document(card: &mut Card<'_>) -> Outcome {
    let disclosure = Disclosure::NameAddressBirthDateSex;
    let content = cms::Content::Attached(b"a document");
    let (now, verifier) = (SystemClock.now(), SignatureVerifier::ring());
    let mut jpki = card.select_jpki()?;
    jpki.sign_document(password(), LastAttempt::Refuse, disclosure, content, now, verifier).map(|_| "signed".to_owned())
}

fn attributes(card: &mut Card<'_>) -> Outcome {
    let read = card.select_text_input()?.attributes(text_input_pin_of(1), LastAttempt::Refuse)?;
    Ok(format!("{} {} {}", told_text(&read.name), told_text(&read.address), told_date(&read.birth_date)))
}

/// Whoever asked for a proof takes nothing without one.
fn genuine(proof: &Proof) -> Result<(), Error> {
    if proof.is_genuine() { Ok(()) } else { Err(CardFault::NotGenuine { what: "data" }.into()) }
}

fn attributes_proven(card: &mut Card<'_>) -> Outcome {
    let authorities = authorities();
    let verification = Verification::full(&authorities, SignatureVerifier::ring());
    let mut text = card.select_text_input()?;
    let read = text.attributes_with_proof(text_input_pin_of(1), LastAttempt::Refuse, verification)?;
    genuine(&read.proof)?;
    let details = [told_text(&read.name), told_text(&read.address), told_date(&read.birth_date)];
    Ok(format!("{} {:?}", details.join(" "), read.proof))
}

fn face(card: &mut Card<'_>) -> Outcome {
    let authorities = authorities();
    let verification = Verification::full(&authorities, SignatureVerifier::ring());
    let read = card.select_surface()?.face_with_proof(number_b(), LastAttempt::Refuse, verification)?;
    genuine(&read.proof)?;
    let images = [told_image(&read.name_png), told_image(&read.photo_jp2)].join(" ");
    Ok(format!("{} {images} {:?}", told_date(&read.birth_date), read.proof))
}

fn birth_date(card: &mut Card<'_>) -> Outcome {
    let authorities = authorities();
    let verification = Verification::full(&authorities, SignatureVerifier::ring());
    let number = BirthDateNumber::parse(b"020405").expect("six digits");
    let read = card.select_surface()?.birth_date_with_proof(number, LastAttempt::Refuse, verification)?;
    genuine(&read.proof)?;
    Ok(format!("{} {:?}", told_date(&read.birth_date), read.proof))
}

fn change_auth(card: &mut Card<'_>) -> Outcome {
    let change = card.select_jpki()?.change_user_authentication(pin_of(1), pin("8013"), LastAttempt::Refuse);
    change.map(|()| "changed".to_owned())
}

fn change_text(card: &mut Card<'_>) -> Outcome {
    let new = TextInputPin::parse(b"8013").expect("four digits");
    let change = card.select_text_input()?.change_pin(text_input_pin_of(1), new, LastAttempt::Refuse);
    change.map(|()| "changed".to_owned())
}

fn doctor(card: &mut Card<'_>) -> Outcome {
    let report = card.examine(&mut |_| {})?;
    Ok(format!("{} {} {:?}", report.label, report.model, report.applications))
}

/// A link that gives up on one exchange after the card has worked: what an answer past the time limit looks like.
struct Late {
    inner: SimTransport,
    left: Option<u32>,
}

impl CardTransport for Late {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.inner.transceive(command);
        match self.left {
            Some(0) => Err(TransportError::Timeout),
            left => {
                self.left = left.map(|left| left - 1);
                answer
            }
        }
    }

    fn limits(&self) -> TransportLimits {
        self.inner.limits()
    }
}

#[derive(Clone, Copy)]
enum Trouble {
    OfLink(Fault),
    Late,
}

const TROUBLES: [(&str, &[Trouble]); 6] = [
    ("drop", &[Trouble::OfLink(Fault::Drop), Trouble::OfLink(Fault::DropAfter)]),
    ("6F00", &[Trouble::OfLink(Fault::StatusWord(0x6F00)), Trouble::OfLink(Fault::StatusWordAfter(0x6F00))]),
    (
        "truncate",
        &[
            Trouble::OfLink(Fault::Truncate(0)),
            Trouble::OfLink(Fault::Truncate(1)),
            Trouble::OfLink(Fault::Truncate(2)),
        ],
    ),
    (
        "flip",
        &[
            Trouble::OfLink(Fault::FlipBit(3)),
            Trouble::OfLink(Fault::FlipBit(9)),
            Trouble::OfLink(Fault::FlipBit(101)),
            Trouble::OfLink(Fault::FlipBit(2_001)),
        ],
    ),
    (
        "61/6C",
        &[
            Trouble::OfLink(Fault::StatusWord(0x6110)),
            Trouble::OfLink(Fault::StatusWord(0x6C10)),
            Trouble::OfLink(Fault::StatusWordAfter(0x6100)),
        ],
    ),
    ("late", &[Trouble::Late]),
];

#[derive(Default)]
struct Tally {
    cases: usize,
    errors: usize,
    right: usize,
    unproven: usize,
}

struct Matrix {
    table: BTreeMap<(usize, &'static str), Tally>,
}

impl Matrix {
    fn run(&mut self, index: usize, chip: &SharedCard) {
        let flow = &FLOWS[index];
        let (expected, exchanges) = without_trouble(flow, chip);
        for exchange in 0..exchanges {
            for (family, troubles) in TROUBLES {
                for trouble in troubles {
                    let tally = self.table.entry((index, family)).or_default();
                    one(flow, chip, exchange, *trouble, &expected, tally);
                }
            }
        }
    }
}

fn without_trouble(flow: &Flow, chip: &SharedCard) -> (String, u32) {
    renew(chip);
    let mut link = SimTransport::tap(chip.clone());
    let outcome = (flow.run)(&mut Card::new(&mut link, CardCapabilities::default()));
    drop(link);
    let exchanges = chip.lock().expect("card").counters().exchanges;
    (outcome.unwrap_or_else(|error| panic!("{}: {error}", flow.name)), exchanges)
}

fn renew(chip: &SharedCard) {
    let mut card = chip.lock().expect("card");
    card.reset_pins().expect("no file");
    card.reset_counters();
}

fn one(flow: &Flow, chip: &SharedCard, exchange: u32, trouble: Trouble, expected: &str, tally: &mut Tally) {
    renew(chip);
    let inner = SimTransport::tap(chip.clone());
    let mut link = match trouble {
        Trouble::OfLink(fault) => {
            let fault = FaultAt { when: When::Exchange(exchange), fault };
            Late { inner: inner.with_fault(fault), left: None }
        }
        Trouble::Late => Late { inner, left: Some(exchange) },
    };
    let outcome = (flow.run)(&mut Card::new(&mut link, CardCapabilities::default()));
    drop(link);
    let at = format!("{}, exchange {exchange}, {}", flow.name, name(trouble));
    let card = chip.lock().expect("card");
    let sent = card.counters().verify_with_data;
    assert!(sent <= u32::from(!flow.pins.is_empty()), "{at}: {sent} VERIFY");
    // A right PIN costs nothing, and no other is ever sent.
    for kind in ALL_PINS {
        let left = card.attempts_left(kind);
        let full = match kind {
            Pin::Signature => 5,
            Pin::UserAuthentication | Pin::TextInput => 3,
            _ => 10,
        };
        assert_eq!(left, full, "{at}: {kind:?}");
    }
    tally.cases += 1;
    match outcome {
        Err(error) => {
            assert!(error.code().starts_with("KZ-C") || error.code() == "KZ-A05", "{at}: {error}");
            tally.errors += 1;
        }
        Ok(result) if result == expected => tally.right += 1,
        Ok(result) => {
            assert!(!flow.proven, "{at}: a wrong result\n{result:.300}");
            tally.unproven += 1;
        }
    }
}

fn name(trouble: Trouble) -> String {
    match trouble {
        Trouble::OfLink(fault) => format!("{fault:?}"),
        Trouble::Late => "late".to_owned(),
    }
}

#[test]
fn every_fault_at_every_exchange_is_survived() {
    let mut matrix = Matrix { table: BTreeMap::new() };
    let today = Config::new(Profile::Today, 1);
    let cards = [today.clone(), Config { sfi: false, ..today.clone() }];
    for config in cards {
        let chip = card_of(config);
        (0..FLOWS.len()).for_each(|index| matrix.run(index, &chip));
    }
    // Short reads only for the small files: the photo alone has fifty.
    let chip = card_of(Config { extended: false, ..today });
    [2, 3, 7, 9].into_iter().for_each(|index| matrix.run(index, &chip));
    print(&matrix);
    let cases: usize = matrix.table.values().map(|tally| tally.cases).sum();
    assert!(cases > 2_000, "{cases}");
}

fn print(matrix: &Matrix) {
    println!("cases: typed error + right result + wrong but unproven result; no panic, no surplus VERIFY");
    let families = TROUBLES.map(|(family, _)| family);
    println!("{:<23}{}", "", families.map(|family| format!("{family:>14}")).concat());
    for (index, flow) in FLOWS.iter().enumerate() {
        let cells = families.map(|family| {
            let tally = &matrix.table[&(index, family)];
            format!("{:>14}", format!("{}+{}+{}", tally.errors, tally.right, tally.unproven))
        });
        println!("{:<23}{}", flow.name, cells.concat());
    }
    let sum = |of: fn(&Tally) -> usize| matrix.table.values().map(of).sum::<usize>();
    println!(
        "{} cases: {} typed errors, {} right results, {} wrong results of flows without proof",
        sum(|tally| tally.cases),
        sum(|tally| tally.errors),
        sum(|tally| tally.right),
        sum(|tally| tally.unproven),
    );
}
