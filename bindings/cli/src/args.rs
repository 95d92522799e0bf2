//! The command line as types.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kazasu::card::LastAttempt;

mod consent;
mod export;
mod family;
mod read;

pub(crate) use consent::{ConsentCommand, KindOfConsent};
pub(crate) use export::{ExportArguments, FileEncoding, Layout};
pub(crate) use family::{
    KindOfExpense, LogCommand, MemberAddArguments, MemberCommand, MemberEditArguments, PaymentAddArguments,
    PaymentCommand,
};
pub(crate) use read::read;

use kazasu::guidance::Language;

/// Reads a My Number card, has it sign, and asks for health-insurance eligibility over TLS 1.3.
#[derive(Parser)]
#[command(name = "kazasu", version, max_term_width = 80)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command; they stand before or after it.
#[derive(Args)]
pub(crate) struct Global {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Write one JSON line per exchange with the card: INS, SW, lengths, time; never a body.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// PC/SC reader by name, or `list`.
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "sim")]
    pub(crate) reader: Option<String>,
    /// Transmission protocol to insist on with a reader; mostly none is needed.
    #[arg(long, global = true, value_enum, value_name = "PROTOCOL")]
    pub(crate) protocol: Option<Protocol>,
    /// Send short APDUs only, to a reader or card that fails at longer ones.
    #[arg(long, global = true)]
    pub(crate) short_apdu: bool,
    /// Embedded simulated card: today, phone, next-p256, next-p384, no-sfi, no-extended, strict, old, not-jpki.
    #[arg(long, global = true, value_name = "PROFILE")]
    pub(crate) sim: Option<String>,
    /// Person on the simulated card, 1 to 10.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=10))]
    pub(crate) person: Option<u8>,
    /// File that keeps the simulated card's tries and PINs.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) sim_state: Option<PathBuf>,
    /// Configuration of the backend.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// HTTP proxy to reach the server through, in place of the configuration's; never taken from the environment.
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(crate) proxy: Option<String>,
    /// Keep device key and tokens in this file, so that later commands need no card.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) keep: Option<PathBuf>,
    /// Folder of the family's store and its keys [default: kazasu under the user's data].
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) store: Option<PathBuf>,
    /// Member of the family, by nickname: with the registered card, device key and tokens.
    #[arg(long, global = true, value_name = "NICKNAME", conflicts_with = "keep")]
    pub(crate) member: Option<String>,
    /// Language of texts [default: that of the locale, else ja].
    #[arg(long, global = true, value_name = "LANG")]
    pub(crate) lang: Option<Lang>,
    /// Read secrets from standard input, one a line, instead of asking.
    #[arg(long, global = true)]
    pub(crate) pin_stdin: bool,
    /// Permit the last try of a PIN. A wrong one then locks it: only a municipal office can undo that.
    #[arg(long, global = true)]
    pub(crate) allow_last_try: bool,
}

impl Global {
    /// The permission of `--allow-last-try`.
    pub(crate) const fn last_attempt(&self) -> LastAttempt {
        if self.allow_last_try { LastAttempt::Allow } else { LastAttempt::Refuse }
    }
}

