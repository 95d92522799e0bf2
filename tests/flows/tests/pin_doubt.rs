//! What becomes of a PIN when the link or the card fails: not sent, sent and unanswered, refused, or in doubt.

use kazasu::Error;
use kazasu::card::{Card, Disclosure, LastAttempt, SignaturePassword, TextInputPin, UserAuthenticationPin};
use kazasu::error::{LinkEnd, PinDoubt, TransportError};
use kazasu::guidance::{self, Language};
use kazasu::iso7816::{CardTransport, TracedTransport, TransportLimits};
use kazasu_card_sim::{Config, Fault, FaultAt, Pin, Profile, SimTransport, When};
use kazasu_flows::{SharedCard, Stage, card, card_of, number_b, pin_of, tap, text_input_pin_of, unknown};

/// What an application on the card is asked to do with a PIN.
type Work = fn(&mut Card<'_>) -> Result<(), Error>;

/// Everything that sends a PIN, with the PIN of the card it sends and the new one where it changes it.
const WORKS: [(&str, Work, Pin, Option<&[u8]>); 6] = [
    ("verify", verify, Pin::UserAuthentication, None),
    ("attributes", attributes, Pin::TextInput, None),
    ("face", face, Pin::SurfaceVerificationNumberB, None),
    ("change authentication", change_authentication, Pin::UserAuthentication, Some(b"7391")),
    ("change text input", change_text_input, Pin::TextInput, Some(b"7391")),
    ("change signature", change_signature, Pin::Signature, Some(b"K4Z4SU9")),
];

fn verify(card: &mut Card<'_>) -> Result<(), Error> {
    card.select_jpki()?.verify_user_authentication(pin_of(1), LastAttempt::Refuse)
}

fn attributes(card: &mut Card<'_>) -> Result<(), Error> {
    card.select_text_input()?.attributes(text_input_pin_of(1), LastAttempt::Refuse).map(drop)
}

fn face(card: &mut Card<'_>) -> Result<(), Error> {
    card.select_surface()?.face(number_b(), LastAttempt::Refuse).map(drop)
}

fn change_authentication(card: &mut Card<'_>) -> Result<(), Error> {
    let new = UserAuthenticationPin::parse(b"7391").expect("a PIN");
    card.select_jpki()?.change_user_authentication(pin_of(1), new, LastAttempt::Refuse)
}

fn change_text_input(card: &mut Card<'_>) -> Result<(), Error> {
    let new = TextInputPin::parse(b"7391").expect("a PIN");
    card.select_text_input()?.change_pin(text_input_pin_of(1), new, LastAttempt::Refuse)
}

fn change_signature(card: &mut Card<'_>) -> Result<(), Error> {
    let [current, new] = [&b"ABC123"[..], b"K4Z4SU9"].map(|pin| SignaturePassword::parse(pin).expect("a password"));
    card.select_jpki()?.change_signature_password(current, new, LastAttempt::Refuse)
}

/// A link that ends before one exchange and says so.
struct Closing<T> {
    link: T,
    left: u32,
    end: LinkEnd,
}

impl<T: CardTransport> CardTransport for Closing<T> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        if self.left == 0 {
            return Err(TransportError::NotSent { end: self.end });
        }
        self.left -= 1;
        self.link.transceive(command)
    }

    fn limits(&self) -> TransportLimits {
        self.link.limits()
    }
}

fn today() -> Config {
    Config::new(Profile::Today, 1)
}

fn verifies(card: &SharedCard) -> u32 {
    card.lock().expect("card").counters().verify_with_data
}

#[test]
fn a_link_closed_before_a_command_leaves_nothing_in_doubt() {
    let (mut cases, ends) = (0, [LinkEnd::Cancelled, LinkEnd::TagLost, LinkEnd::Timeout]);
    for sfi in [true, false] {
        for (name, work, pin, new) in WORKS {
            let chip = card_of(Config { sfi, ..today() });
            work(&mut Card::new(&mut SimTransport::tap(chip.clone()), unknown())).expect(name);
            let exchanges = chip.lock().expect("card").counters().exchanges;
            for (k, end) in (0..exchanges).flat_map(|k| ends.map(|end| (k, end))) {
                let chip = card_of(Config { sfi, ..today() });
                let mut link = Closing { link: SimTransport::tap(chip.clone()), left: k, end };
                let error = work(&mut Card::new(&mut link, unknown())).expect_err(name);
                assert_eq!(error, Error::Transport(TransportError::NotSent { end }), "{name}, before exchange {k}");
                assert_eq!(error.code() == "KZ-U03", end == LinkEnd::Cancelled, "{name}, before exchange {k}");
                let max = card(Profile::Today, 1).lock().expect("card").attempts_left(pin);
                assert_eq!(chip.lock().expect("card").attempts_left(pin), max, "{name}, before exchange {k}");
                assert!(
                    !new.is_some_and(|new| is_pin(&chip, pin, new)),
                    "{name}, before exchange {k}: the old PIN holds"
                );
                cases += 1;
            }
        }
    }
    println!("{cases} links closed before a command");
    assert!(cases > 100, "{cases}");
}

