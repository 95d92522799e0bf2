//! What there may be to look at.

use crate::insurance::{ExpenseKind, HighCostError, YearMonth};

/// Something to ask or tell the user before the figures are used. Numbers are indices of payments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Finding {
    /// D-1: the same payment seems to be there twice, as from notice and receipt. Ask which to keep.
    Twice {
        /// Counted until the user answers: the receipt, or the first.
        kept: Vec<usize>,
        /// Not counted until then.
        dropped: Vec<usize>,
    },
    /// D-2: paid in another year, where it belongs.
    OtherYear {
        /// The payment.
        payment: usize,
        /// The year it was paid in.
        year: u16,
    },
    /// D-3: a kind that is not deductible; with a treatment that followed it may be.
    NotDeductible {
        /// The payment.
        payment: usize,
        /// Its kind, which is the reason.
        kind: ExpenseKind,
        /// The user counts it all the same.
        is_overridden: bool,
    },
    /// D-4: 補填 is more than was paid and counts only up to it.
    ReimbursedBeyondPaid {
        /// The payment.
        payment: usize,
        /// What does not count, in yen.
        surplus_yen: i64,
    },
    /// D-5: notice and receipt differ by more than 10 yen. Ask; the receipt wins.
    NoticeDiffers {
        /// Lines with the receipts' amount.
        receipts: Vec<usize>,
        /// Lines of the notice, not counted where they are others than those of the receipts.
        notices: Vec<usize>,
        /// Notice less receipts, in yen.
        difference_yen: i64,
    },
    /// D-6: the person is not 生計を一にする, or not known; not counted.
    NotSameLivelihood {
        /// The person.
        person: usize,
        /// Their payments.
        payments: Vec<usize>,
    },
    /// D-7: months for which no notice is there yet. What was paid in them may be missing.
    MissingMonths(Vec<YearMonth>),
    /// D-8: both deductions cannot be had: choose one.
    BothDeductions {
        /// 医療費控除, in yen.
        medical_yen: i64,
        /// セルフメディケーション税制, in yen.
        self_medication_yen: i64,
    },
    /// D-9: does not fit the tax office's form.
    FormLimit(FormLimit),
    /// D-10: 高額療養費 is to be expected, and no 補填 was entered.
    HighCostExpected {
        /// Month of treatment.
        month: YearMonth,
        /// The payments added up.
        payments: Vec<usize>,
        /// What is to be expected, in yen: a 試算.
        refund_yen: i64,
        /// From limits that are announced but not law yet.
        is_planned: bool,
    },
    /// D-10 could not be told for a month: 不明.
    HighCostUnknown {
        /// Month of treatment.
        month: YearMonth,
        /// The payments.
        payments: Vec<usize>,
        /// Why.
        cause: HighCostError,
    },
}

/// What does not fit 医療費集計フォーム.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FormLimit {
    /// More rows than the sheet has: sum up by person, institution and kind.
    Rows {
        /// How many there are.
        count: usize,
        /// How many fit.
        most: usize,
    },
    /// A name longer than the cell; without a real name, the nickname is measured.
    Name {
        /// The person.
        person: usize,
        /// Characters that fit.
        most: usize,
    },
    /// The institution's name is longer than the cell.
    Institution {
        /// The payment.
        payment: usize,
        /// Characters that fit.
        most: usize,
    },
    /// An amount that the cell does not take.
    Amount {
        /// The payment.
        payment: usize,
    },
}

impl Finding {
    /// The rule, `D-1` to `D-10`.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Twice { .. } => "D-1",
            Self::OtherYear { .. } => "D-2",
            Self::NotDeductible { .. } => "D-3",
            Self::ReimbursedBeyondPaid { .. } => "D-4",
            Self::NoticeDiffers { .. } => "D-5",
            Self::NotSameLivelihood { .. } => "D-6",
            Self::MissingMonths(_) => "D-7",
            Self::BothDeductions { .. } => "D-8",
            Self::FormLimit(_) => "D-9",
            Self::HighCostExpected { .. } | Self::HighCostUnknown { .. } => "D-10",
        }
    }

    /// Lines that another line tells already.
    pub(super) fn dropped(self) -> Vec<usize> {
        match self {
            Self::Twice { dropped, .. } => dropped,
            Self::NoticeDiffers { receipts, notices, .. } => {
                notices.into_iter().filter(|at| !receipts.contains(at)).collect()
            }
            _ => Vec::new(),
        }
    }
}
