//! What an app calls: [`begin`] → [`AwaitingTap::tap`] → [`Signed::finish`].
//!
//! Each step consumes or holds what the one before returned, so that the card phase and the network phase cannot
//! overlap: there is nothing to send before the card was released, and no card left to talk to afterwards.

mod qualified;

pub use qualified::{Qualified, Warning};

use std::sync::Arc;
use std::time::Duration;

use crate::cancellation::Cancellation;
use crate::card::certificate::Verdict;
use crate::card::jpki::is_head_of;
use crate::card::{
    Card, Certificate, CertificateState, ChannelKind, ChannelReport, ChipProof, Jpki, KeyKind, LastAttempt,
    PinAttempts, UnfinishedRead, UserAuthenticationPin,
};
use crate::error::{AuthorizationFault, CertificateFault, Error};
use crate::fhir::{Eligibility, Qualification};
use crate::insurance::{CheckDigit, check_insurer_number};
use crate::iso7816::{CardCapabilities, CardTransport};
use crate::jose::dpop::{DeviceKey, device_thumbprint};
use crate::qualify::assertion::{Assertion, Claims, LIFE_S, Purpose};
use crate::qualify::{
    Access, CardGrant, Connection, Grant, Nonce, QualifyClient, RESEND_MS, Submission, Token, check_patient, poll,
};
use crate::time::UnixMillis;

/// Members per installation.
pub const MAX_MEMBERS: u32 = 5;
/// A device clock further off than this gets a warning.
const CLOCK_WARNING_MS: i64 = 86_400_000;
/// Pauses before each look at a queued answer: a minute in all (wire contract §8, Q2).
const POLLS_S: [u64; 5] = [2, 4, 8, 16, 30];
/// What every session over today's cards reports.
const PLAIN: ChannelReport = ChannelReport { kind: ChannelKind::Plain, chip_proof: ChipProof::CertKeyChallenge };

/// The person whose card is read.
#[derive(Clone)]
pub struct Member {
    /// This member's key on this device for this issuer.
    pub device_key: Arc<dyn DeviceKey>,
    /// The DER certificate registered for this member: another card is refused, a plastic one before any PIN is sent.
    /// `None` at the first tap.
    pub certificate: Option<Vec<u8>>,
    /// What this server has called this person before ([`Access::patient`]): an answer for anybody else is refused. `None`
    /// at the first tap, and for one by which a person confirms whose card it is.
    pub patient: Option<String>,
    /// Whose request this is.
    pub purpose: Purpose,
    /// What this member's card has shown before.
    pub capabilities: CardCapabilities,
}

impl Member {
    /// A member not registered yet, asking for themselves.
    pub fn new(device_key: Arc<dyn DeviceKey>) -> Self {
        let (purpose, capabilities) = (Purpose::Own, CardCapabilities::default());
        Self { device_key, certificate: None, patient: None, purpose, capabilities }
    }
}

/// Whether one more member may be registered beside `registered` others. No I/O.
///
/// # Errors
/// [`Error::TooManyMembers`] from the sixth on.
pub fn check_new_member(registered: u32) -> Result<(), Error> {
    if registered < MAX_MEMBERS { Ok(()) } else { Err(Error::TooManyMembers) }
}

/// How far the tap has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TapStep {
    /// The JPKI application answers.
    CardFound,
    /// The certificate was read and may be used.
    CertificateChecked,
    /// The PIN was right.
    PinVerified,
    /// The card has signed and may be taken away.
    Signed,
}

