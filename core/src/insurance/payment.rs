//! What was paid for care, as household tools, the tax form and the yearly comparison take it.

use crate::time::CalendarDate;

/// One payment to one institution. Amounts are whole yen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Payment {
    /// Id of the record, line or entry it comes from: the same one gives the same [`Payment`] again.
    pub source_id: String,
    /// Number of the line within that source.
    pub row: u32,
    /// Index into the people this list was made for.
    pub person: usize,
    /// Kind of care.
    pub kind: ExpenseKind,
    /// Name of the institution, as received or typed.
    pub institution: String,
    /// Month of treatment 診療月.
    pub treatment_month: Option<YearMonth>,
    /// Day of payment, where the user knows it.
    pub paid_on: Option<CalendarDate>,
    /// What the receipt says, typed by the user: wins over the notice.
    pub receipt_yen: Option<i64>,
    /// 窓口相当負担額 of the notice: neither rounded to ten yen nor lessened by local subsidies.
    pub notice_yen: Option<i64>,
    /// 補填される金額: benefits and insurance money for this very payment.
    pub reimbursed_yen: i64,
    /// 医療費の総額, for the limits of 高額療養費.
    pub total_cost_yen: Option<i64>,
}

/// Whom a list of payments is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    /// What the family calls them.
    pub nickname: String,
    /// Real name, only where the user chose to give it out.
    pub name: Option<String>,
    /// 生計を一にする: a fact of tax, neither of insurance nor of this app.
    pub shares_livelihood: bool,
}

/// A month of the Gregorian calendar.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct YearMonth {
    year: u16,
    month: u8,
}

impl YearMonth {
    /// Month 1 to 12.
    pub fn new(year: u16, month: u8) -> Option<Self> {
        (1..=12).contains(&month).then_some(Self { year, month })
    }

    /// The month of a day.
    pub const fn of(date: CalendarDate) -> Self {
        Self { year: date.year, month: date.month }
    }

    /// Year.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }
}

/// 診療区分 of the expense notice, and the kinds a user can add.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ExpenseKind {
    /// 医科入院.
    MedicalInpatient,
    /// 医科外来.
    MedicalOutpatient,
    /// 歯科入院.
    DentalInpatient,
    /// 歯科外来.
    DentalOutpatient,
    /// 調剤.
    Pharmacy,
    /// 訪問看護.
    HomeNursing,
    /// 柔道整復.
    JudoTherapy,
    /// はり・きゅう・あん摩.
    Acupuncture,
    /// 市販薬.
    OverTheCounter,
    /// 介護保険サービス.
    NursingCare,
    /// 通院交通費.
    Transport,
    /// 医療用器具.
    Appliance,
    /// 予防接種.
    Vaccination,
    /// 健康診断・人間ドック.
    Checkup,
    /// 差額ベッド（希望による）.
    PrivateRoom,
    /// 美容.
    Cosmetic,
    /// 自家用車の燃料・駐車場.
    PrivateCar,
    /// Anything else, and codes not known here.
    Other,
}