/// Whether this is the PIN now: the card is asked, and gets its tries back.
fn is_pin(chip: &SharedCard, pin: Pin, value: &[u8]) -> bool {
    let mut link = SimTransport::tap(chip.clone());
    let mut card = Card::new(&mut link, unknown());
    let right = match pin {
        Pin::TextInput => {
            let pin = TextInputPin::parse(value).expect("a PIN");
            card.select_text_input().and_then(|mut found| found.attributes(pin, LastAttempt::Refuse)).map(drop)
        }
        Pin::Signature => {
            let pin = SignaturePassword::parse(value).expect("a password");
            let disclosure = Disclosure::NameAddressBirthDateSex;
            let mut jpki = card.select_jpki().expect("JPKI");
            jpki.signature_certificate(pin, LastAttempt::Refuse, disclosure).map(drop)
        }
        _ => {
            let pin = UserAuthenticationPin::parse(value).expect("a PIN");
            card.select_jpki().and_then(|mut jpki| jpki.verify_user_authentication(pin, LastAttempt::Refuse))
        }
    };
    assert!(matches!(right, Ok(()) | Err(Error::WrongPin { .. })), "{right:?}");
    right.is_ok()
}

#[test]
fn a_tap_closed_before_verify_gives_the_pin_back() {
    let stage = Stage::new();
    for (k, is_back) in [(0, true), (1, true), (2, true), (3, true), (4, false)] {
        let chip = card(Profile::Today, 1);
        let mut link = Closing { link: SimTransport::tap(chip.clone()), left: k, end: LinkEnd::Cancelled };
        let awaiting = stage.begin().expect("begins");
        let failed = awaiting.tap(&mut link, pin_of(1), LastAttempt::Refuse, &mut |_| ()).err().expect("closed");
        assert_eq!(failed.error.code(), "KZ-U03", "exchange {k}");
        assert_eq!((failed.pin.is_some(), verifies(&chip)), (is_back, u32::from(!is_back)), "exchange {k}");
    }
}

/// Whether the new PIN holds, the old one, or either, as the error says it.
fn told(outcome: &Result<(), Error>) -> &'static str {
    match outcome {
        Ok(()) => "new",
        Err(Error::ChangeInDoubt { .. }) => "either",
        Err(Error::NewPinRefused { .. } | Error::PinBlocked { .. } | Error::Transport(_)) => "old",
        Err(other) => panic!("{other:?}"),
    }
}

/// Every answer to CHANGE, from a card that has changed the PIN and from one that has not.
#[test]
fn whatever_answers_a_change_is_told_as_what_it_may_have_done() {
    let mut counts = std::collections::BTreeMap::<_, u32>::new();
    for (name, work, pin, new) in WORKS {
        let Some(new) = new else { continue };
        let chip = card_of(today());
        for status in (0x6100..=0x6FFF).chain(0x9000..=0x9FFF) {
            // Asked again after a SELECT; 6983 and 6984 are a PIN that is blocked.
            if matches!(status, 0x6986 | 0x6983 | 0x6984) {
                continue;
            }
            for was_done in [true, false] {
                let fault = if was_done { Fault::StatusWordAfter(status) } else { Fault::StatusWord(status) };
                chip.lock().expect("card").reset_pins().expect("no file");
                let link = SimTransport::tap(chip.clone());
                let mut link = link.with_fault(FaultAt { when: When::Ins(0x24), fault });
                let outcome = work(&mut Card::new(&mut link, unknown()));
                let told = told(&outcome);
                let at = format!("{name}, {status:04X}, done: {was_done}: {outcome:?}");
                drop(link);
                assert_eq!(is_pin(&chip, pin, new), was_done, "{at}");
                // A checking error or one of execution says that nothing changed; only a success says that something did.
                let says_old = matches!(status, 0x6400..=0x64FF | 0x6700..=0x6EFF);
                let expected = if status == 0x9000 {
                    "new"
                } else if says_old {
                    "old"
                } else {
                    "either"
                };
                assert_eq!(told, expected, "{at}");
                *counts.entry(told).or_default() += 1;
            }
        }
    }
    println!("changes answered with every status word: {counts:?}");
}

