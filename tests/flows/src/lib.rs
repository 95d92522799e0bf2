//! The stage of the flow tests: a sandbox, a simulated card and a client configured for both.

pub mod browser;
pub mod card_jobs;
pub mod dumps;
pub mod figures;
pub mod heap;
pub mod jpeg2000;
pub mod mix_up;
pub mod openssl;
pub mod peer;
pub mod shapes;
pub mod short_reader;
pub mod trust;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kazasu::card::{
    CardDate, CvAuthorities, Field, LastAttempt, TextInputPin, UserAuthenticationPin, VerificationNumberB,
};
use kazasu::iso7816::{CardCapabilities, CardTransport};
use kazasu::jose::dpop::{DeviceKey, SoftwareDeviceKey};
use kazasu::qualify::{Access, DEFAULT_SCOPE, Language, Notice, QualifyClient, RecordKind, Settings};
use kazasu::session::{self, AwaitingTap, Member, Qualified, Signed};
use kazasu::time::{Clock, SystemClock, UnixMillis};
use kazasu::{Cancellation, Error};
use kazasu_card_sim::{Card, Config, Profile, SimTransport, people};
use kazasu_sandbox::{LogTarget, Options, Sandbox, Switch};

/// A card that several taps share.
pub type SharedCard = Arc<Mutex<Card>>;

/// A card of this configuration.
pub fn card_of(config: Config) -> SharedCard {
    Arc::new(Mutex::new(Card::new(config).expect("a simulated card")))
}

/// A card of this profile and person.
pub fn card(profile: Profile, person: u8) -> SharedCard {
    card_of(Config::new(profile, person))
}

/// The authentication PIN of a person.
pub fn pin_of(person: u8) -> UserAuthenticationPin {
    pin(&people::person(person).expect("1 to 10").pins.authentication)
}

/// These four digits.
pub fn pin(digits: &str) -> UserAuthenticationPin {
    UserAuthenticationPin::parse(digits.as_bytes()).expect("four digits")
}

/// The text-input PIN of a person.
pub fn text_input_pin_of(person: u8) -> TextInputPin {
    TextInputPin::parse(people::person(person).expect("1 to 10").pins.text_input.as_bytes()).expect("four digits")
}

/// 照合番号B of person 1.
pub fn number_b() -> VerificationNumberB {
    VerificationNumberB::parse(b"02040520350123").expect("fourteen digits")
}

/// The authorities of production, of test cards and of simulated ones.
pub fn authorities() -> CvAuthorities {
    let known = CvAuthorities::national().and_test_cards();
    let simulated = kazasu_card_sim::cv_authorities();
    simulated.iter().try_fold(known, |known, (id, modulus)| known.and(*id, modulus)).expect("RSA-2048")
}

/// A member with a new device key.
pub fn member() -> Member {
    Member::new(Arc::new(SoftwareDeviceKey::generate().expect("randomness")))
}

/// A new device key.
pub fn key() -> Arc<dyn DeviceKey> {
    Arc::new(SoftwareDeviceKey::generate().expect("randomness"))
}

/// A field of a record as text, so that it can be compared; a mark for one that was not read.
pub fn told<T>(field: &Field<T>, known: impl FnOnce(&T) -> String) -> String {
    match field {
        Field::Read(value) => known(value),
        Field::NotOnCard => "-".to_owned(),
        Field::Unreadable(bytes) => format!("?{bytes:02x?}"),
    }
}

/// [`told`] of a text.
pub fn told_text(field: &Field<String>) -> String {
    told(field, String::clone)
}

/// [`told`] of a date: its digits.
pub fn told_date(field: &Field<CardDate>) -> String {
    told(field, |date| date.digits().to_owned())
}

/// [`told`] of an image: its bytes.
pub fn told_image(field: &Field<Vec<u8>>) -> String {
    told(field, |image| format!("{image:?}"))
}

/// The `KZ-…` code of a failure.
pub fn code(result: Result<impl Sized, Error>) -> Option<&'static str> {
    result.err().map(|error| error.code())
}

/// A clock that sleeps by moving on, and remembers how long.
#[derive(Default)]
pub struct VirtualClock {
    ahead_ms: AtomicI64,
    slept: Mutex<Vec<Duration>>,
}

