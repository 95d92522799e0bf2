//! What the commands of the family's store take.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::consent::KindOfConsent;

#[derive(Subcommand)]
pub(crate) enum MemberCommand {
    /// Register a person by a tap of their card.
    Add(MemberAddArguments),
    /// Say that the person whom the server now calls otherwise is this member: two taps, for name and birth date first.
    Confirm {
        /// Who.
        #[arg(value_name = "NICKNAME")]
        nickname: String,
        /// Do not ask whether it is the right person.
        #[arg(long)]
        yes: bool,
    },
    /// Who is registered.
    List,
    /// Change what is said of a member.
    Edit(MemberEditArguments),
    /// Put the members into this order.
    Order {
        /// Every nickname once.
        #[arg(required = true, value_name = "NICKNAME")]
        nicknames: Vec<String>,
    },
    /// What is kept past its time, and when it will be deleted.
    ///
    /// Checks are kept for 13 months, records for five years. What is older is announced, and deleted a week later at the
    /// earliest, as a server's clock counts. Vaccinations and payments that were entered stay.
    Expired {
        /// Delete it now, after a look at what it is and at the date.
        #[arg(long)]
        delete: bool,
        /// The day that it is, YYYY-MM-DD: deletes without asking if this computer's clock says the same.
        #[arg(long, value_name = "DATE", requires = "delete")]
        today: Option<String>,
    },
    /// Remove a member: keys, tokens, history, records and payments, for good.
    Remove {
        /// Who.
        #[arg(value_name = "NICKNAME")]
        nickname: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Remove also when the server cannot be told.
        #[arg(long)]
        offline: bool,
    },
}

#[derive(Args)]
pub(crate) struct MemberAddArguments {
    /// What the family calls them, 1 to 20 characters.
    #[arg(value_name = "NICKNAME")]
    pub(crate) nickname: String,
    /// For whom you act.
    #[arg(long, value_enum, default_value_t = RoleOfMember::Own)]
    pub(crate) role: RoleOfMember,
    /// They do not share your livelihood (生計を一にしない): left out of the tax form.
    #[arg(long)]
    pub(crate) separate_livelihood: bool,
    /// Send this consent with each check; may be given more than once.
    #[arg(long, value_enum, value_name = "CONSENT")]
    pub(crate) consent: Vec<KindOfConsent>,
    /// Read name and birth date from the card, to see whose it is: needs the text-input PIN too.
    #[arg(long)]
    pub(crate) show_name: bool,
    /// Do not ask whether it is the right person.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct MemberEditArguments {
    /// Who.
    #[arg(value_name = "NICKNAME")]
    pub(crate) nickname: String,
    /// The new nickname.
    #[arg(long, value_name = "NICKNAME")]
    pub(crate) rename: Option<String>,
    /// For whom you act.
    #[arg(long, value_enum)]
    pub(crate) role: Option<RoleOfMember>,
    /// Whether they share your livelihood (生計を一にする).
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no)]
    pub(crate) shares_livelihood: Option<bool>,
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no".to_owned()),
    }
}

/// For whom the user acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RoleOfMember {
    /// 本人
    #[value(name = "self")]
    Own,
    /// 法定代理人
    LegalRepresentative,
    /// 代理人
    Proxy,
}

impl From<RoleOfMember> for kazasu::store::Role {
    fn from(role: RoleOfMember) -> Self {
        match role {
            RoleOfMember::Own => Self::Own,
            RoleOfMember::LegalRepresentative => Self::LegalRepresentative,
            RoleOfMember::Proxy => Self::Proxy,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum LogCommand {
    /// The newest entries.
    List {
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Look through the whole log and store for changes.
    Verify,
    /// Write the whole log as CSV, with the hash of each entry.
    Export {
        /// Write to this file.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum PaymentCommand {
    /// Keep what a receipt says.
    Add(PaymentAddArguments),
    /// Take in 医療費通知情報 (CSV) as downloaded from マイナポータル; a second time changes nothing.
    Import {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// What was entered and imported, numbered.
    List,
    /// Delete a payment.
    Remove {
        /// Its number in the list.
        #[arg(value_name = "NUMBER")]
        number: usize,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
pub(crate) struct PaymentAddArguments {
    /// Day of payment, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub(crate) date: String,
    /// Month of treatment, YYYY-MM.
    #[arg(long, value_name = "MONTH")]
    pub(crate) month: Option<String>,
    /// Name of the institution or shop.
    #[arg(long, value_name = "TEXT")]
    pub(crate) institution: String,
    /// Kind of care.
    #[arg(long, value_enum, default_value_t = KindOfExpense::MedicalOutpatient)]
    pub(crate) kind: KindOfExpense,
    /// What was paid, in yen.
    #[arg(long, value_name = "YEN")]
    pub(crate) yen: i64,
    /// What insurances or benefits paid back for it (補填), in yen.
    #[arg(long, value_name = "YEN", default_value_t = 0)]
    pub(crate) reimbursed: i64,
}

/// Kinds of care and of what goes with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum KindOfExpense {
    /// 医科入院
    MedicalInpatient,
    /// 医科外来
    MedicalOutpatient,
    /// 歯科入院
    DentalInpatient,
    /// 歯科外来
    DentalOutpatient,
    /// 調剤
    Pharmacy,
    /// 訪問看護
    HomeNursing,
    /// 柔道整復
    JudoTherapy,
    /// はり・きゅう・あん摩
    Acupuncture,
    /// 市販薬
    OverTheCounter,
    /// 介護保険サービス
    NursingCare,
    /// 通院交通費
    Transport,
    /// 医療用器具
    Appliance,
    /// 予防接種
    Vaccination,
    /// 健康診断・人間ドック
    Checkup,
    /// 差額ベッド（希望）
    PrivateRoom,
    /// 美容
    Cosmetic,
    /// 自家用車の燃料・駐車場
    PrivateCar,
    /// その他
    Other,
}
