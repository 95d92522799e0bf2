//! What an app catches: coarse variants with typed payloads and a stable code.

use kazasu::Error as Core;
use kazasu::error as core;
use kazasu::guidance::{certificate_dates, my_number_suspected, new_pin_refused, proxy, store, verify_unanswered};

use crate::guidance::Language;
use crate::transport::{LinkEnd, TransportError};

/// Why a call failed. No field holds anything personal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error, uniffi::Error)]
#[uniffi::export(Display)]
pub enum KazasuError {
    /// The link to the card broke: hold the card again.
    #[error("{error}")]
    Transport {
        /// How.
        error: TransportError,
    },
    /// The PIN was sent and no clear answer came: one try may be used. Ask for the tries left.
    #[error("no clear answer to VERIFY: one try may be used")]
    VerifyUnanswered {
        /// Which PIN.
        kind: PinKind,
        /// The link broke; otherwise the card answered something unknown.
        link_lost: bool,
    },
    /// Not a My Number card.
    #[error("not a My Number card")]
    NotMyNumberCard,
    /// Wrong PIN; at least one try is left.
    #[error("wrong PIN, attempts left: {attempts_left}")]
    WrongPin {
        /// Which PIN.
        kind: PinKind,
        /// Tries left.
        attempts_left: u8,
    },
    /// The PIN is blocked: only the municipal office can help.
    #[error("the PIN is blocked")]
    PinBlocked {
        /// Which PIN.
        kind: PinKind,
    },
    /// One try is left and was not permitted; nothing was sent. Ask the user, then allow it.
    #[error("one try left; nothing was sent")]
    LastAttempt {
        /// Which PIN.
        kind: PinKind,
    },
    /// A PIN of the wrong form; nothing was sent.
    #[error("a PIN of the wrong form; nothing was sent")]
    PinFormat {
        /// Which PIN.
        kind: PinKind,
    },
    /// Another card than the member's; no PIN was sent.
    #[error("another card than the one begun with")]
    OtherCard,
    /// The card's answer was not understood: hold it again.
    #[error("{detail}")]
    CardUnreadable {
        /// For developers.
        detail: String,
    },
    /// The certificate cannot be used.
    #[error("certificate: {reason:?}")]
    Certificate {
        /// Why.
        reason: CertificateReason,
    },
    /// The server could not be reached or proven.
    #[error("connection: {reason:?}")]
    Connection {
        /// Why.
        reason: ConnectionReason,
        /// Seconds the server asks to wait.
        retry_after_s: Option<u64>,
    },
    /// The authorization server refused.
    #[error("authorization: {reason:?}")]
    Authorization {
        /// Why.
        reason: AuthorizationReason,
    },
    /// The answer cannot be used.
    #[error("resource: {reason:?}")]
    Resource {
        /// Why.
        reason: ResourceReason,
    },
    /// The device key cannot be used.
    #[error("device key: {detail}")]
    DeviceKey {
        /// What the key store said.
        detail: String,
    },
    /// Wrong argument, setting or order of calls.
    #[error("{detail}")]
    Usage {
        /// What to mend.
        detail: String,
    },
    /// A fault inside the SDK.
    #[error("internal fault: {detail}")]
    Internal {
        /// For developers.
        detail: String,
    },
    /// The family's store cannot be used.
    #[error("store: {reason:?}")]
    Store {
        /// Why.
        reason: StoreReason,
    },
    /// The text holds what looks like a My Number and was not kept.
    #[error("the text holds what looks like a My Number")]
    MyNumberSuspected,
    /// `Session.cancel` ended a call that waited for the server, or refused it.
    #[error("cancelled by the app")]
    Cancelled,
    /// Five members are registered already.
    #[error("at most five members")]
    TooManyMembers,
    /// A call of this object is running.
    #[error("a call is running")]
    Busy,
    /// The new PIN was sent and no clear answer came: the current one or the new one holds. Ask for the tries left, then try
    /// the new one first.
    #[error("no clear answer to the change of a PIN: either may hold")]
    ChangeInDoubt {
        /// Which PIN.
        kind: PinKind,
        /// The link broke; otherwise the card's answer leaves it open.
        link_lost: bool,
    },
    /// The card refused the new PIN: the current one, which was right, holds.
    #[error("the card refused the new PIN: the current one holds")]
    NewPinRefused {
        /// Which PIN.
        kind: PinKind,
    },
}

