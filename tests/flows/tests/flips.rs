//! Every byte of every certificate and signature on the way from the card, with bits flipped: what comes of it is refused, or says that
//! it was not checked.

use kazasu::Error;
use kazasu::card::cms::Content;
use kazasu::card::{Card, Certificate, Disclosure, Issuer, KeyKind, LastAttempt, SignaturePassword};
use kazasu::crypto::SignatureVerifier;
use kazasu::iso7816::{CardTransport, TransportError, TransportLimits};
use kazasu::time::{Clock, SystemClock};
use kazasu_card_sim::{Config, Profile, SimTransport};
use kazasu_flows::{SharedCard, card_of, pin_of, unknown};

/// What a flow says of the certificate it signed with.
type Flow = fn(&mut Card<'_>) -> Result<Issuer, Error>;

const FLOWS: [(&str, Flow); 4] = [
    ("sign, attached", sign_attached),
    ("sign, detached", sign_detached),
    ("authenticate, issuer checked", authenticate_checked),
    ("authenticate", authenticate),
];

/// Where every bit is flipped, and not one of each byte.
const EVERY_BIT: [&str; 2] = ["sign, attached", "authenticate, issuer checked"];

fn sign(card: &mut Card<'_>, content: Content<'_>) -> Result<Issuer, Error> {
    let password = SignaturePassword::parse(b"ABC123").expect("a password");
    let (disclosure, now) = (Disclosure::NameAddressBirthDateSex, SystemClock.now());
    let mut jpki = card.select_jpki()?;
    let verifier = SignatureVerifier::ring();
    jpki.sign_document(password, LastAttempt::Refuse, disclosure, content, now, verifier).map(|signed| signed.issuer)
}

fn sign_attached(card: &mut Card<'_>) -> Result<Issuer, Error> {
    sign(card, Content::Attached(b"a document"))
}

fn sign_detached(card: &mut Card<'_>) -> Result<Issuer, Error> {
    sign(card, Content::Detached([7; 32]))
}

fn authenticate_checked(card: &mut Card<'_>) -> Result<Issuer, Error> {
    let (mut jpki, verifier) = (card.select_jpki()?, SignatureVerifier::ring());
    let certificate = jpki.authentication_certificate()?.ok_or(Error::NotMyNumberCard)?;
    let issuer = jpki.check_issuer(&certificate, KeyKind::UserAuthentication, verifier)?;
    jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)?;
    jpki.sign_challenge(certificate.key(), b"challenge", verifier).map(|_| issuer)
}

fn authenticate(card: &mut Card<'_>) -> Result<Issuer, Error> {
    let (mut jpki, verifier) = (card.select_jpki()?, SignatureVerifier::ring());
    let certificate = jpki.authentication_certificate()?.ok_or(Error::NotMyNumberCard)?;
    jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)?;
    jpki.sign_challenge(certificate.key(), b"challenge", verifier).map(|_| Issuer::NotChecked)
}

/// Keeps what is signed or certified in the answers: for each exchange the INS and the bytes that count.
struct Recorder {
    link: SimTransport,
    answers: Vec<(u8, usize)>,
}

impl CardTransport for Recorder {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.link.transceive(command)?;
        let data = &answer[..answer.len() - 2];
        // A certificate file goes on after its certificate with a filler, which says nothing.
        let counts = match *data {
            [0x30, 0x82, high, low, ..] if command[1] == 0xB0 => 4 + usize::from(u16::from_be_bytes([high, low])),
            _ => data.len(),
        };
        self.answers.push((command[1], counts));
        Ok(answer)
    }

    fn limits(&self) -> TransportLimits {
        self.link.limits()
    }
}

fn recorded(chip: &SharedCard, flow: Flow) -> (Result<Issuer, Error>, Vec<(u8, usize)>) {
    let mut recorder = Recorder { link: SimTransport::tap(chip.clone()), answers: Vec::new() };
    let outcome = flow(&mut Card::new(&mut recorder, unknown()));
    (outcome, recorder.answers)
}

/// Flips one bit of the data of one answer. A signature may be shorter than the one that was recorded: then it is a bit further
/// ahead, and never one of the status word, after which the card would be asked again.
struct Flipper {
    link: SimTransport,
    exchange: usize,
    bit: usize,
}