/// Fetches metadata and nonce and leaves the connection open. Blocks; call it before asking for the card.
///
/// # Errors
/// [`Error::Connection`], [`Error::Authorization`], [`Error::Resource`] as the server answers; [`Error::Usage`] for
/// settings that do not fit it, such as none of [`QualifyClient::with_client_key`] where the server wants one; [`Error::DeviceKey`] when the key store refuses.
pub fn begin(client: Arc<QualifyClient>, member: Member) -> Result<AwaitingTap, Error> {
    let registered = member.certificate.as_deref().map(|der| {
        Certificate::parse(der).ok_or_else(|| Error::usage("the member's registered certificate cannot be read"))
    });
    let registered = registered.transpose()?;
    let device_thumbprint = device_thumbprint(&*member.device_key)?;
    let mut connection = Connection::open(client, Arc::clone(&member.device_key))?;
    if connection.metadata.card()?.grant == CardGrant::TokenExchange {
        connection.client.client_key(&*member.device_key)?;
    }
    let nonce = Nonce::fetch_by(&mut connection)?;
    Ok(AwaitingTap { connection, member, registered, unfinished: None, device_thumbprint, nonce })
}

/// Ready for the card.
pub struct AwaitingTap {
    connection: Connection,
    member: Member,
    registered: Option<Certificate>,
    /// Of the certificate, what the tap before this one had read when the card left.
    unfinished: Option<UnfinishedRead>,
    device_thumbprint: String,
    nonce: Nonce,
}

/// A tap that did not succeed; `awaiting` is ready for another one.
pub struct TapFailed {
    /// Why.
    pub error: Error,
    /// The session.
    pub awaiting: AwaitingTap,
    /// The PIN, only if it was not sent: an entry counts for one VERIFY. Do not keep it longer than a minute.
    pub pin: Option<UserAuthenticationPin>,
}

impl AwaitingTap {
    /// What ends the waits of this session: [`QualifyClient::cancelled_by`] hands in a handle for [`begin`] itself.
    pub fn cancellation(&self) -> Cancellation {
        self.connection.http.cancellation()
    }

    /// What the member's card has shown, in taps that failed too: store it with the member, so that what broke the link is
    /// not tried again.
    pub fn capabilities(&self) -> CardCapabilities {
        self.member.capabilities
    }

    /// As [`Signed::set_cancellation`].
    pub fn set_cancellation(&mut self, cancellation: Cancellation) {
        self.connection.http.set_cancellation(cancellation);
    }

    /// Fetches a new nonce if less than 30 s are left of the present one. Blocks; call it when the PIN was typed slowly.
    ///
    /// # Errors
    /// As for [`begin`].
    pub fn renew(&mut self) -> Result<(), Error> {
        if self.nonce.is_stale(self.client().clock.now()) {
            self.nonce = Nonce::fetch_by(&mut self.connection)?;
        }
        Ok(())
    }

    /// Looks at the card before the PIN is asked for: a card that is none or another one, a blocked PIN and the last try are
    /// told before anybody types. Sends no PIN, costs no try; two exchanges, three for a registered member. For where the card
    /// lies on a reader while the PIN is typed; on a phone the PIN comes first, and [`AwaitingTap::tap`] guards it as ever.
    ///
    /// # Errors
    /// [`Error::NotMyNumberCard`], [`Error::OtherCard`], [`Error::PinBlocked`], [`Error::LastAttempt`],
    /// [`Error::Transport`], [`Error::Card`].
    pub fn look(&mut self, transport: &mut dyn CardTransport, last_attempt: LastAttempt) -> Result<PinAttempts, Error> {
        let mut card = Card::new(transport, self.member.capabilities);
        let looked = self.look_at(&mut card, last_attempt);
        // Of somebody else's card nothing is learned.
        if !matches!(looked, Err(Error::OtherCard | Error::NotMyNumberCard)) {
            self.member.capabilities = card.capabilities();
        }
        looked
    }

    fn look_at(&self, card: &mut Card<'_>, last_attempt: LastAttempt) -> Result<PinAttempts, Error> {
        let mut jpki = card.select_jpki()?;
        if self.registered.is_some() {
            self.certificate(&mut jpki)?;
        }
        jpki.look(KeyKind::UserAuthentication, last_attempt)
    }

