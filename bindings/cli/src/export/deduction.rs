//! What to look at before the figures of the tax form are used (rules D-1 to D-10), and the estimate of the deduction.

use kazasu::insurance::{
    Answer, DeductionEstimate, DeductionInput, DeductionRules, Exclusion, Finding, FormLimit, Insured, Payment, Rules,
};
use kazasu::time::{CalendarDate, Clock, SystemClock};
use serde_json::{Value, json};

use super::source::Source;
use crate::args::ExportArguments;
use crate::failure::Failure;
use crate::output::Output;
use crate::report::grouped;

/// One tax year, looked at.
pub(super) struct Deduction {
    /// For machines; `findings.rs` has the words.
    pub(super) findings: Vec<Value>,
    /// Indices of payments that another line tells already: not in the form.
    pub(super) twice: Vec<usize>,
    /// 試算, where the income is known.
    pub(super) estimate: Option<Estimate>,
}

/// 医療費控除の試算 of a year.
pub(super) struct Estimate {
    year: u16,
    figures: DeductionEstimate,
}

impl Deduction {
    pub(super) fn of(source: &Source, year: u16, arguments: &ExportArguments) -> Result<Self, Failure> {
        let rules = Rules::embedded().map_err(|_| kazasu::Error::Internal { detail: "a built-in table" })?;
        let insured: Vec<Option<Insured<'_>>> = source
            .insured
            .iter()
            .map(|one| one.as_ref().map(|(category, household)| Insured { category, household: *household }))
            .collect();
        let mut input = DeductionInput {
            year,
            income_yen: arguments.income.unwrap_or(0),
            people: &source.people,
            payments: &source.payments,
            today: CalendarDate::in_japan(SystemClock.now()),
            notices_through: None,
            self_medication_yen: arguments.self_medication,
            answers: &[],
            insured: &insured,
        };
        let answers = if arguments.keep_twice { all_included(&rules.deduction, &input) } else { Vec::new() };
        input.answers = &answers;
        let found = rules.deduction.findings(&input, &rules.high_cost);
        let estimate = rules.deduction.estimate(&input);
        let excluded = estimate.iter().flat_map(|estimate| &estimate.excluded);
        Ok(Self {
            findings: found.iter().map(|finding| to_json(finding, source)).collect(),
            twice: excluded.filter(|(_, why)| *why == Exclusion::Twice).map(|(at, _)| *at).collect(),
            estimate: estimate.filter(|_| arguments.income.is_some()).map(|figures| Estimate { year, figures }),
        })
    }
}

/// Answers that count every payment though it seems to be there twice.
fn all_included(rules: &DeductionRules, input: &DeductionInput<'_>) -> Vec<Answer> {
    let excluded = rules.estimate(input).map(|estimate| estimate.excluded).unwrap_or_default();
    excluded.into_iter().filter(|(_, why)| *why == Exclusion::Twice).map(|(at, _)| Answer::Include(at)).collect()
}

impl Estimate {
    pub(super) fn print(&self, output: Output) {
        let figures = &self.figures;
        output.line(format!("{} {}", output.say("医療費控除（試算）", "Medical expense deduction (試算)"), self.year));
        let yen = |yen: i64| format!("{} {}", grouped(yen.into()), output.say("円", "yen"));
        output.field(output.say("支払った医療費", "Paid"), &yen(figures.paid_yen));
        output.field(output.say("補填される金額", "Reimbursed"), &yen(figures.reimbursed_yen));
        output.field(output.say("差し引く額", "Taken off"), &yen(figures.floor_yen));
        output.field(output.say("控除額（試算）", "Deduction (試算)"), &yen(figures.deduction_yen));
        let until = figures.keep_receipts_through.to_string();
        output.field(output.say("領収書の保管", "Keep receipts until"), &format!("{until}{}", output.say("まで", "")));
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "year": self.year,
            "paid_yen": self.figures.paid_yen,
            "reimbursed_yen": self.figures.reimbursed_yen,
            "threshold_yen": self.figures.floor_yen,
            "deduction_yen": self.figures.deduction_yen,
            "keep_receipts_through": self.figures.keep_receipts_through.to_string(),
        })
    }
}

fn to_json(finding: &Finding, source: &Source) -> Value {
    let one = |at: &usize| source.payments.get(*at).map(payment);
    let all = |all: &[usize]| all.iter().filter_map(one).collect::<Vec<_>>();
    let person = |at: usize| source.people.get(at).map(|person| person.nickname.clone());
    let mut json = match finding {
        Finding::Twice { kept, dropped } => json!({"kept": all(kept), "dropped": all(dropped)}),
        Finding::OtherYear { payment, year } => json!({"payment": one(payment), "year": year}),
        Finding::NotDeductible { payment, kind, is_overridden } => {
            json!({"payment": one(payment), "kind": kind.code(), "overridden": is_overridden})
        }
        Finding::ReimbursedBeyondPaid { payment, surplus_yen } => {
            json!({"payment": one(payment), "surplus_yen": surplus_yen})
        }
        Finding::NoticeDiffers { receipts, notices, difference_yen } => {
            json!({"receipts": all(receipts), "notices": all(notices), "difference_yen": difference_yen})
        }
        Finding::NotSameLivelihood { person: at, payments } => {
            json!({"person": person(*at), "payments": payments.len()})
        }
        Finding::MissingMonths(months) => {
            json!({"months": months.iter().map(ToString::to_string).collect::<Vec<_>>()})
        }
        Finding::BothDeductions { medical_yen, self_medication_yen } => {
            json!({"medical_yen": medical_yen, "self_medication_yen": self_medication_yen})
        }
        Finding::FormLimit(FormLimit::Rows { count, most }) => json!({"limit": "rows", "rows": count, "most": most}),
        Finding::FormLimit(FormLimit::Name { person: at, most }) => {
            json!({"limit": "name", "person": person(*at), "most": most})
        }
        Finding::FormLimit(FormLimit::Institution { payment, most }) => {
            json!({"limit": "institution", "payment": one(payment), "most": most})
        }
        Finding::FormLimit(FormLimit::Amount { payment }) => json!({"limit": "amount", "payment": one(payment)}),
        Finding::HighCostExpected { month, payments, refund_yen, is_planned } => json!({
            "month": month.to_string(), "payments": payments.len(), "refund_yen": refund_yen, "planned": is_planned,
        }),
        Finding::HighCostUnknown { month, payments, .. } => {
            json!({"month": month.to_string(), "payments": payments.len(), "refund_yen": null})
        }
    };
    json["finding"] = finding.rule().into();
    json
}

/// A payment, so that it is found again.
fn payment(payment: &Payment) -> Value {
    let day = payment.paid_on.map(|day| day.to_string());
    json!({
        "date": day.or_else(|| payment.treatment_month.map(|month| month.to_string())),
        "institution": payment.institution,
        "yen": payment.amount_yen().map(|(yen, _)| yen),
    })
}