impl CardTransport for Flipper {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut answer = self.link.transceive(command)?;
        if self.exchange == 0 {
            let bit = self.bit % ((answer.len() - 2) * 8);
            answer[bit / 8] ^= 0x80 >> (bit % 8);
        }
        self.exchange = self.exchange.wrapping_sub(1);
        Ok(answer)
    }

    fn limits(&self) -> TransportLimits {
        self.link.limits()
    }
}

fn flipped(chip: &SharedCard, flow: Flow, exchange: usize, bit: usize) -> Result<Issuer, Error> {
    flow(&mut Card::new(&mut Flipper { link: SimTransport::tap(chip.clone()), exchange, bit }, unknown()))
}

#[test]
fn no_flipped_bit_is_vouched_for() {
    println!("{:<10} {:<30} {:>8} {:>8} {:>12} {:>12}", "", "", "bytes", "flips", "vouched for", "not checked");
    for profile in [Profile::Today, Profile::NextP256] {
        let chip = card_of(Config::new(profile, 1));
        for (name, flow) in FLOWS {
            let (outcome, answers) = recorded(&chip, flow);
            let is_checked = name != "authenticate";
            assert_eq!(outcome, Ok(if is_checked { Issuer::UnknownRoot } else { Issuer::NotChecked }), "{name}");
            let reads: Vec<u8> = answers.iter().filter(|(_, len)| *len > 0).map(|(ins, _)| *ins).collect();
            assert_eq!(reads, if is_checked { vec![0xB0, 0xB0, 0x2A] } else { vec![0xB0, 0x2A] }, "{name}");
            let (mut bytes, mut flips, mut vouched, mut unchecked) = (0, 0, 0, 0);
            for (exchange, (ins, len)) in answers.into_iter().enumerate().filter(|(_, (_, len))| *len > 0) {
                bytes += len;
                // All bits where that is cheap: a signature costs the simulated card its time. Else one of each byte.
                let every_bit = profile == Profile::Today && ins != 0x2A && EVERY_BIT.contains(&name);
                let bits = (0..len * 8).filter(|bit| every_bit || bit % 8 == bit / 8 % 8);
                for bit in bits {
                    flips += 1;
                    match flipped(&chip, flow, exchange, bit) {
                        Ok(Issuer::NotChecked) => unchecked += 1,
                        Ok(_) => vouched += 1,
                        Err(Error::Card(_) | Error::Certificate(_) | Error::NotMyNumberCard) => {}
                        Err(other) => panic!("{name}, exchange {exchange}, bit {bit}: {other:?}"),
                    }
                }
            }
            println!("{:<10} {name:<30} {bytes:>8} {flips:>8} {vouched:>12} {unchecked:>12}", profile.name());
            assert_eq!(vouched, 0, "{name}");
            assert!(is_checked || unchecked > 0, "{name}: what --ca is for");
        }
    }
}

/// A certificate of the other kind, of another card, or of another authority is none of this one's.
#[test]
fn an_issuer_is_told_only_of_what_it_issued() {
    let verifier = SignatureVerifier::ring();
    let chip = card_of(Config::new(Profile::Today, 1));
    let mut link = SimTransport::tap(chip.clone());
    let mut card = Card::new(&mut link, unknown());
    let mut jpki = card.select_jpki().expect("JPKI");
    let own = jpki.authentication_certificate().expect("reads").expect("plastic");
    let [authentication, signature] = [KeyKind::UserAuthentication, KeyKind::Signature]
        .map(|key| jpki.authority_certificate(key).expect("an authority"));
    let elliptic = card_of(Config::new(Profile::NextP256, 1));
    let elliptic = Certificate::parse(elliptic.lock().expect("card").authentication_certificate()).expect("parses");
    assert_eq!(own.check_issuer(&authentication, verifier), Ok(Issuer::UnknownRoot));
    for (certificate, authority) in
        [(&own, &signature), (&own, &own), (&elliptic, &authentication), (&authentication, &own)]
    {
        let refused = certificate.check_issuer(authority, verifier).expect_err("not issued by it");
        assert_eq!(refused.code(), "KZ-C10");
    }
    assert!(own.check_root(verifier).is_err(), "not a root");
}