    /// Reads the certificate, checks it, sends the PIN once and has the card sign; uses no network. Five exchanges where
    /// card and link carry short EF identifiers and extended lengths, 16 at most.
    ///
    /// A plastic card is compared and checked before the PIN is sent; a phone gives its certificate only after it.
    ///
    /// # Errors
    /// With the session, for another tap: [`Error::Transport`], [`Error::VerifyUnanswered`], the PIN errors,
    /// [`Error::NotMyNumberCard`], [`Error::OtherCard`], [`Error::Certificate`], [`Error::Card`]; [`Error::Usage`] when
    /// the server does not take this generation of cards. [`Error::Authorization`] with `KZ-A03` when less than 30 s are
    /// left of the nonce: the card was not touched, [`AwaitingTap::renew`] first.
    pub fn tap(
        mut self,
        transport: &mut dyn CardTransport,
        pin: UserAuthenticationPin,
        last_attempt: LastAttempt,
        progress: &mut dyn FnMut(TapStep),
    ) -> Result<Signed, Box<TapFailed>> {
        let mut card = Card::new(transport, self.member.capabilities).resuming(self.unfinished.take());
        let mut sent = false;
        match self.read_and_sign(&mut card, &pin, last_attempt, &mut sent, progress) {
            Ok((assertion, certificate, verdict)) => Ok(Signed {
                capabilities: card.capabilities(),
                signed_at: self.client().clock.now(),
                awaiting: self,
                certificate,
                verdict,
                assertion,
                may_have_arrived: false,
                granted: None,
            }),
            Err(error) => {
                self.unfinished = card.take_unfinished();
                // Of somebody else's card nothing is learned.
                if !matches!(error, Error::OtherCard | Error::NotMyNumberCard) {
                    self.member.capabilities = card.capabilities();
                }
                Err(Box::new(TapFailed { error, awaiting: self, pin: (!sent).then_some(pin) }))
            }
        }
    }

    fn read_and_sign(
        &self,
        card: &mut Card<'_>,
        pin: &UserAuthenticationPin,
        last_attempt: LastAttempt,
        sent: &mut bool,
        progress: &mut dyn FnMut(TapStep),
    ) -> Result<(Assertion, Certificate, Verdict), Error> {
        if self.nonce.is_stale(self.client().clock.now()) {
            return Err(AuthorizationFault::NonceRejected.into());
        }
        let mut jpki = card.select_jpki()?;
        progress(TapStep::CardFound);
        let before_pin = self.certificate(&mut jpki)?.map(|found| self.check(found)).transpose()?;
        if before_pin.is_some() {
            progress(TapStep::CertificateChecked);
        }
        jpki.verify(pin, last_attempt, sent)?;
        progress(TapStep::PinVerified);
        let (certificate, verdict) = match before_pin {
            Some(checked) => checked,
            None => {
                let unreadable = Error::Certificate(CertificateFault::Refused);
                let checked = self.check(self.certificate(&mut jpki)?.ok_or(unreadable)?)?;
                progress(TapStep::CertificateChecked);
                checked
            }
        };
        let claims = Claims {
            audience: self.client().settings.issuer.as_str(),
            nonce: &self.nonce.value,
            device_thumbprint: &self.device_thumbprint,
            scope: &self.client().settings.scope,
            purpose: self.member.purpose,
            notice: &self.client().settings.notice,
            issued_at: self.server_time(),
            channel: PLAIN,
        };
        let assertion = Assertion::sign(&mut jpki, &certificate, &claims, self.client().verifier())?;
        progress(TapStep::Signed);
        Ok((assertion, certificate, verdict))
    }

    /// The card's certificate; for a registered member only as much of it as tells cards apart.
    fn certificate(&self, jpki: &mut Jpki<'_, '_>) -> Result<Option<Certificate>, Error> {
        let Some(registered) = &self.registered else { return jpki.authentication_certificate() };
        let Some(head) = jpki.authentication_certificate_head()? else { return Ok(None) };
        if is_head_of(&head, registered.der()) { Ok(Some(registered.clone())) } else { Err(Error::OtherCard) }
    }