#[test]
fn a_change_in_doubt_has_its_own_code_and_says_how_to_find_out() {
    let fault = |what: &str| what.parse::<FaultAt>().expect("a fault");
    let cases = [
        (fault("ins=24:drop-after"), "KZ-C13", "Either PIN may hold"),
        (fault("ins=24:drop"), "KZ-C13", "Either PIN may hold"),
        (fault("ins=24:status-after=6581"), "KZ-C13", "Either PIN may hold"),
        (fault("ins=24:status=63C2"), "KZ-C13", "Either PIN may hold"),
        (fault("ins=24:status=6F00"), "KZ-C13", "Either PIN may hold"),
        (fault("ins=24:status=6282"), "KZ-C13", "Either PIN may hold"),
        (fault("ins=24:status=6A80"), "KZ-C10", "The card refused the new PIN"),
        (fault("ins=24:status=6985"), "KZ-C10", "The card refused the new PIN"),
    ];
    for (fault, code, words) in cases {
        let mut link = SimTransport::tap(card_of(today())).with_fault(fault);
        let error = change_authentication(&mut Card::new(&mut link, unknown())).expect_err("fails");
        assert_eq!(error.code(), code, "{fault:?}");
        assert!(guidance::text(&error, Language::English).starts_with(words), "{fault:?}: {error}");
    }
    let lost = Error::ChangeInDoubt {
        kind: kazasu::error::PinKind::Signature,
        doubt: PinDoubt::Link(TransportError::TagLost),
    };
    assert_eq!(
        lost.to_string(),
        "the card left the field while the signature password was being changed: either may hold"
    );
}

/// A card on which VERIFY does not make the PIN current answers 6986, with nothing changed, and is asked again: wherever
/// that ends, the old PIN holds until the second command has left.
#[test]
fn a_change_asked_again_after_a_select_is_safe() {
    let nothing_current = FaultAt { when: When::Ins(0x24), fault: Fault::StatusWord(0x6986) };
    let run = |faults: &[FaultAt]| {
        let chip = card_of(today());
        let tapped = SimTransport::tap(chip.clone()).with_fault(nothing_current);
        let mut link = faults.iter().fold(tapped, |link, fault| link.with_fault(*fault));
        let outcome = change_authentication(&mut Card::new(&mut link, unknown()));
        drop(link);
        assert_eq!((verifies(&chip), chip.lock().expect("card").attempts_left(Pin::UserAuthentication)), (1, 3));
        (told(&outcome), is_pin(&chip, Pin::UserAuthentication, b"7391"))
    };
    assert_eq!(run(&[]), ("new", true));
    // SELECT, query, VERIFY, CHANGE, then the SELECT and the second CHANGE.
    for fault in [Fault::Drop, Fault::DropAfter, Fault::StatusWord(0x6A82), Fault::StatusWord(0x6F00)] {
        assert_eq!(run(&[FaultAt { when: When::Exchange(4), fault }]), ("old", false), "SELECT: {fault:?}");
    }
    let second = |fault| run(&[FaultAt { when: When::Exchange(5), fault }]);
    assert_eq!(second(Fault::Drop), ("either", false));
    assert_eq!(second(Fault::DropAfter), ("either", true));
    assert_eq!(second(Fault::StatusWord(0x6986)), ("old", false));
    assert_eq!(second(Fault::StatusWord(0x6982)), ("old", false));
    assert_eq!(second(Fault::StatusWordAfter(0x6F00)), ("either", true));
}

#[test]
fn a_try_after_one_in_doubt_asks_for_the_tries_first() {
    let stage = Stage::new();
    let chip = card(Profile::Today, 1);
    let drop_after = FaultAt { when: When::Exchange(3), fault: Fault::DropAfter };
    let mut lost = SimTransport::tap(chip.clone()).with_fault(drop_after);
    let error = tap(stage.begin().expect("begins"), &mut lost, kazasu_flows::pin("9999")).err().expect("lost");
    assert!(matches!(error, Error::VerifyUnanswered { .. }), "{error:?}");
    drop(lost);
    let mut seen = Vec::new();
    let mut traced = TracedTransport::new(SimTransport::tap(chip.clone()), |exchange| {
        seen.push((exchange.ins, exchange.command_len > 5, exchange.outcome));
    });
    tap(stage.begin().expect("begins"), &mut traced, pin_of(1)).expect("signs");
    drop(traced);
    let pins: Vec<_> = seen.into_iter().filter(|(ins, ..)| *ins == 0x20).collect();
    // The try that was in doubt had been used.
    assert_eq!(pins, [(0x20, false, Ok(0x63C2)), (0x20, true, Ok(0x9000))]);
}
