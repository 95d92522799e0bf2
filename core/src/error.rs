//! Every way a call into this crate can fail, and the stable code of each.

use std::time::Duration;

/// Every way a call into this crate can fail.
///
/// Deliberately exhaustive: a new cause must not compile until every front end says what its users see.
/// No variant holds anything personal; texts are for developers, users get `guidance::text`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The link to the card broke; open a new one.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// VERIFY was sent and its answer is missing or says nothing: one try may be used. Ask for the tries left before
    /// trying again.
    #[error("{doubt} while the {kind} was being checked: one try may be used")]
    VerifyUnanswered {
        /// The PIN that was sent.
        kind: PinKind,
        /// What came instead of an answer.
        doubt: PinDoubt,
    },
    /// The new PIN was sent and its answer is missing or leaves it open: the current one or the new one holds. Ask for the
    /// tries left, then try the new one first.
    #[error("{doubt} while the {kind} was being changed: either may hold")]
    ChangeInDoubt {
        /// The PIN that was to change.
        kind: PinKind,
        /// What came instead of an answer.
        doubt: PinDoubt,
    },
    /// The card refused the new PIN: the current one, which was right, holds.
    #[error("the card refused the new {kind} with {status:04X}: the current one holds")]
    NewPinRefused {
        /// The PIN that was to change.
        kind: PinKind,
        /// The status word.
        status: u16,
    },
    /// No JPKI application, or the old resident-register card.
    #[error("not a My Number card")]
    NotMyNumberCard,
    /// VERIFY failed; the card reports how many attempts remain.
    #[error("wrong {kind}, attempts left: {attempts_left}")]
    WrongPin {
        /// The PIN that was sent.
        kind: PinKind,
        /// Attempts left, at least 1.
        attempts_left: u8,
    },
    /// No attempts left; only a municipal office can unblock it.
    #[error("the {kind} is blocked")]
    PinBlocked {
        /// The blocked PIN.
        kind: PinKind,
    },
    /// One attempt left and the caller did not permit using it; nothing was sent.
    #[error("one attempt left for the {kind}; nothing was sent")]
    LastAttempt {
        /// The guarded PIN.
        kind: PinKind,
    },
    /// A PIN of the wrong form; nothing was sent.
    #[error("the {kind} must be {}; nothing was sent", kind.form())]
    PinFormat {
        /// The PIN that was parsed.
        kind: PinKind,
    },
    /// Another card than the one the session was begun with. On a plastic card no PIN was sent; a phone shows its
    /// certificate only after the PIN.
    #[error("another card than the one begun with")]
    OtherCard,
    /// The card's answer was not understood.
    #[error(transparent)]
    Card(#[from] CardFault),
    /// The certificate cannot be used for this purpose.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// The connection to the server failed.
    #[error(transparent)]
    Connection(#[from] ConnectionFault),
    /// The authorization server refused.
    #[error(transparent)]
    Authorization(#[from] AuthorizationFault),
    /// The resource server refused, or its answer cannot be used.
    #[error(transparent)]
    Resource(#[from] ResourceFault),
    /// The family's store or its keys cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// A text holds twelve digits that look like a My Number; it was not kept.
    #[error("the text holds what looks like a My Number and was not kept")]
    MyNumberSuspected,
    /// Another call or another program is at work on this.
    #[error("busy: in use by another call or program")]
    Busy,
    /// The caller ended a call that waited for the server.
    #[error("cancelled by the caller")]
    Cancelled,
    /// Five members are registered already.
    #[error("at most five members can be registered")]
    TooManyMembers,
    /// The device key could not sign.
    #[error("the device key cannot be used: {detail}")]
    DeviceKey {
        /// What the key store said.
        detail: String,
    },
    /// A fault inside the SDK or the operating system.
    #[error("internal fault: {detail}")]
    Internal {
        /// What failed.
        detail: &'static str,
    },
    /// Wrong argument, configuration or order of calls.
    #[error("{detail}")]
    Usage {
        /// What to mend.
        detail: String,
    },
}

/// Why the link to the card failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransportError {
    /// The card left the field.
    #[error("the card left the field")]
    TagLost,
    /// No card came, or the card did not answer in time.
    #[error("no answer from a card in time")]
    Timeout,
    /// There is no reader, or NFC is switched off.
    #[error("no reader, or NFC is off")]
    Unavailable,
    /// The caller closed the link. The card may have seen the command.
    #[error("the link was closed by the caller")]
    Cancelled,
    /// The link was over before the command was sent: the card has not seen it. A PIN in it is unused.
    #[error("{end}; the command was not sent")]
    NotSent {
        /// How the link had ended.
        end: LinkEnd,
    },
    /// Anything else; `detail` is for developers and holds nothing personal.
    #[error("the reader failed: {detail}")]
    Failed {
        /// What the platform said, without APDU contents.
        detail: String,
    },
}

/// How a link was over before a command was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LinkEnd {
    /// The card had left the field.
    #[error("the card had left the field")]
    TagLost,
    /// The time for it was over.
    #[error("the time for the link was over")]
    Timeout,
    /// The reader was gone, or NFC switched off.
    #[error("the reader was gone, or NFC off")]
    Unavailable,
    /// The caller had closed it.
    #[error("the caller had closed the link")]
    Cancelled,
}

/// What came instead of an answer to a command that carried a PIN.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PinDoubt {
    /// The link broke; never [`TransportError::NotSent`].
    #[error("{0}")]
    Link(TransportError),
    /// A status word that says nothing, or not enough.
    #[error("the card answered {0:04X}")]
    Status(u16),
}