impl VirtualClock {
    /// Moves on.
    pub fn advance(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Every sleep so far.
    pub fn slept(&self) -> Vec<Duration> {
        self.slept.lock().expect("clock").clone()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> UnixMillis {
        SystemClock.now().plus_ms(self.ahead_ms.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration, _cancellation: &Cancellation) {
        self.slept.lock().expect("clock").push(duration);
    }
}

/// A running sandbox with a client for it.
pub struct Stage {
    /// The backend.
    pub sandbox: Sandbox,
    /// Its client.
    pub client: Arc<QualifyClient>,
    /// The client's clock.
    pub clock: Arc<VirtualClock>,
}

impl Stage {
    /// A sandbox without faults.
    pub fn new() -> Self {
        Self::with_switches(&[])
    }

    /// A sandbox with these switches, in the form of its command line.
    pub fn with_switches(switches: &[&str]) -> Self {
        let sandbox = start_sandbox(0);
        for switch in switches {
            sandbox.arm(switch.parse::<Switch>().expect("a switch"));
        }
        Self::of(sandbox, |_| ())
    }

    /// A sandbox with these switches, whose client asks for everything it may have.
    pub fn with_every_scope(switches: &[&str]) -> Self {
        let sandbox = start_sandbox(0);
        for switch in switches {
            sandbox.arm(switch.parse::<Switch>().expect("a switch"));
        }
        let records = RecordKind::ALL.map(RecordKind::scope).join(" ");
        let scope = format!("{DEFAULT_SCOPE} {records} patient/Consent.crus patient/Task.crus offline_access");
        Self::of(sandbox, |settings| settings.scope = Some(scope))
    }

    /// A client for this sandbox, with settings changed by `change`.
    pub fn of(sandbox: Sandbox, change: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(VirtualClock::default());
        let mut settings = settings(&sandbox);
        change(&mut settings);
        let client = client(&settings, Arc::clone(&clock) as Arc<dyn Clock>).expect("settings of the sandbox");
        Self { sandbox, client, clock }
    }

    /// Discovery and nonce.
    pub fn begin(&self) -> Result<AwaitingTap, Error> {
        session::begin(Arc::clone(&self.client), member())
    }

    /// Everything up to the signature.
    pub fn sign(&self, card: &SharedCard, person: u8) -> Result<Signed, Error> {
        tap(self.begin()?, &mut SimTransport::tap(Arc::clone(card)), pin_of(person))
    }

    /// The main job.
    pub fn qualify(&self, card: &SharedCard, person: u8) -> Result<Qualified, Error> {
        self.sign(card, person)?.finish()
    }

    /// The main job of `person` with `key`, and the access that it leaves.
    pub fn access(&self, person: u8, key: &Arc<dyn DeviceKey>) -> Result<Access, Error> {
        let awaiting = session::begin(Arc::clone(&self.client), Member::new(Arc::clone(key)))?;
        let mut signed = tap(awaiting, &mut SimTransport::tap(card(Profile::Today, person)), pin_of(person))?;
        signed.finish()?;
        signed.into_access()
    }

    /// Time passes for both sides.
    pub fn wait(&self, seconds: u32) {
        self.sandbox.advance(seconds);
        self.clock.advance(i64::from(seconds).saturating_mul(1000));
    }

    /// Arms a switch, in the form of the sandbox's command line.
    pub fn arm(&self, switch: &str) {
        self.sandbox.arm(switch.parse::<Switch>().expect("a switch"));
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// One tap that keeps the last try.
pub fn tap(
    awaiting: AwaitingTap,
    transport: &mut dyn CardTransport,
    pin: UserAuthenticationPin,
) -> Result<Signed, Error> {
    awaiting.tap(transport, pin, LastAttempt::Refuse, &mut |_| ()).map_err(|failed| failed.error)
}

/// A silent sandbox on a free port of loopback, its clock this many seconds ahead.
pub fn start_sandbox(clock_offset_s: i64) -> Sandbox {
    kazasu_sandbox::start(Options { log: LogTarget::Silent, clock_offset_s, ..Options::default() }).expect("loopback")
}

/// Settings for a sandbox, with consent to the limit certificate.
pub fn settings(sandbox: &Sandbox) -> Settings {
    Settings {
        issuer: sandbox.issuer().to_owned(),
        fhir_base: sandbox.fhir_base().to_owned(),
        client_id: "jp.example.kazasu-demo".to_owned(),
        tls_roots: vec![sandbox.tls_root_der().to_vec()],
        card_roots: sandbox.card_roots_der(),
        pins: sandbox.pins(),
        pins_not_after: sandbox.pins_not_after(),
        notice: Notice {
            id: "flows-1".to_owned(), text: "資格情報を、試験のために表示します。".to_owned()
        },
        consents: vec!["limit-certificate".to_owned()],
        ..Settings::default()
    }
}

/// A client over ring with this clock.
pub fn client(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<QualifyClient>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    QualifyClient::new(settings, provider, clock, Language::Japanese).map(Arc::new)
}

/// Nothing known of a card.
pub fn unknown() -> CardCapabilities {
    CardCapabilities::default()
}
