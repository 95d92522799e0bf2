//! Whole flows of the public interface, over any link, with checks of what they return.

use kazasu::Error;
use kazasu::card::cms::Content;
use kazasu::card::photo::Photo;
use kazasu::card::{
    Attributes, BirthDateNumber, Card, CardDate, CardRoots, Certificate, ChipProof, CvAuthorities, Disclosure, Face,
    Jpki, KeyKind, LastAttempt, Proof, SignaturePassword, TextInputPin, UnfinishedRead, UserAuthenticationPin,
    Verification, VerificationNumberB,
};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::PinKind;
use kazasu::iso7816::{CardCapabilities, CardTransport, ReadProgress, TransportLimits};
use kazasu::time::UnixMillis;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use self::options::{BELIEVING, EXTENDED, LAST_TRY, NO_EXTENDED, NO_SHORT_EF, SHORT_EF, WATCHED};
use crate::LARGEST;
use crate::guard::Guarded;
use crate::verifier::believing;

/// 2026-11-22T03:00:00Z. Seeds carry certificates that are valid then.
pub const NOW: UnixMillis = UnixMillis::from_seconds(1_795_316_400);

// The secrets of person 1.
const PIN: &[u8] = b"1234";
const NEW_PIN: &[u8] = b"7290";
const PASSWORD: &[u8] = b"ABC123";
const NEW_PASSWORD: &[u8] = b"XYZ789K";
const NUMBER_B: &[u8] = b"02040520350123";
const BIRTH_DATE: &[u8] = b"020405";
const CHALLENGE: &[u8] = b"Kazasu-1";

/// Key identifier (16 bytes) and modulus (256 bytes) of each CV authority of the simulated card.
const SIMULATED_AUTHORITIES: &[u8] = include_bytes!("simulated-cv-authorities.bin");
const SIMULATED_ROOTS: [&[u8]; 2] = [
    include_bytes!("../../people/ca-authentication-rsa2048.pem"),
    include_bytes!("../../people/ca-authentication-p384.pem"),
];

/// The flows, by the number that an input names them with; greater ones begin anew.
#[allow(missing_docs)]
pub mod number {
    pub const AUTHENTICATE: u8 = 0;
    pub const ATTRIBUTES_WITH_PROOF: u8 = 1;
    pub const FACE_WITH_PROOF: u8 = 2;
    pub const BIRTH_DATE_WITH_PROOF: u8 = 3;
    pub const CHANGE_PIN: u8 = 4;
    pub const CHANGE_PASSWORD: u8 = 5;
    pub const CHANGE_TEXT_INPUT_PIN: u8 = 6;
    pub const TRIES: u8 = 7;
    pub const EXAMINE: u8 = 8;
    pub const RESUME: u8 = 9;
    pub const SIGN_DETACHED: u8 = 10;
    pub const SIGN_ATTACHED: u8 = 11;
    pub const ATTRIBUTES: u8 = 12;
    pub const FACE: u8 = 13;
    pub const CERTIFICATES: u8 = 14;
    pub(super) const ALL: u8 = 15;
    /// Added to a number: the chip is not challenged.
    pub const UNCHALLENGED: u8 = 1 << 7;
}

/// The switches of an input.
pub mod options {
    /// The link carries extended APDUs.
    pub const EXTENDED: u8 = 1 << 0;
    /// The last try may be used.
    pub const LAST_TRY: u8 = 1 << 1;
    /// Every signature is believed.
    pub const BELIEVING: u8 = 1 << 2;
    /// Somebody watches the reads.
    pub const WATCHED: u8 = 1 << 3;
    /// The card is known to take short EF identifiers.
    pub const SHORT_EF: u8 = 1 << 4;
    /// The card is known not to.
    pub const NO_SHORT_EF: u8 = 1 << 5;
    /// The card is known not to take extended lengths.
    pub const NO_EXTENDED: u8 = 1 << 6;
    /// After its last answer the card repeats it for ever.
    pub const FOR_EVER: u8 = 1 << 7;
}

/// The limits these switches stand for.
pub fn limits(options: u8) -> TransportLimits {
    if options & EXTENDED == 0 { TransportLimits::SHORT } else { TransportLimits::EXTENDED }
}

/// The CV authorities of production, test and simulated cards.
pub fn authorities() -> CvAuthorities {
    SIMULATED_AUTHORITIES.chunks_exact(272).fold(CvAuthorities::national().and_test_cards(), |all, row| {
        let (id, modulus) = row.split_first_chunk().expect("272 bytes");
        all.and(*id, modulus).expect("a modulus of 2048 bits")
    })
}

/// The roots of simulated cards.
pub fn roots() -> CardRoots {
    let ders = SIMULATED_ROOTS.map(|pem| CertificateDer::from_pem_slice(pem).expect("a PEM file"));
    CardRoots::parse(ders).expect("roots")
}