    fn check(&self, certificate: Certificate) -> Result<(Certificate, Verdict), Error> {
        let roots = &self.client().settings.card_roots;
        let now = self.server_time().not_before_build();
        let verdict = certificate.check_authentication(roots, self.client().verifier(), now);
        let verdict = verdict.map_err(|fault| match fault {
            // Nothing is said of a card by a clock that is in doubt.
            CertificateFault::Expired | CertificateFault::NotYetValid if self.has_doubtful_time() => {
                AuthorizationFault::ClockSkew.into()
            }
            fault => Error::from(fault),
        })?;
        if !self.connection.metadata.card()?.accepts(certificate.key().algorithm()) {
            return Err(Error::usage("the server does not accept this generation of cards"));
        }
        Ok((certificate, verdict))
    }

    fn client(&self) -> &QualifyClient {
        &self.connection.client
    }

    fn server_time(&self) -> UnixMillis {
        self.connection.server_time()
    }

    /// Device and server are more than a day apart, or neither has a time at which this version can run.
    fn has_doubtful_time(&self) -> bool {
        let offset_ms = self.connection.http.server_clock.offset_ms();
        offset_ms.saturating_abs() > CLOCK_WARNING_MS || !self.server_time().is_plausible()
    }
}

/// The card has signed and is no longer needed.
pub struct Signed {
    awaiting: AwaitingTap,
    certificate: Certificate,
    verdict: Verdict,
    capabilities: CardCapabilities,
    assertion: Assertion,
    signed_at: UnixMillis,
    /// The server may have seen the assertion, which then counts for a minute.
    may_have_arrived: bool,
    granted: Option<(Token, Submission)>,
}

impl Signed {
    /// The card's certificate: register it with the member.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What the card has shown it can do: store it with the member.
    pub fn capabilities(&self) -> CardCapabilities {
        self.capabilities
    }

    /// The server's opaque id of the person, once it has given a token: keep it with the member, and hand it back as
    /// [`Member::patient`].
    pub fn patient(&self) -> Option<&str> {
        self.granted.as_ref().map(|(token, _)| token.patient.as_str())
    }

    /// What ends the waits of this session.
    pub fn cancellation(&self) -> Cancellation {
        self.awaiting.cancellation()
    }

    /// Takes another handle for the calls to come. A cancelled session sends nothing until it gets a fresh one; it keeps
    /// what it had come to, so that a cancelled [`Signed::finish`] can be taken up again.
    pub fn set_cancellation(&mut self, cancellation: Cancellation) {
        self.awaiting.set_cancellation(cancellation);
    }

    /// Exchanges the assertion for a token and asks for the eligibility. Two round trips; blocks.
    ///
    /// May be called again after a failure, [`Error::Cancelled`] too: within 60 s of the tap the same assertion counts, so
    /// that a lost answer costs no second tap, and once a token was granted the same question is asked again.
    ///
    /// # Errors
    /// [`Error::Connection`], [`Error::Authorization`], [`Error::Certificate`], [`Error::Resource`] as the server
    /// answers, the last with `KZ-D08` when it is about somebody else; [`Error::DeviceKey`] when the key store refuses.
    /// [`Error::Authorization`] with `KZ-A03` when a new tap is needed.
    pub fn finish(&mut self) -> Result<Qualified, Error> {
        if !self.awaiting.connection.metadata.has_level("L1") {
            return Err(Error::usage(
                "the server answers no eligibility questions: authorize, then read its coverages",
            ));
        }
        let (token, mut submission) = self.grant()?;
        let eligibility = submission.send(&mut self.awaiting.connection, &token);
        let missing_scopes = token.missing_scopes(&self.awaiting.client().settings.scope);
        self.granted = Some((token, submission));
        Ok(self.qualified(eligibility?, missing_scopes))
    }

    /// What the server told the user to do when it refused the last call; `None` after one that it answered. Plain text, never
    /// markup, and no replacement for the text of the error's code.
    pub fn server_text(&self) -> Option<&str> {
        self.awaiting.connection.server_text.as_deref()
    }

    /// As [`Access::confirmed_time`].
    pub fn confirmed_time(&self) -> Option<UnixMillis> {
        self.awaiting.connection.http.server_clock.confirmed()
    }