/// The secrets of the card that this SDK sends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PinKind {
    /// 利用者証明用パスワード: 4 digits, 3 attempts.
    UserAuthentication,
    /// 署名用パスワード: 6 to 16 letters and digits, 5 attempts.
    Signature,
    /// 券面事項入力補助用の暗証番号: 4 digits, 3 attempts.
    TextInput,
    /// 照合番号B: 14 printed digits (birth date, expiry year, security code), 10 attempts.
    VerificationNumberB,
    /// 生年月日: 6 printed digits, opens the birth date alone; 10 attempts assumed.
    BirthDate,
}

impl PinKind {
    /// Every secret this SDK sends, grouped by application.
    pub const ALL: [Self; 5] =
        [Self::UserAuthentication, Self::Signature, Self::TextInput, Self::VerificationNumberB, Self::BirthDate];

    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserAuthentication => "user_authentication",
            Self::Signature => "signature",
            Self::TextInput => "text_input",
            Self::VerificationNumberB => "verification_number_b",
            Self::BirthDate => "birth_date",
        }
    }

    /// The form a PIN of this kind must have.
    pub const fn form(self) -> &'static str {
        match self {
            Self::UserAuthentication | Self::TextInput => "4 digits",
            Self::Signature => "6 to 16 letters A-Z and digits",
            Self::VerificationNumberB => "14 digits",
            Self::BirthDate => "6 digits",
        }
    }
}

impl std::fmt::Display for PinKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UserAuthentication => "user-authentication PIN",
            Self::Signature => "signature password",
            Self::TextInput => "text-input PIN",
            Self::VerificationNumberB => "verification number B",
            Self::BirthDate => "birth-date number",
        })
    }
}

/// An answer of the card that was not understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CardFault {
    /// A status word the flow does not expect.
    #[error("the card answered {status:04X} to command {ins:02X}")]
    Status {
        /// Instruction byte of the command.
        ins: u8,
        /// The status word.
        status: u16,
    },
    /// More data than was asked for.
    #[error("the card sent more than was asked for")]
    TooLong,
    /// Data that is not what the file should hold.
    #[error("the card's {what} cannot be read")]
    Malformed {
        /// The file or object.
        what: &'static str,
    },
    /// The signature made by the card does not verify with the certificate on it.
    #[error("the card's signature does not verify")]
    BadSignature,
    /// This card was issued without a signature certificate, as those of children are.
    #[error("the card has no signature certificate")]
    NoSignatureCertificate,
    /// Data whose proof of origin is on the card and does not fit: changed, or never genuine.
    #[error("the card's {what} is not genuine")]
    NotGenuine {
        /// The file or object.
        what: &'static str,
    },
}