/// What is made once.
pub struct Stage {
    authorities: CvAuthorities,
    roots: CardRoots,
    /// A card with its keys answers, not an input.
    has_card: bool,
}

impl Stage {
    /// For inputs, or for recording a card.
    pub fn new(has_card: bool) -> Self {
        Self { authorities: authorities(), roots: roots(), has_card }
    }

    /// Runs one flow; `second` is the link of another tap. Panics where something does not hold.
    pub fn run<T: CardTransport>(&self, flow: u8, options: u8, link: T, second: impl FnOnce() -> T) {
        let last_attempt = if options & LAST_TRY == 0 { LastAttempt::Refuse } else { LastAttempt::Allow };
        let real = options & BELIEVING == 0;
        let run = Run {
            stage: self,
            options,
            last_attempt,
            verifier: if real { SignatureVerifier::ring() } else { believing() },
            real,
            challenge_chip: flow & number::UNCHALLENGED == 0,
        };
        let mut link = Guarded::new(link, last_attempt == LastAttempt::Allow);
        // Errors are what most inputs give, and are fine as long as they tell the truth about PINs.
        let result = match (flow & !number::UNCHALLENGED) % number::ALL {
            number::AUTHENTICATE => run.authenticate(&mut link),
            number::ATTRIBUTES_WITH_PROOF => run.attributes_with_proof(&mut link),
            number::FACE_WITH_PROOF => run.face_with_proof(&mut link),
            number::BIRTH_DATE_WITH_PROOF => run.birth_date_with_proof(&mut link),
            number::CHANGE_PIN => run.change_pin(&mut link),
            number::CHANGE_PASSWORD => run.change_password(&mut link),
            number::CHANGE_TEXT_INPUT_PIN => run.change_text_input_pin(&mut link),
            number::TRIES => run.tries(&mut link),
            number::EXAMINE => run.examine(&mut link),
            number::RESUME => run.resume(&mut link, second),
            number::SIGN_DETACHED => run.sign_document(&mut link, Content::Detached([7; 32])),
            number::SIGN_ATTACHED => run.sign_document(&mut link, Content::Attached(CHALLENGE)),
            number::ATTRIBUTES => run.attributes(&mut link),
            number::FACE => run.face(&mut link),
            _ => run.certificates(&mut link),
        };
        if let Err(error) = result {
            check_error(&error, link.pins_sent());
        }
    }
}

struct Run<'s> {
    stage: &'s Stage,
    options: u8,
    last_attempt: LastAttempt,
    verifier: SignatureVerifier,
    real: bool,
    challenge_chip: bool,
}

/// Stands for a `Card` over a link, watched or not.
macro_rules! card {
    ($run:ident, $link:expr, $card:ident) => {
        let mut watcher = check_progress;
        let mut $card = Card::new($link, $run.capabilities());
        if $run.options & WATCHED != 0 {
            $card = $card.watched_by(&mut watcher);
        }
    };
}

