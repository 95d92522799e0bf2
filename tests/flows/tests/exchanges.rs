//! Exchanges with the card, flow by flow: what is needed at the first tap of a card, and once it is known.

use kazasu::Error;
use kazasu::card::{Card, Certificate, LastAttempt};
use kazasu::crypto::SignatureVerifier;
use kazasu::iso7816::{CardCapabilities, TracedTransport, TransportLimits};
use kazasu_card_sim::{ApplicationKind, Config, Profile, SimTransport};
use kazasu_flows::{SharedCard, card_of, number_b, pin_of, text_input_pin_of};

type Run = fn(&mut Card<'_>, &Certificate) -> Result<(), Error>;

struct Flow {
    name: &'static str,
    run: Run,
    /// The best of today's readers, and what no reader can go below without asking for the tries left.
    best_peer: u32,
    minimum: u32,
    /// Ours: on a capable card, and the limit on any other once it is known.
    budget: u32,
    limit: Option<u32>,
}

const FLOWS: [Flow; 6] = [
    Flow { name: "F1 sign, read certificate", run: sign, best_peer: 12, minimum: 4, budget: 5, limit: Some(14) },
    Flow { name: "F2 sign, certificate known", run: sign_known, best_peer: 4, minimum: 3, budget: 4, limit: Some(6) },
    Flow { name: "F3 attributes", run: attributes, best_peer: 5, minimum: 3, budget: 4, limit: Some(6) },
    Flow { name: "F4 certificate", run: certificate, best_peer: 9, minimum: 2, budget: 2, limit: Some(9) },
    // Five PINs in three applications.
    Flow { name: "F5 tries left, 5 PINs", run: tries_left, best_peer: 17, minimum: 8, budget: 8, limit: None },
    Flow { name: "F6 face with photo, 12 kB", run: face, best_peer: 52, minimum: 3, budget: 4, limit: Some(53) },
];

fn sign(card: &mut Card<'_>, _: &Certificate) -> Result<(), Error> {
    let mut jpki = card.select_jpki()?;
    let certificate = jpki.authentication_certificate()?.expect("plastic");
    jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)?;
    jpki.sign_challenge(certificate.key(), b"challenge", SignatureVerifier::ring()).map(drop)
}

fn sign_known(card: &mut Card<'_>, certificate: &Certificate) -> Result<(), Error> {
    let mut jpki = card.select_jpki()?;
    jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)?;
    jpki.sign_challenge(certificate.key(), b"challenge", SignatureVerifier::ring()).map(drop)
}

fn attributes(card: &mut Card<'_>, _: &Certificate) -> Result<(), Error> {
    let read = card.select_text_input()?.attributes(text_input_pin_of(1), LastAttempt::Refuse)?;
    assert_eq!(read.name.known().map(String::as_str), Some("見本　花子"));
    Ok(())
}

fn certificate(card: &mut Card<'_>, known: &Certificate) -> Result<(), Error> {
    let read = card.select_jpki()?.authentication_certificate()?.expect("plastic");
    assert_eq!(read.der(), known.der());
    Ok(())
}

fn tries_left(card: &mut Card<'_>, _: &Certificate) -> Result<(), Error> {
    assert_eq!(card.attempts_left()?.iter().filter_map(|pin| pin.attempts_left).sum::<u8>(), 3 + 5 + 3 + 10 + 10);
    Ok(())
}

fn face(card: &mut Card<'_>, _: &Certificate) -> Result<(), Error> {
    let read = card.select_surface()?.face(number_b(), LastAttempt::Refuse)?;
    assert!(read.photo_jp2.known().is_some_and(|photo| photo.len() > 8_000), "a photo of real size");
    Ok(())
}

/// A face of exactly 12 kB, the size that the figures of today's readers are for. Its photo is none.
fn face_file() -> Vec<u8> {
    let tlv = |tag: u16, value: Vec<u8>| {
        let header = match u16::try_from(value.len()).expect("short") {
            short @ 0..=127 => vec![short.to_be_bytes()[1]],
            long => [&[0x82], &long.to_be_bytes()[..]].concat(),
        };
        [tag.to_be_bytes().to_vec(), header, value].concat()
    };
    let key = [&[0x90, 3, 1, 0, 1, 0x91, 0x82, 1, 0][..], &[0xFF; 256]].concat();
    let fields = |photo: usize| {
        let values = [b"19900405".to_vec(), b"2".to_vec(), key.clone(), vec![1; 300], vec![2; 900], vec![3; photo]];
        let unsigned = [vec![4; 256], b"20350405".to_vec(), vec![5; 200]];
        (0xDF22..).zip(values.into_iter().chain(unsigned)).map(|(tag, value)| tlv(tag, value)).collect::<Vec<_>>()
    };
    let fixed: usize = fields(1_000).iter().map(Vec::len).sum();
    let fields = fields(1_000 + 12_288 - fixed - 26);
    let mut offset = 26_u16;
    let mut offsets = Vec::new();
    for field in &fields {
        offsets.extend(offset.to_be_bytes());
        offset += u16::try_from(field.len()).expect("short");
    }
    let file = tlv(0xFF20, [tlv(0xDF21, offsets), fields.concat()].concat());
    assert_eq!(file.len(), 12_288);
    file
}

/// Exchanges of one tap, and what the card has shown by then.
fn count(chip: &SharedCard, flow: &Flow, known: &Certificate, before: CardCapabilities) -> (u32, CardCapabilities) {
    let mut exchanges = 0;
    let link = SimTransport::tap(chip.clone()).with_limits(TransportLimits::EXTENDED);
    let mut transport = TracedTransport::new(link, |_| exchanges += 1);
    let mut card = Card::new(&mut transport, before);
    (flow.run)(&mut card, known).unwrap_or_else(|error| panic!("{}: {error}", flow.name));
    let after = card.capabilities();
    drop(transport);
    (exchanges, after)
}

#[test]
fn no_reader_needs_fewer_exchanges() {
    let today = Config::new(Profile::Today, 1).with_file(ApplicationKind::Surface, 0x0002, face_file());
    let cards = [
        ("capable", today.clone()),
        ("no-sfi", Config { sfi: false, ..today.clone() }),
        ("no-extended", Config { extended: false, ..today.clone() }),
        ("neither", Config { sfi: false, extended: false, ..today }),
    ];
    println!("{:<27}{:>5}{:>7}  first tap of a card / later ones, on a card that is", "", "best", "mini-");
    println!(
        "{:<27}{:>5}{:>5}{:>12}{:>12}{:>14}{:>12}",
        "", "peer", "mum", "capable", "no-sfi", "no-extended", "neither"
    );
    for flow in &FLOWS {
        let mut line = format!("{:<27}{:>5}{:>7}", flow.name, flow.best_peer, flow.minimum);
        for (name, config) in &cards {
            let chip = card_of(config.clone());
            let known =
                Certificate::parse(chip.lock().expect("card").authentication_certificate()).expect("certificate");
            let (first, learned) = count(&chip, flow, &known, CardCapabilities::default());
            let (later, _) = count(&chip, flow, &known, learned);
            line += &format!(
                "{:>width$}",
                format!("{first} / {later}"),
                width = if *name == "no-extended" { 14 } else { 12 }
            );
            if *name == "capable" {
                assert_eq!((first, later), (flow.budget, flow.budget), "{}", flow.name);
            }
            assert!(first <= later + 2, "{}, {name}: learning costs {} exchanges", flow.name, first - later);
            assert!(flow.limit.is_none_or(|limit| later <= limit), "{}, {name}: {later}", flow.name);
        }
        println!("{line}");
    }
}
