//! What was paid for care, as household tools, the tax form and the yearly comparison take it.

use std::fmt;

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

impl Payment {
    /// What was paid, in yen, and whether that is 窓口相当負担額 of the notice (to be marked 「通知額」): the receipt the user
    /// typed comes first. `None` where neither is known.
    pub fn amount_yen(&self) -> Option<(i64, bool)> {
        self.receipt_yen.map(|yen| (yen, false)).or_else(|| self.notice_yen.map(|yen| (yen, true)))
    }
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

    /// Reads `YYYY-MM` and nothing else: `2026-8`, `2026-13` and full dates are refused.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        Self::new(year.parse().ok()?, month.parse().ok()?)
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

    /// The month after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.month {
            12.. => Self { year: self.year.saturating_add(1), month: 1 },
            month => Self { year: self.year, month: month.saturating_add(1) },
        }
    }

    /// The month before this one.
    #[must_use]
    pub const fn previous(self) -> Self {
        match self.month {
            0 | 1 => Self { year: self.year.saturating_sub(1), month: 12 },
            month => Self { year: self.year, month: month.saturating_sub(1) },
        }
    }

    /// Its first day.
    pub const fn first_day(self) -> CalendarDate {
        CalendarDate { year: self.year, month: self.month, day: 1 }
    }

    /// Its last day.
    pub fn last_day(self) -> CalendarDate {
        self.first_day().end_of_month_after(0)
    }
}

/// `YYYY-MM`.
impl fmt::Display for YearMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
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

impl ExpenseKind {
    /// Every kind, those of the notice first.
    pub const ALL: [Self; 18] = [
        Self::MedicalInpatient,
        Self::MedicalOutpatient,
        Self::DentalInpatient,
        Self::DentalOutpatient,
        Self::Pharmacy,
        Self::HomeNursing,
        Self::JudoTherapy,
        Self::Acupuncture,
        Self::OverTheCounter,
        Self::NursingCare,
        Self::Transport,
        Self::Appliance,
        Self::Vaccination,
        Self::Checkup,
        Self::PrivateRoom,
        Self::Cosmetic,
        Self::PrivateCar,
        Self::Other,
    ];

    /// The kind of a code of the notice or of this app; codes not known here are [`ExpenseKind::Other`].
    pub fn from_code(code: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.code() == code).unwrap_or(Self::Other)
    }

    /// Its code: that of the notice, or this app's own for what only a user can add. Never changed once given out.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MedicalInpatient => "ika-nyuin",
            Self::MedicalOutpatient => "ika-gairai",
            Self::DentalInpatient => "shika-nyuin",
            Self::DentalOutpatient => "shika-gairai",
            Self::Pharmacy => "chozai",
            Self::HomeNursing => "houmon-kango",
            Self::JudoTherapy => "judo",
            Self::Acupuncture => "shinkyu",
            Self::OverTheCounter => "shihanyaku",
            Self::NursingCare => "kaigo",
            Self::Transport => "koutsuuhi",
            Self::Appliance => "kigu",
            Self::Vaccination => "yobou-sesshu",
            Self::Checkup => "kenshin",
            Self::PrivateRoom => "sagaku-bed",
            Self::Cosmetic => "biyou",
            Self::PrivateCar => "jikayousha",
            Self::Other => "other",
        }
    }

    /// Care that health insurance pays for: the kinds of the notice. Not so [`ExpenseKind::Other`], of which nothing is
    /// known.
    pub const fn is_insured(self) -> bool {
        matches!(
            self,
            Self::MedicalInpatient
                | Self::MedicalOutpatient
                | Self::DentalInpatient
                | Self::DentalOutpatient
                | Self::Pharmacy
                | Self::HomeNursing
                | Self::JudoTherapy
                | Self::Acupuncture
        )
    }

    /// 入院.
    pub const fn is_inpatient(self) -> bool {
        matches!(self, Self::MedicalInpatient | Self::DentalInpatient)
    }

    /// In words.
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::MedicalInpatient => "医科入院",
            Self::MedicalOutpatient => "医科外来",
            Self::DentalInpatient => "歯科入院",
            Self::DentalOutpatient => "歯科外来",
            Self::Pharmacy => "調剤",
            Self::HomeNursing => "訪問看護",
            Self::JudoTherapy => "柔道整復",
            Self::Acupuncture => "はり・きゅう・あん摩",
            Self::OverTheCounter => "市販薬",
            Self::NursingCare => "介護保険サービス",
            Self::Transport => "通院交通費",
            Self::Appliance => "医療用器具",
            Self::Vaccination => "予防接種",
            Self::Checkup => "健康診断",
            Self::PrivateRoom => "差額ベッド（希望）",
            Self::Cosmetic => "美容",
            Self::PrivateCar => "自家用車の燃料・駐車場",
            Self::Other => "その他",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kinds_survive_their_codes() {
        for kind in ExpenseKind::ALL {
            assert_eq!(ExpenseKind::from_code(kind.code()), kind);
            assert!(!kind.japanese().is_empty());
        }
        assert_eq!(ExpenseKind::from_code("ika-gairai"), ExpenseKind::MedicalOutpatient);
        assert_eq!(ExpenseKind::from_code("zz-new"), ExpenseKind::Other);
    }

    #[test]
    fn months_are_read_in_one_form_only() {
        assert_eq!(YearMonth::parse("2026-08"), YearMonth::new(2026, 8));
        for bad in
            ["", "2026", "2026-8", "2026-13", "2026-00", "26-08", "2026-08-01", "2026/08", "+026-08", "２０２６-０８"]
        {
            assert_eq!(YearMonth::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn months_follow_one_another_over_the_year() {
        let month = |text| YearMonth::parse(text).expect("a month");
        assert_eq!(month("2026-12").next(), month("2027-01"));
        assert_eq!(month("2026-01").previous(), month("2025-12"));
        assert_eq!(month("2026-08").next().to_string(), "2026-09");
        assert_eq!(month("2028-02").last_day().to_string(), "2028-02-29");
    }

    #[test]
    fn the_receipt_wins_over_the_notice() {
        let payment = |receipt_yen, notice_yen| Payment {
            source_id: String::new(),
            row: 0,
            person: 0,
            kind: ExpenseKind::MedicalOutpatient,
            institution: String::new(),
            treatment_month: None,
            paid_on: None,
            receipt_yen,
            notice_yen,
            reimbursed_yen: 0,
            total_cost_yen: None,
        };
        assert_eq!(payment(Some(1_790), Some(1_785)).amount_yen(), Some((1_790, false)));
        assert_eq!(payment(Some(0), Some(1_785)).amount_yen(), Some((0, false)), "a subsidy paid it all");
        assert_eq!(payment(None, Some(1_785)).amount_yen(), Some((1_785, true)));
        assert_eq!(payment(None, None).amount_yen(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(year in 1_u16..=9998, month in 1_u8..=12) {
            let at = YearMonth::new(year, month).expect("a month");
            prop_assert_eq!(YearMonth::parse(&at.to_string()), Some(at));
            prop_assert_eq!(at.next().previous(), at);
            prop_assert!(at < at.next());
        }
    }
}