/// The secrets of the card that this SDK sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum PinKind {
    /// 利用者証明用パスワード: 4 digits.
    UserAuthentication,
    /// 署名用パスワード: 6 to 16 letters and digits.
    Signature,
    /// 券面事項入力補助用の暗証番号: 4 digits.
    TextInput,
    /// 照合番号B: 14 printed digits.
    VerificationNumberB,
    /// 生年月日: 6 printed digits.
    BirthDate,
}

macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $core:path { $($(#[$variant_doc:meta])* $variant:ident $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }

        impl From<$core> for $name {
            fn from(fault: $core) -> Self {
                use $core as Fault;
                match fault { $(Fault::$variant { .. } => Self::$variant,)* }
            }
        }
    };
}

mirror! {
    /// Why a certificate cannot be used.
    CertificateReason of core::CertificateFault {
        /// Past its last day, grace period included.
        Expired "KZ-C06",
        /// Withdrawn.
        Revoked "KZ-C07",
        /// Its first day has not come.
        NotYetValid "KZ-A05",
        /// Not issued by a configured root.
        UnknownIssuer "KZ-A05",
        /// Key usage does not allow this.
        WrongUsage "KZ-A05",
        /// The policy of another purpose.
        WrongPolicy "KZ-A05",
        /// Refused by the server.
        Refused "KZ-A05",
    }
}

mirror! {
    /// Why the family's store cannot be used.
    StoreReason of core::StoreFault {
        /// The device must be unlocked first.
        Locked "KZ-L01",
        /// The key store no longer has the key.
        KeyMissing "KZ-L01",
        /// Changed, exchanged or missing data.
        Damaged "KZ-L01",
        /// Older than the checkpoint kept elsewhere.
        RolledBack "KZ-L01",
        /// The keys of another device, or keys whose store is gone: a phone was replaced.
        Replaced "KZ-L02",
        /// Written by a newer version.
        Newer "KZ-L01",
        /// The operating system refuses.
        Io "KZ-L01",
    }
}

mirror! {
    /// Why the server could not be reached or proven.
    ConnectionReason of core::ConnectionFault {
        /// No connection, or it broke.
        Unreachable "KZ-T01",
        /// The server does not speak TLS 1.3.
        TlsVersion "KZ-T02",
        /// Chain, host name or dates of its certificate.
        ServerCertificate "KZ-T03",
        /// No pin matches.
        PinMismatch "KZ-T03",
        /// The pin set is past its last day.
        PinsExpired "KZ-T04",
        /// No answer in time.
        Timeout "KZ-T05",
        /// Too many requests.
        RateLimited "KZ-T06",
        /// Down for maintenance.
        Maintenance "KZ-T07",
        /// It redirects elsewhere.
        Redirect "KZ-T03",
        /// The proxy cannot be reached or does not connect.
        Proxy "KZ-T01",
        /// The clock of this device is years off.
        DeviceClock "KZ-A04",
        /// The right server, whose certificate is over or has not begun.
        CertificateDates "KZ-T03",
    }
}

mirror! {
    /// Why the authorization server said no.
    AuthorizationReason of core::AuthorizationFault {
        /// The nonce has the wrong form.
        NonceForm "KZ-A01",
        /// The request was malformed.
        InvalidRequest "KZ-A02",
        /// The nonce is used up or too old: begin again and hold the card once more.
        NonceRejected "KZ-A03",
        /// Device and server clock disagree.
        ClockSkew "KZ-A04",
        /// Scope or resource refused.
        InvalidScope "KZ-A06",
        /// The token is not bound to this device.
        TokenType "KZ-A07",
        /// The app is not registered.
        InvalidClient "KZ-A08",
        /// The device's proof was refused.
        DpopProof "KZ-A09",
        /// The access token has expired.
        TokenExpired "KZ-A10",
        /// The token lacks the scope.
        ScopeMissing "KZ-A11",
        /// 一時利用停止中.
        Suspended "KZ-S01",
        /// 利用登録なし.
        NotRegistered "KZ-Q06",
        /// 保険者登録待ち.
        NotLinked "KZ-Q07",
    }
}

mirror! {
    /// Why an answer cannot be used.
    ResourceReason of core::ResourceFault {
        /// The system behind the server failed.
        Upstream "KZ-Q01",
        /// 該当資格なし.
        NoQualification "KZ-Q02",
        /// 複数該当.
        SeveralQualifications "KZ-Q03",
        /// Not the JSON that was expected.
        Malformed "KZ-D01",
        /// The server calls the request invalid.
        RequestInvalid "KZ-D01",
        /// Consent is missing or over.
        ConsentMissing "KZ-D02",
        /// Changed elsewhere.
        VersionConflict "KZ-D03",
        /// Too large.
        TooLarge "KZ-D04",
        /// It carries a My Number and was dropped.
        MyNumber "KZ-D05",
        /// It is about somebody else, or answers another question, and was dropped.
        Foreign "KZ-D08",
        /// Asked for sealed and not sealed as agreed.
        NotSealed "KZ-X01",
        /// Sealed for another request.
        SealedForAnother "KZ-X02",
    }
}

#[uniffi::export]
impl KazasuError {
    /// Stable identifier such as `KZ-C04`: never translated, never reused.
    pub fn code(&self) -> String {
        match self {
            Self::Transport { error } => match error {
                TransportError::TagLost
                | TransportError::Failed { .. }
                | TransportError::NotSent { end: LinkEnd::TagLost } => "KZ-C01",
                TransportError::Timeout | TransportError::NotSent { end: LinkEnd::Timeout } => "KZ-C02",
                TransportError::Unavailable | TransportError::NotSent { end: LinkEnd::Unavailable } => "KZ-C08",
                TransportError::Cancelled | TransportError::NotSent { end: LinkEnd::Cancelled } => "KZ-U03",
            },
            Self::VerifyUnanswered { link_lost: true, .. } => "KZ-C01",
            Self::VerifyUnanswered { link_lost: false, .. } => "KZ-C10",
            Self::NotMyNumberCard => "KZ-C03",
            Self::WrongPin { .. } => "KZ-C04",
            Self::PinBlocked { .. } => "KZ-C05",
            Self::LastAttempt { .. } => "KZ-C09",
            Self::CardUnreadable { .. } | Self::NewPinRefused { .. } => "KZ-C10",
            Self::PinFormat { .. } => "KZ-C11",
            Self::OtherCard => "KZ-C12",
            Self::ChangeInDoubt { .. } => "KZ-C13",
            Self::Certificate { reason } => reason.code(),
            Self::Connection { reason, .. } => reason.code(),
            Self::Authorization { reason } => reason.code(),
            Self::Resource { reason } => reason.code(),
            Self::DeviceKey { .. } => "KZ-L01",
            Self::Usage { .. } => "KZ-U01",
            Self::Internal { .. } => "KZ-U04",
            Self::Store { reason } => reason.code(),
            Self::MyNumberSuspected => "KZ-D05",
            Self::Cancelled => "KZ-U03",
            Self::TooManyMembers => "KZ-D06",
            Self::Busy => "KZ-U02",
        }
        .to_owned()
    }

    /// What to tell the user: one sentence, one thing to do.
    pub fn user_text(&self, language: Language) -> String {
        let text = match self {
            Self::VerifyUnanswered { .. } => verify_unanswered(language.into()).to_owned(),
            Self::NewPinRefused { .. } => new_pin_refused(language.into()).to_owned(),
            Self::Store { reason } => store(reason.fault(), language.into()).to_owned(),
            Self::Connection { reason: ConnectionReason::Proxy, .. } => proxy(language.into()).to_owned(),
            Self::Connection { reason: ConnectionReason::CertificateDates, .. } => {
                certificate_dates(language.into()).to_owned()
            }
            Self::MyNumberSuspected => my_number_suspected(language.into()).to_owned(),
            _ => crate::guidance::user_text(self.code(), language).unwrap_or_default(),
        };
        match self.attempts_left() {
            Some(attempts) => text.replace("{n}", &attempts.to_string()),
            None => text,
        }
    }

    /// Tries left of the PIN, where the card has said so.
    pub fn attempts_left(&self) -> Option<u8> {
        match self {
            Self::WrongPin { attempts_left, .. } => Some(*attempts_left),
            Self::PinBlocked { .. } => Some(0),
            Self::LastAttempt { .. } => Some(1),
            _ => None,
        }
    }
}

impl StoreReason {
    /// The core's fault, without what developers alone need.
    const fn fault(self) -> core::StoreFault {
        match self {
            Self::Locked => core::StoreFault::Locked,
            Self::KeyMissing => core::StoreFault::KeyMissing,
            Self::Damaged => core::StoreFault::Damaged { what: "" },
            Self::RolledBack => core::StoreFault::RolledBack,
            Self::Replaced => core::StoreFault::Replaced,
            Self::Newer => core::StoreFault::Newer,
            Self::Io => core::StoreFault::Io { detail: "" },
        }
    }
}

impl From<core::PinKind> for PinKind {
    fn from(kind: core::PinKind) -> Self {
        match kind {
            core::PinKind::UserAuthentication => Self::UserAuthentication,
            core::PinKind::Signature => Self::Signature,
            core::PinKind::TextInput => Self::TextInput,
            core::PinKind::VerificationNumberB => Self::VerificationNumberB,
            core::PinKind::BirthDate => Self::BirthDate,
        }
    }
}

impl From<Core> for KazasuError {
    fn from(error: Core) -> Self {
        let retry_after_s = error.retry_after().map(|wait| wait.as_secs());
        match error {
            Core::Transport(error) => Self::Transport { error: error.into() },
            Core::VerifyUnanswered { kind, doubt } => {
                Self::VerifyUnanswered { kind: kind.into(), link_lost: is_link_lost(&doubt) }
            }
            Core::ChangeInDoubt { kind, doubt } => {
                Self::ChangeInDoubt { kind: kind.into(), link_lost: is_link_lost(&doubt) }
            }
            Core::NewPinRefused { kind, .. } => Self::NewPinRefused { kind: kind.into() },
            Core::NotMyNumberCard => Self::NotMyNumberCard,
            Core::WrongPin { kind, attempts_left } => Self::WrongPin { kind: kind.into(), attempts_left },
            Core::PinBlocked { kind } => Self::PinBlocked { kind: kind.into() },
            Core::LastAttempt { kind } => Self::LastAttempt { kind: kind.into() },
            Core::PinFormat { kind } => Self::PinFormat { kind: kind.into() },
            Core::OtherCard => Self::OtherCard,
            Core::Card(fault) => Self::CardUnreadable { detail: fault.to_string() },
            Core::Certificate(fault) => Self::Certificate { reason: fault.into() },
            Core::Connection(fault) => Self::Connection { reason: fault.into(), retry_after_s },
            Core::Authorization(fault) => Self::Authorization { reason: fault.into() },
            Core::Resource(fault) => Self::Resource { reason: fault.into() },
            Core::DeviceKey { detail } => Self::DeviceKey { detail },
            Core::Usage { detail } => Self::Usage { detail },
            Core::Internal { detail } => Self::Internal { detail: detail.to_owned() },
            Core::Store(fault) => Self::Store { reason: fault.into() },
            Core::MyNumberSuspected => Self::MyNumberSuspected,
            Core::Busy => Self::Busy,
            Core::Cancelled => Self::Cancelled,
            Core::TooManyMembers => Self::TooManyMembers,
        }
    }
}

const fn is_link_lost(doubt: &core::PinDoubt) -> bool {
    match doubt {
        core::PinDoubt::Link(_) => true,
        core::PinDoubt::Status(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_that_of_the_core() {
        let kind = core::PinKind::UserAuthentication;
        let link = core::TransportError::TagLost;
        let errors = [
            Core::Transport(core::TransportError::Timeout),
            Core::Transport(core::TransportError::Unavailable),
            Core::Transport(core::TransportError::Cancelled),
            Core::Transport(core::TransportError::Failed { detail: "x".to_owned() }),
            Core::Transport(core::TransportError::NotSent { end: core::LinkEnd::TagLost }),
            Core::Transport(core::TransportError::NotSent { end: core::LinkEnd::Timeout }),
            Core::Transport(core::TransportError::NotSent { end: core::LinkEnd::Unavailable }),
            Core::Transport(core::TransportError::NotSent { end: core::LinkEnd::Cancelled }),
            Core::VerifyUnanswered { kind, doubt: core::PinDoubt::Link(link.clone()) },
            Core::VerifyUnanswered { kind, doubt: core::PinDoubt::Status(0x6581) },
            Core::ChangeInDoubt { kind, doubt: core::PinDoubt::Link(link) },
            Core::ChangeInDoubt { kind, doubt: core::PinDoubt::Status(0x6581) },
            Core::NewPinRefused { kind, status: 0x6A80 },
            Core::NotMyNumberCard,
            Core::WrongPin { kind, attempts_left: 2 },
            Core::PinBlocked { kind },
            Core::LastAttempt { kind },
            Core::PinFormat { kind },
            Core::OtherCard,
            core::CardFault::BadSignature.into(),
            core::CertificateFault::Expired.into(),
            core::CertificateFault::Revoked.into(),
            core::CertificateFault::WrongPolicy.into(),
            core::ConnectionFault::Unreachable.into(),
            core::ConnectionFault::TlsVersion.into(),
            core::ConnectionFault::PinMismatch.into(),
            core::ConnectionFault::Redirect.into(),
            core::ConnectionFault::Proxy { status: Some(407) }.into(),
            core::ConnectionFault::DeviceClock.into(),
            core::ConnectionFault::CertificateDates.into(),
            core::ConnectionFault::PinsExpired.into(),
            core::ConnectionFault::Timeout.into(),
            core::ConnectionFault::RateLimited { retry_after: None }.into(),
            core::ConnectionFault::Maintenance { retry_after: None }.into(),
            core::AuthorizationFault::NonceForm.into(),
            core::AuthorizationFault::NonceRejected.into(),
            core::AuthorizationFault::DpopProof.into(),
            core::AuthorizationFault::Suspended.into(),
            core::AuthorizationFault::NotLinked.into(),
            core::ResourceFault::Upstream.into(),
            core::ResourceFault::NoQualification.into(),
            core::ResourceFault::SeveralQualifications.into(),
            core::ResourceFault::TooLarge.into(),
            core::ResourceFault::MyNumber.into(),
            core::ResourceFault::Foreign { what: "x" }.into(),
            core::ResourceFault::NotSealed.into(),
            core::ResourceFault::SealedForAnother.into(),
            Core::DeviceKey { detail: "x".to_owned() },
            Core::Usage { detail: "x".to_owned() },
            Core::Internal { detail: "x" },
            Core::Store(core::StoreFault::Locked),
            Core::Store(core::StoreFault::Damaged { what: "x" }),
            Core::Store(core::StoreFault::Replaced),
            Core::MyNumberSuspected,
            Core::Busy,
            Core::Cancelled,
            Core::TooManyMembers,
        ];
        for error in errors {
            let ffi = KazasuError::from(error.clone());
            assert_eq!(ffi.code(), error.code(), "{error:?}");
            for language in [Language::Japanese, Language::English, Language::EasyJapanese] {
                assert_eq!(ffi.user_text(language), kazasu::guidance::text(&error, language.into()), "{error:?}");
            }
            assert_eq!(ffi.attempts_left(), error.attempts_left(), "{error:?}");
        }
    }
}