impl Run<'_> {
    fn capabilities(&self) -> CardCapabilities {
        let short_ef = match (self.options & SHORT_EF != 0, self.options & NO_SHORT_EF != 0) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        };
        CardCapabilities { short_ef, extended_length: (self.options & NO_EXTENDED != 0).then_some(false), extended_doubt: None }
    }

    fn verification(&self) -> Verification<'_> {
        Verification {
            authorities: &self.stage.authorities,
            verifier: self.verifier,
            challenge_chip: self.challenge_chip,
        }
    }

    fn authenticate<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let pin = UserAuthenticationPin::parse(link.hand_in(PIN))?;
        card!(self, link, card);
        let mut jpki = card.select_jpki()?;
        // What can be done without goes on without.
        if let Ok(token) = jpki.token_info() {
            for (text, longest) in [(token.label, 32), (token.model, 16)] {
                assert!(text.chars().count() <= longest);
                assert!(text.chars().all(|c| matches!(c, ' '..='~' | char::REPLACEMENT_CHARACTER)));
            }
        }
        _ = jpki.certificate_availability();
        let before = jpki.authentication_certificate()?;
        jpki.verify_user_authentication(pin, self.last_attempt)?;
        let certificate = match before {
            Some(certificate) => certificate,
            None => jpki.authentication_certificate()?.ok_or(Error::NotMyNumberCard)?,
        };
        check_certificate(&certificate);
        _ = certificate.check_authentication(&self.stage.roots, self.verifier, NOW);
        let signature = jpki.sign_challenge(certificate.key(), CHALLENGE, self.verifier)?;
        assert!(signature.len() <= LARGEST);
        assert!(self.verifier.verify_jose(certificate.key(), CHALLENGE, &signature));
        Ok(())
    }

    fn attributes_with_proof<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let pin = TextInputPin::parse(link.hand_in(PIN))?;
        card!(self, link, card);
        let mut text = card.select_text_input()?;
        let attributes = text.attributes_with_proof(pin, self.last_attempt, self.verification())?;
        check_attributes(&attributes);
        self.check_proof(&attributes.proof);
        Ok(())
    }

    fn face_with_proof<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let number = VerificationNumberB::parse(link.hand_in(NUMBER_B))?;
        let birth_date = BirthDateNumber::parse(link.hand_in(BIRTH_DATE))?;
        card!(self, link, card);
        let mut surface = card.select_surface()?;
        match surface.face_with_proof(number, self.last_attempt, self.verification()) {
            Ok(face) => {
                check_face(&face);
                self.check_proof(&face.proof);
            }
            Err(Error::Transport(lost)) => return Err(lost.into()),
            Err(_) => {}
        }
        let record = surface.birth_date_with_proof(birth_date, self.last_attempt, self.verification())?;
        self.check_proof(&record.proof);
        Ok(())
    }

    fn birth_date_with_proof<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let number = BirthDateNumber::parse(link.hand_in(BIRTH_DATE))?;
        card!(self, link, card);
        let mut surface = card.select_surface()?;
        let record = surface.birth_date_with_proof(number, self.last_attempt, self.verification())?;
        self.check_proof(&record.proof);
        _ = record.birth_date.known().and_then(CardDate::to_calendar);
        Ok(())
    }

    fn change_pin<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let (current, new) = (link.hand_in(PIN), link.hand_in_new(NEW_PIN));
        let (current, new) = (UserAuthenticationPin::parse(current)?, UserAuthenticationPin::parse(new)?);
        card!(self, link, card);
        card.select_jpki()?.change_user_authentication(current, new, self.last_attempt)
    }

    fn change_password<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let (current, new) = (link.hand_in(PASSWORD), link.hand_in_new(NEW_PASSWORD));
        let (current, new) = (SignaturePassword::parse(current)?, SignaturePassword::parse(new)?);
        card!(self, link, card);
        card.select_jpki()?.change_signature_password(current, new, self.last_attempt)
    }

    fn change_text_input_pin<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let (current, new) = (link.hand_in(PIN), link.hand_in_new(NEW_PIN));
        let (current, new) = (TextInputPin::parse(current)?, TextInputPin::parse(new)?);
        card!(self, link, card);
        card.select_text_input()?.change_pin(current, new, self.last_attempt)
    }

    fn tries<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        card!(self, link, card);
        let found = card.attempts_left()?;
        assert!(found.len() <= PinKind::ALL.len());
        assert!(found.iter().all(|pin| pin.attempts_left.is_none_or(|left| left <= 15)));
        assert!(card.applications()?.len() <= 5);
        _ = card.select_jpki()?.attempts_left(KeyKind::UserAuthentication)?;
        _ = card.select_text_input()?.attempts_left()?;
        let mut surface = card.select_surface()?;
        _ = surface.attempts_left(PinKind::BirthDate)?;
        assert!(matches!(surface.attempts_left(PinKind::Signature), Err(Error::Usage { .. })));
        Ok(())
    }

    fn examine<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        card!(self, link, card);
        let mut asked = Vec::new();
        let report = card.examine(&mut |name| asked.push(name))?;
        let answered: Vec<&str> = report.probes.iter().map(|probe| probe.name).collect();
        // A card that says nothing to the one long read is asked on in short.
        let without_long: Vec<&str> = asked.iter().copied().filter(|name| *name != "read_extended").collect();
        assert!(answered == asked || answered == without_long, "{answered:?}");
        assert!(report.label.len() + report.model.len() + 64 * report.probes.len() <= LARGEST);
        Ok(())
    }

    /// Reads a certificate until the link is lost, and goes on with the second link.
    fn resume<T: CardTransport>(&self, link: &mut Guarded<T>, second: impl FnOnce() -> T) -> Result<(), Error> {
        let unfinished = {
            card!(self, &mut *link, card);
            match read_certificate(card.select_jpki()?) {
                Err(Error::Transport(_)) => {}
                other => return other,
            }
            card.take_unfinished()
        };
        check_unfinished(unfinished.as_ref());
        let mut link = Guarded::new(second(), false);
        card!(self, &mut link, card);
        let mut card = card.resuming(unfinished);
        let result = read_certificate(card.select_jpki()?);
        check_unfinished(card.take_unfinished().as_ref());
        result
    }

    fn sign_document<T: CardTransport>(&self, link: &mut Guarded<T>, content: Content<'_>) -> Result<(), Error> {
        let password = SignaturePassword::parse(link.hand_in(PASSWORD))?;
        card!(self, link, card);
        let disclosure = Disclosure::NameAddressBirthDateSex;
        let mut jpki = card.select_jpki()?;
        let cms = jpki.sign_document(password, self.last_attempt, disclosure, content, NOW, self.verifier)?.cms;
        assert!(cms.len() <= LARGEST);
        assert_eq!((cms[0], kazasu::iso7816::walk(&cms, 0)), (0x30, 1), "one DER object");
        Ok(())
    }

    fn attributes<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let pin = TextInputPin::parse(link.hand_in(PIN))?;
        card!(self, link, card);
        let attributes = card.select_text_input()?.attributes(pin, self.last_attempt)?;
        check_attributes(&attributes);
        assert!(!attributes.proof.is_genuine());
        Ok(())
    }

    fn face<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let number = VerificationNumberB::parse(link.hand_in(NUMBER_B))?;
        card!(self, link, card);
        let face = card.select_surface()?.face(number, self.last_attempt)?;
        check_face(&face);
        assert!(!face.proof.is_genuine());
        Ok(())
    }

    fn certificates<T: CardTransport>(&self, link: &mut Guarded<T>) -> Result<(), Error> {
        let password = SignaturePassword::parse(link.hand_in(PASSWORD))?;
        card!(self, link, card);
        let mut jpki = card.select_jpki()?;
        let head = jpki.authentication_certificate_head()?;
        assert!(head.is_none_or(|head| head.len() <= kazasu::card::unfinished::CERTIFICATE_HEAD));
        for authority in [KeyKind::UserAuthentication, KeyKind::Signature] {
            check_certificate(&jpki.authority_certificate(authority)?);
        }
        let disclosure = Disclosure::NameAddressBirthDateSex;
        check_certificate(&jpki.signature_certificate(password, self.last_attempt, disclosure)?);
        Ok(())
    }

    /// An input never fits a fresh challenge, so with real checks no chip can be shown to be no copy.
    fn check_proof(&self, proof: &Proof) {
        let Proof::Genuine(genuine) = proof else { return };
        let chip_proof = if self.challenge_chip { ChipProof::InternalKeyChallenge } else { ChipProof::None };
        assert_eq!(genuine.chip_proof, chip_proof);
        assert!(!self.real || genuine.test_card, "proven by an authority nobody can imitate");
        assert!(!self.real || !self.challenge_chip || self.stage.has_card, "a chip was proven without one");
        assert!(genuine.municipality.len() == 5 && genuine.municipality.bytes().all(|byte| byte.is_ascii_digit()));
    }
}