/// Why a certificate cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateFault {
    /// Past its last day, grace period included.
    #[error("the certificate has expired")]
    Expired,
    /// Withdrawn: reissued card or lost-card stop.
    #[error("the certificate is revoked")]
    Revoked,
    /// Its first day has not come.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// Not issued by one of the configured roots.
    #[error("the certificate does not chain to a configured root")]
    UnknownIssuer,
    /// Key usage does not allow signatures.
    #[error("the certificate's key usage does not allow this")]
    WrongUsage,
    /// The policy is that of the other certificate.
    #[error("the certificate has the policy of another purpose")]
    WrongPolicy,
    /// The server refused the certificate or the signature.
    #[error("the server refused the certificate or its signature")]
    Refused,
}

/// Why the server could not be reached or proven.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConnectionFault {
    /// No connection, or it broke.
    #[error("no connection to the server")]
    Unreachable,
    /// The server does not speak TLS 1.3.
    #[error("the server does not speak TLS 1.3")]
    TlsVersion,
    /// Chain, host name or dates of the server's certificate.
    #[error("the server's certificate cannot be verified")]
    ServerCertificate,
    /// No certificate of the validated path matches a pin.
    #[error("the server's key matches no pin")]
    PinMismatch,
    /// The pin set is past its last day: update the app.
    #[error("the pin set has expired")]
    PinsExpired,
    /// No answer in time.
    #[error("no answer from the server in time")]
    Timeout,
    /// Too many requests.
    #[error("too many requests")]
    RateLimited {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// Down for maintenance.
    #[error("the server is down for maintenance")]
    Maintenance {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// A redirect, which is never followed on these calls.
    #[error("the server redirects elsewhere")]
    Redirect,
    /// The proxy cannot be reached or does not connect to the server.
    #[error("no connection through the proxy{}", proxy_status(.status))]
    Proxy {
        /// The HTTP status with which it refused, if it said one: 407 where it asks for a password.
        status: Option<u16>,
    },
    /// The server is the right one, pins included, and its certificate is over or has not begun: its operator's to mend.
    #[error("the server's certificate is right but for its dates")]
    CertificateDates,
    /// The clock of this device is years off: certificates that are good seem to be over, or not to have begun.
    #[error("the clock of this device is wrong")]
    DeviceClock,
}

/// Why the authorization server said no (RFC 6749, 5.2 with `card_error`).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuthorizationFault {
    /// The nonce has the wrong form; the card was not touched.
    #[error("the server's nonce has the wrong form")]
    NonceForm,
    /// The request was malformed.
    #[error("the server calls the request malformed")]
    InvalidRequest,
    /// The nonce is used up or too old: a new nonce and a new tap.
    #[error("the nonce is used up or too old")]
    NonceRejected,
    /// `iat` or `exp` outside the server's window.
    #[error("the clocks of device and server disagree")]
    ClockSkew,
    /// Scope or resource refused.
    #[error("the server refuses the scope")]
    InvalidScope,
    /// The token answer is not a DPoP-bound token.
    #[error("the server's token is not bound to this device")]
    TokenType,
    /// The app is not registered at the server.
    #[error("the server does not know this app")]
    InvalidClient,
    /// The DPoP proof was refused.
    #[error("the server refuses the device's proof")]
    DpopProof,
    /// The access token has expired.
    #[error("the access token has expired")]
    TokenExpired,
    /// The token lacks the scope for this call.
    #[error("the token lacks the scope for this call")]
    ScopeMissing,
    /// 一時利用停止中.
    #[error("use of the card is stopped")]
    Suspended,
    /// 利用登録なし.
    #[error("insurance use of the card is not registered")]
    NotRegistered,
    /// 保険者登録待ち.
    #[error("the insurer's data is not linked yet")]
    NotLinked,
}

/// Why the resource server's answer cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResourceFault {
    /// The system behind the server failed.
    #[error("the qualification system failed")]
    Upstream,
    /// 該当資格なし, said by an OperationOutcome.
    #[error("the server knows no qualification")]
    NoQualification,
    /// 複数該当, said by an OperationOutcome.
    #[error("the server knows several qualifications")]
    SeveralQualifications,
    /// Not the JSON that was expected.
    #[error("the server's {what} cannot be read")]
    Malformed {
        /// Which answer.
        what: &'static str,
    },
    /// The server calls the request invalid.
    #[error("the server calls the request invalid")]
    RequestInvalid,
    /// Consent is missing or over.
    #[error("consent is missing or over")]
    ConsentMissing,
    /// Someone else changed the resource.
    #[error("the resource was changed elsewhere")]
    VersionConflict,
    /// Larger than the limits allow.
    #[error("the server's answer is too large")]
    TooLarge,
    /// An answer about somebody else, or to another question, than was asked; it was dropped.
    #[error("the server's {what} is not about who or what was asked for")]
    Foreign {
        /// Which answer.
        what: &'static str,
    },
    /// An answer that carries a My Number; it was dropped.
    #[error("the server's answer carries a My Number and was dropped")]
    MyNumber,
    /// Asked for sealed, and not sealed, not in the one form allowed, changed on the way, or not signed by a pinned key.
    /// Deliberately no more exact: that would help whoever tries answers out.
    #[error("the server's answer is not sealed as agreed")]
    NotSealed,
    /// Sealed for another request, or more than a minute away from now.
    #[error("the server's answer was sealed for another request")]
    SealedForAnother,
}

