//! The amounts of the deduction, as `core/rules/deduction.json` has them.

use crate::insurance::ExpenseKind;
use crate::insurance::table::{Node, RulesError, RulesHeader};
use crate::time::CalendarDate;

/// The amounts of the deduction.
#[derive(Clone, Debug)]
pub struct DeductionRules {
    pub(in crate::insurance) header: RulesHeader,
    pub(super) floor_yen: i64,
    pub(super) floor_income_percent: i64,
    pub(super) cap_yen: i64,
    pub(super) self_medication_floor_yen: i64,
    pub(super) self_medication_cap_yen: i64,
    pub(super) self_medication_through: CalendarDate,
    pub(super) notice_tolerance_yen: i64,
    pub(super) receipt_years: u16,
    pub(super) filing_month: u8,
    pub(super) filing_day: u8,
    pub(super) form: FormLimits,
    pub(super) not_deductible: Vec<ExpenseKind>,
}

/// 国税庁 医療費集計フォーム.
#[derive(Clone, Copy, Debug)]
pub(super) struct FormLimits {
    pub(super) rows: usize,
    pub(super) name_chars: usize,
    pub(super) institution_chars: usize,
    pub(super) amount_yen: i64,
}

impl DeductionRules {
    pub(in crate::insurance) fn read(header: RulesHeader, node: Node<'_>) -> Result<Self, RulesError> {
        let (own, receipts) = (node.field("self_medication")?, node.field("receipts")?);
        let form = node.field("form")?;
        let kinds = node.field("not_deductible")?.list()?.into_iter().map(|node| {
            let kind = ExpenseKind::from_code(node.text()?);
            if kind == ExpenseKind::Other { Err(node.wrong()) } else { Ok(kind) }
        });
        Ok(Self {
            header,
            floor_yen: node.field("floor_yen")?.whole()?,
            floor_income_percent: node.field("floor_income_percent")?.whole()?,
            cap_yen: node.field("cap_yen")?.whole()?,
            self_medication_floor_yen: own.field("floor_yen")?.whole()?,
            self_medication_cap_yen: own.field("cap_yen")?.whole()?,
            self_medication_through: own.field("applies_through")?.date()?,
            notice_tolerance_yen: node.field("notice_tolerance_yen")?.whole()?,
            receipt_years: receipts.field("years")?.whole()?,
            filing_month: receipts.field("filing_month")?.whole()?,
            filing_day: receipts.field("filing_day")?.whole()?,
            form: FormLimits {
                rows: form.field("rows")?.whole()?,
                name_chars: form.field("name_chars")?.whole()?,
                institution_chars: form.field("institution_chars")?.whole()?,
                amount_yen: form.field("amount_yen")?.whole()?,
            },
            not_deductible: kinds.collect::<Result<_, _>>()?,
        })
    }
}