/// Transmission protocol of contact cards (ISO/IEC 7816-3).
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Protocol {
    T0,
    T1,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Lang {
    /// 日本語
    Ja,
    /// English
    En,
    /// やさしい日本語 in errors and the safety check, else Japanese
    Easy,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Ja => Self::Japanese,
            Lang::En => Self::English,
            Lang::Easy => Self::EasyJapanese,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Embedded card and embedded sandbox: tap, PIN, signature, TLS 1.3, eligibility.
    #[cfg(feature = "demo")]
    Demo,
    /// Work with the card alone.
    #[command(subcommand)]
    Card(CardCommand),
    /// Ask for the eligibility of the card's holder.
    Qualify,
    /// Read expenses, medicines, vaccinations, check-ups and the access log, newest first.
    Records(RecordsArguments),
    /// See, give and withdraw consent to what others may see.
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Register the card as insurance card, or follow a registration by its receipt.
    Register(RegisterArguments),
    /// Sign in on the page of a server that has one, without a card; --keep holds what it brings.
    SignIn,
    /// Make one page of expenses, check-ups and medicines, to read, print and show.
    Report(ReportArguments),
    /// The ten-point safety check: what is known, what is not, and one thing to do for each.
    Safety(SafetyArguments),
    /// Stop access with a lost card. Needs no card, and --member, or --keep of an earlier tap.
    Suspend(SuspendArguments),
    /// Register, list, change and remove members of the family: five at most.
    #[command(subcommand)]
    Member(MemberCommand),
    /// The access log of this computer: who looked at what, when. Holds no values.
    #[command(subcommand)]
    Log(LogCommand),
    /// Receipts and imported notices of a member; needs --member.
    #[command(subcommand)]
    Payment(PaymentCommand),
    /// Write a file for household tools, the tax office, calendars or readers of FHIR. Needs neither card nor server.
    Export(ExportArguments),
}

#[derive(Args)]
pub(crate) struct RegisterArguments {
    /// Follow the registration with this receipt (受付番号) instead of a new one.
    #[arg(long, value_name = "RECEIPT")]
    pub(crate) receipt: Option<String>,
    /// Wait until nothing more will happen.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Withdraw it.
    #[arg(long, requires = "receipt", conflicts_with = "follow")]
    pub(crate) withdraw: bool,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct ReportArguments {
    /// Take what it is about from this file, as JSON, not from the store.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Members, by nickname; all of them without it.
    #[arg(long, value_name = "NICKNAME", conflicts_with = "from")]
    pub(crate) of: Vec<String>,
    /// 総所得金額等 in yen, for an estimate of the tax deduction.
    #[arg(long, value_name = "YEN", conflicts_with = "from")]
    pub(crate) income: Option<i64>,
    /// Write the page to this file, as HTML.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
pub(crate) struct SafetyArguments {
    /// What is known, as JSON, beside what the store tells.
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// Answer a question for good, such as pins_differ=yes or card_was_lent=no; may be given more than once.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) answer: Vec<String>,
}

#[derive(Args)]
pub(crate) struct SuspendArguments {
    /// Why.
    #[arg(long, value_enum, default_value_t = ReasonToStop::Lost)]
    pub(crate) reason: ReasonToStop,
    /// When the card was last there, such as 2026-11-20T18:00:00+09:00.
    #[arg(long, value_name = "TIME")]
    pub(crate) last_seen: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Reasons to stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ReasonToStop {
    /// 紛失
    Lost,
    /// 盗難
    Stolen,
    /// 暗証番号漏えい
    PinLeaked,
    /// 端末紛失
    DeviceLost,
}

#[derive(Subcommand)]
pub(crate) enum CardCommand {
    /// Generation, label, applications and channel. Needs no PIN.
    Info,
    /// Tries left of every PIN. Costs none.
    PinStatus,
    /// Replace a PIN: the current one, then the new one.
    PinChange(PinChangeArguments),
    /// Print a certificate as PEM, or write it as DER where the file ends in .der.
    Certificate {
        /// Which one; sign needs its password and carries name, address, birth date and sex.
        #[arg(long, value_enum, default_value_t = CertificateKind::Auth)]
        kind: CertificateKind,
        /// The certificate of the authority behind it instead; needs no PIN.
        #[arg(long)]
        ca: bool,
        /// Check that the authority on the card has issued it, and whether that is one of JPKI's: a file more is read.
        #[arg(long)]
        issuer: bool,
        /// Write to this file.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Name, address, birth date and sex. Needs the text-input PIN (券面事項入力補助用).
    Attributes {
        /// Prove that a municipality wrote them and that the chip is no copy.
        #[arg(long)]
        verify: bool,
    },
    /// The printed face with its photo. Needs number B, printed on it (照合番号B).
    Face(FaceArguments),
    /// Read everything at once: certificate and tries; with --all attributes and face too.
    Read(ReadArguments),
    /// The birth date alone, proven: enough to check an age. Needs the birth date as printed.
    BirthDate,
    /// Sign a document with the signature key as CMS. The signature carries name, address, birth date and sex.
    Sign(SignArguments),
    /// Examine card and reader for a bug report. Needs no PIN; shows everything before it is saved.
    Doctor {
        /// Save the report, as JSON, to this file.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Save without asking.
        #[arg(long, requires = "output")]
        yes: bool,
    },
    /// Sign a challenge with the authentication key and check the signature: a diagnostic.
    Authenticate {
        /// 8 to 64 bytes in hexadecimal.
        #[arg(long, value_name = "HEX")]
        challenge: String,
        /// The card's certificate (PEM or DER), to save reading it.
        #[arg(long, value_name = "FILE")]
        cached_certificate: Option<PathBuf>,
        /// Check the certificate too, with that of the authority on the card: a file more is read.
        #[arg(long)]
        ca: bool,
    },
}

#[derive(Args)]
pub(crate) struct RecordsArguments {
    /// Only this kind; may be given more than once.
    #[arg(long, value_enum)]
    pub(crate) kind: Vec<KindOfRecord>,
    /// Leave out what is older, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<String>,
    /// Show what the store holds, without card and server; needs --member.
    #[arg(long)]
    pub(crate) stored: bool,
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum KindOfRecord {
    /// 医療費通知
    Expense,
    /// 薬剤情報
    Medication,
    /// 予防接種
    Immunization,
    /// 特定健診
    Checkup,
    /// アクセスログ
    AccessLog,
}

#[derive(Args)]
pub(crate) struct PinChangeArguments {
    /// Which one.
    #[arg(long, value_enum)]
    pub(crate) kind: ChangeablePin,
    /// Your birth date, YYYY-MM-DD, to refuse a PIN made of it.
    #[arg(long, value_name = "DATE")]
    pub(crate) birth_date: Option<String>,
    /// Your phone number, to refuse a PIN that is its end.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) phone: Option<String>,
    /// Take a PIN that is easy to guess.
    #[arg(long)]
    pub(crate) accept_guessable: bool,
}

#[derive(Args)]
pub(crate) struct FaceArguments {
    /// Write the photo to this file, as PNG.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Write the printed name to this file, as PNG.
    #[arg(long, value_name = "FILE")]
    pub(crate) name_image: Option<PathBuf>,
    /// Write the printed address to this file, as PNG.
    #[arg(long, value_name = "FILE")]
    pub(crate) address_image: Option<PathBuf>,
    /// Prove that a municipality wrote it and that the chip is no copy.
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Args)]
pub(crate) struct ReadArguments {
    /// Attributes and face too. Needs the text-input PIN, then number B, printed on the card (照合番号B).
    #[arg(long)]
    pub(crate) all: bool,
    /// Write the photo to this file, as PNG.
    #[arg(short, long, value_name = "FILE", requires = "all")]
    pub(crate) output: Option<PathBuf>,
    /// Prove who wrote it all, and that the chip is no copy.
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Args)]
pub(crate) struct SignArguments {
    /// The document.
    #[arg(value_name = "FILE")]
    pub(crate) document: PathBuf,
    /// Write the signature to this file, as DER.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Put the document into the signature.
    #[arg(long)]
    pub(crate) attached: bool,
}

/// A PIN its holder may change.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ChangeablePin {
    /// 利用者証明用
    Auth,
    /// 署名用
    Sign,
    /// 券面事項入力補助用
    Text,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CertificateKind {
    /// 利用者証明用電子証明書
    Auth,
    /// 署名用電子証明書
    Sign,
}