/// Why the family's store cannot be used. It is never replaced by an empty one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreFault {
    /// The device is locked, or the user has not unlocked it lately enough.
    #[error("the device must be unlocked first")]
    Locked,
    /// The key store no longer has the key: removed, or the file comes from another device or from before an erasure.
    #[error("the key of the store is gone")]
    KeyMissing,
    /// What is written is not what was written: bytes changed, rows exchanged, missing or put back.
    #[error("the store's {what} is damaged")]
    Damaged {
        /// The table or object.
        what: &'static str,
    },
    /// The whole store is older than the checkpoint kept elsewhere.
    #[error("the store is older than its checkpoint")]
    RolledBack,
    /// The keys are those of another device, or the file is gone and its keys are not: a phone was replaced or reset. The
    /// way on is a store of its own, in another place, where everybody is registered again.
    #[error("the store and the keys of this device do not belong together")]
    Replaced,
    /// Written by a newer version of this library.
    #[error("the store was written by a newer version")]
    Newer,
    /// The operating system refuses: no space, no permission, a broken disk.
    #[error("the file system refuses: {detail}")]
    Io {
        /// Which kind of failure.
        detail: &'static str,
    },
}

impl Error {
    /// A [`Error::Usage`] with this text.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self::Usage { detail: detail.into() }
    }

    /// Stable identifier such as `KZ-C04`: never translated, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Transport(cause) => cause.code(),
            Self::VerifyUnanswered { doubt: PinDoubt::Link(_), .. } => "KZ-C01",
            Self::VerifyUnanswered { doubt: PinDoubt::Status(_), .. } => "KZ-C10",
            Self::ChangeInDoubt { .. } => "KZ-C13",
            Self::NotMyNumberCard => "KZ-C03",
            Self::WrongPin { .. } => "KZ-C04",
            Self::PinBlocked { .. } => "KZ-C05",
            Self::LastAttempt { .. } => "KZ-C09",
            Self::Card(_) | Self::NewPinRefused { .. } => "KZ-C10",
            Self::PinFormat { .. } => "KZ-C11",
            Self::OtherCard => "KZ-C12",
            Self::Certificate(fault) => fault.code(),
            Self::Connection(fault) => fault.code(),
            Self::Authorization(fault) => fault.code(),
            Self::Resource(fault) => fault.code(),
            Self::Store(StoreFault::Replaced) => "KZ-L02",
            Self::Store(_) => "KZ-L01",
            Self::MyNumberSuspected => "KZ-D05",
            Self::Busy => "KZ-U02",
            Self::Cancelled => "KZ-U03",
            Self::TooManyMembers => "KZ-D06",
            Self::DeviceKey { .. } => "KZ-L01",
            Self::Internal { .. } => "KZ-U04",
            Self::Usage { .. } => "KZ-U01",
        }
    }

    /// Attempts left of the PIN that was sent or guarded, where the card has said so.
    pub const fn attempts_left(&self) -> Option<u8> {
        match self {
            Self::WrongPin { attempts_left, .. } => Some(*attempts_left),
            Self::PinBlocked { .. } => Some(0),
            Self::LastAttempt { .. } => Some(1),
            _ => None,
        }
    }

    /// How long the server asks to wait, where it has said so.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Connection(ConnectionFault::RateLimited { retry_after })
            | Self::Connection(ConnectionFault::Maintenance { retry_after }) => *retry_after,
            _ => None,
        }
    }
}