    /// Asks for an answer that was [`Qualification::Pending`] after 2, 4, 8, 16 and
    /// 30 s, until it is there; still pending after that minute, it can be asked for again. Blocks.
    ///
    /// # Errors
    /// As [`Signed::finish`]; [`Error::Usage`] before that.
    pub fn await_answer(&mut self, pending: &Qualified) -> Result<Qualified, Error> {
        let (token, _) = self.granted.as_ref().ok_or_else(|| Error::usage("there is an answer after finish"))?;
        let missing_scopes = token.missing_scopes(&self.awaiting.client().settings.scope);
        let mut eligibility = pending.eligibility.clone();
        for seconds in POLLS_S {
            if eligibility.qualification() != Qualification::Pending {
                break;
            }
            self.awaiting.client().clock.sleep(Duration::from_secs(seconds), &self.cancellation());
            eligibility = poll(&mut self.awaiting.connection, token, &eligibility)?.unwrap_or(eligibility);
        }
        Ok(self.qualified(eligibility, missing_scopes))
    }

    /// Exchanges the assertion for a token and asks for nothing: for servers without eligibility, and for who wants records
    /// only. One round trip; blocks. May be called again after a failure, as [`Signed::finish`].
    ///
    /// # Errors
    /// As [`Signed::finish`].
    pub fn authorize(&mut self) -> Result<(), Error> {
        self.granted = Some(self.grant()?);
        Ok(())
    }

    /// The token, and the question that it will ask.
    fn grant(&mut self) -> Result<(Token, Submission), Error> {
        if let Some(granted) = self.granted.take() {
            return Ok(granted);
        }
        let token = self.token()?;
        check_patient(self.awaiting.member.patient.as_deref(), &token.patient)?;
        let submission = Submission::new(&self.awaiting.connection, &token)?;
        Ok((token, submission))
    }

    /// Access to the member's records, consents and tasks with the token of [`Signed::finish`] or [`Signed::authorize`].
    ///
    /// # Errors
    /// [`Error::Usage`] before that.
    pub fn into_access(self) -> Result<Access, Error> {
        let (token, _) = self.granted.ok_or_else(|| Error::usage("there is access after finish"))?;
        Ok(Access::new(self.awaiting.connection, token))
    }

    fn token(&mut self) -> Result<Token, Error> {
        let life_ms = if self.may_have_arrived { RESEND_MS } else { LIFE_S.saturating_mul(1000) };
        if self.awaiting.client().clock.now().ms_since(self.signed_at) > life_ms {
            return Err(AuthorizationFault::NonceRejected.into());
        }
        let AwaitingTap { connection, nonce, .. } = &mut self.awaiting;
        let grant = Grant::Card { assertion: self.assertion.as_str(), nonce: &nonce.value, signed_at: self.signed_at };
        Token::request(connection, &grant).map_err(|failure| {
            self.may_have_arrived |= failure.may_have_arrived;
            failure.error
        })
    }

    fn qualified(&self, eligibility: Eligibility, missing_scopes: Vec<String>) -> Qualified {
        let mut warnings = Vec::new();
        match (self.awaiting.has_doubtful_time(), self.verdict.state) {
            (true, _) => warnings.push(Warning::DeviceClock),
            (false, CertificateState::Grace) => warnings.push(Warning::CertificateExpired),
            (false, CertificateState::Valid) => {}
        }
        if !missing_scopes.is_empty() {
            warnings.push(Warning::ScopeNarrowed { missing_scopes });
        }
        let odd_number = |number| matches!(check_insurer_number(number), CheckDigit::BadCheck { .. });
        if eligibility.insurances().iter().filter_map(|i| i.coverage()?.insurer_number()).any(odd_number) {
            warnings.push(Warning::InsurerNumber);
        }
        Qualified {
            eligibility,
            answered_at: self.awaiting.server_time(),
            warnings,
            test_card: self.verdict.test_card,
            pinning: self.awaiting.connection.pinning,
            sealed: self.awaiting.connection.is_sealed(),
            channel: PLAIN,
        }
    }
}