fn read_certificate(mut jpki: Jpki<'_, '_>) -> Result<(), Error> {
    if let Some(certificate) = jpki.authentication_certificate()? {
        check_certificate(&certificate);
    }
    Ok(())
}

fn check_unfinished(unfinished: Option<&UnfinishedRead>) {
    assert!(unfinished.is_none_or(|unfinished| unfinished.saved() <= LARGEST));
}

fn check_certificate(certificate: &Certificate) {
    assert!(certificate.der().len() <= 4096);
    _ = certificate.state(NOW);
}

fn check_attributes(attributes: &Attributes) {
    let texts = [&attributes.name, &attributes.address];
    assert!(texts.iter().filter_map(|text| text.known()).map(String::len).sum::<usize>() <= LARGEST);
    _ = attributes.birth_date.known().and_then(CardDate::to_calendar);
}

fn check_face(face: &Face) {
    let images = [&face.name_png, &face.address_png, &face.photo_jp2, &face.unsigned_security_code_png];
    assert!(images.iter().filter_map(|image| image.known()).map(Vec::len).sum::<usize>() <= LARGEST);
    // Decoding is for the targets `face` and `photo`; here it would take all the time.
    if let Some(short) = face.photo_jp2.known().filter(|jp2| jp2.len() < 64) {
        assert!(Photo::decode(short).is_err());
    }
}

fn check_progress(progress: ReadProgress) {
    assert!(progress.read <= progress.total && progress.total <= 32_768);
    assert!((0.0..=1.0).contains(&progress.fraction()));
}

/// An error must not say that nothing was sent after a PIN was, nor the other way round.
fn check_error(error: &Error, pins_sent: usize) {
    assert!(!error.to_string().is_empty() && error.code().starts_with("KZ-"));
    match error {
        Error::VerifyUnanswered { .. }
        | Error::WrongPin { .. }
        | Error::ChangeInDoubt { .. }
        | Error::NewPinRefused { .. } => {
            assert!(pins_sent > 0, "{error} although no PIN was sent");
        }
        _ => {}
    }
    if let Error::WrongPin { attempts_left, .. } = error {
        assert!((1..=15).contains(attempts_left));
    }
}