impl TransportError {
    const fn code(&self) -> &'static str {
        match self {
            Self::TagLost | Self::Failed { .. } | Self::NotSent { end: LinkEnd::TagLost } => "KZ-C01",
            Self::Timeout | Self::NotSent { end: LinkEnd::Timeout } => "KZ-C02",
            Self::Unavailable | Self::NotSent { end: LinkEnd::Unavailable } => "KZ-C08",
            Self::Cancelled | Self::NotSent { end: LinkEnd::Cancelled } => "KZ-U03",
        }
    }
}

impl CertificateFault {
    const fn code(self) -> &'static str {
        match self {
            Self::Expired => "KZ-C06",
            Self::Revoked => "KZ-C07",
            Self::NotYetValid | Self::UnknownIssuer | Self::WrongUsage | Self::WrongPolicy | Self::Refused => "KZ-A05",
        }
    }
}

impl ConnectionFault {
    const fn code(self) -> &'static str {
        match self {
            Self::Unreachable | Self::Proxy { .. } => "KZ-T01",
            Self::TlsVersion => "KZ-T02",
            Self::ServerCertificate | Self::PinMismatch | Self::Redirect | Self::CertificateDates => "KZ-T03",
            Self::PinsExpired => "KZ-T04",
            Self::Timeout => "KZ-T05",
            Self::RateLimited { .. } => "KZ-T06",
            Self::Maintenance { .. } => "KZ-T07",
            Self::DeviceClock => "KZ-A04",
        }
    }
}

fn proxy_status(status: &Option<u16>) -> String {
    status.map(|status| format!(", which answers {status}")).unwrap_or_default()
}

impl AuthorizationFault {
    const fn code(self) -> &'static str {
        match self {
            Self::NonceForm => "KZ-A01",
            Self::InvalidRequest => "KZ-A02",
            Self::NonceRejected => "KZ-A03",
            Self::ClockSkew => "KZ-A04",
            Self::InvalidScope => "KZ-A06",
            Self::TokenType => "KZ-A07",
            Self::InvalidClient => "KZ-A08",
            Self::DpopProof => "KZ-A09",
            Self::TokenExpired => "KZ-A10",
            Self::ScopeMissing => "KZ-A11",
            Self::Suspended => "KZ-S01",
            Self::NotRegistered => "KZ-Q06",
            Self::NotLinked => "KZ-Q07",
        }
    }
}

impl ResourceFault {
    const fn code(self) -> &'static str {
        match self {
            Self::Upstream => "KZ-Q01",
            Self::NoQualification => "KZ-Q02",
            Self::SeveralQualifications => "KZ-Q03",
            Self::Malformed { .. } | Self::RequestInvalid => "KZ-D01",
            Self::ConsentMissing => "KZ-D02",
            Self::VersionConflict => "KZ-D03",
            Self::TooLarge => "KZ-D04",
            Self::MyNumber => "KZ-D05",
            Self::Foreign { .. } => "KZ-D08",
            Self::NotSealed => "KZ-X01",
            Self::SealedForAnother => "KZ-X02",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_reported_where_the_card_said_so() {
        let kind = PinKind::UserAuthentication;
        assert_eq!(Error::WrongPin { kind, attempts_left: 2 }.attempts_left(), Some(2));
        assert_eq!(Error::PinBlocked { kind }.attempts_left(), Some(0));
        let doubt = PinDoubt::Link(TransportError::Cancelled);
        let unanswered = Error::VerifyUnanswered { kind, doubt };
        assert_eq!((unanswered.attempts_left(), unanswered.code()), (None, "KZ-C01"));
    }

    #[test]
    fn a_link_has_the_same_code_whether_it_ended_before_or_during_a_command() {
        let ends = [
            (LinkEnd::TagLost, TransportError::TagLost),
            (LinkEnd::Timeout, TransportError::Timeout),
            (LinkEnd::Unavailable, TransportError::Unavailable),
            (LinkEnd::Cancelled, TransportError::Cancelled),
        ];
        for (end, during) in ends {
            assert_eq!(TransportError::NotSent { end }.code(), during.code(), "{end:?}");
        }
    }

    #[test]
    fn texts_name_the_kind_and_nothing_else() {
        let error = Error::PinFormat { kind: PinKind::UserAuthentication };
        assert_eq!(error.to_string(), "the user-authentication PIN must be 4 digits; nothing was sent");
        assert_eq!(error.code(), "KZ-C11");
    }
}
