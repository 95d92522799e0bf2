//! `kazasu payment`: receipts, and the expense notice of マイナポータル, kept for a member.

use kazasu::export::{MAX_NOTICE_BYTES, NoticeImport};
use kazasu::insurance::{ExpenseKind, Payment, YearMonth};
use kazasu::store::{Event, StoredPayment};
use kazasu::time::{CalendarDate, Clock, SystemClock};
use serde_json::{Value, json};

use crate::args::{Global, Lang, PaymentAddArguments, PaymentCommand};
use crate::failure::Failure;
use crate::family::{MemberKeeper, needs_member};
use crate::output::{COLUMNS, Output, fitted, padded, shown};
use crate::report::{grouped, kind_words};
use crate::{ask, export, files};

pub(crate) fn run(command: &PaymentCommand, global: &Global, output: Output) -> Result<(), Failure> {
    let nickname = global.member.as_deref().ok_or_else(|| needs_member("payment needs --member NICKNAME"))?;
    let keeper = MemberKeeper::open(global, nickname)?;
    match command {
        PaymentCommand::Add(arguments) => add(keeper, arguments, output),
        PaymentCommand::Import { file } => import(keeper, file, output),
        PaymentCommand::List => list(&keeper, output),
        PaymentCommand::Remove { number, yes } => remove(keeper, *number, *yes, output),
    }
}

fn add(mut keeper: MemberKeeper, arguments: &PaymentAddArguments, output: Output) -> Result<(), Failure> {
    let paid_on = CalendarDate::parse(&arguments.date).ok_or_else(|| Failure::usage("--date: YYYY-MM-DD"))?;
    let month =
        arguments.month.as_deref().map(|text| YearMonth::parse(text).ok_or_else(|| Failure::usage("--month: YYYY-MM")));
    let payment = Payment {
        source_id: format!("receipt-{}", SystemClock.now().0),
        row: 0,
        person: 0,
        kind: arguments.kind.into(),
        institution: arguments.institution.clone(),
        treatment_month: month.transpose()?,
        paid_on: Some(paid_on),
        receipt_yen: Some(arguments.yen),
        notice_yen: None,
        reimbursed_yen: arguments.reimbursed,
        total_cost_yen: None,
    };
    keeper.family.store.put_payments(keeper.member.id, std::slice::from_ref(&payment), Event::PaymentChanged)?;
    output.line(output.say("支払いを登録しました", "Payment kept"));
    output.line(format!("  {}", line(&payment, output)));
    output.object(&json!({"payment": to_json(&payment)}));
    keeper.family.close()
}

fn import(mut keeper: MemberKeeper, file: &std::path::Path, output: Output) -> Result<(), Failure> {
    let bytes = files::read_beyond(file, MAX_NOTICE_BYTES)?;
    let notice = NoticeImport::parse(&bytes, 0, &keeper.member.id.to_string())?;
    let new = keeper.family.store.put_payments(keeper.member.id, &notice.payments, Event::Imported)?;
    let all = notice.payments.len();
    output.line(format!("{} {all}", output.say("取り込んだ明細", "Lines taken in:")));
    output.line(format!("{} {new}", output.say("うち新しいもの", "New among them:")));
    let findings: Vec<Value> =
        notice.findings.iter().map(|one| json!({"finding": one.name(), "line": one.line()})).collect();
    export::show_findings(&findings, output);
    output.object(&json!({"payments": all, "new": new, "findings": findings}));
    keeper.family.close()
}

/// The payments in the order in which `list` shows and numbers them.
fn ordered(keeper: &MemberKeeper) -> Result<Vec<StoredPayment>, Failure> {
    let mut payments = Vec::new();
    keeper.family.store.visit_payments(keeper.member.id, |one| {
        payments.push(one);
        Ok(true)
    })?;
    payments.sort_by(|a, b| key(&a.payment).cmp(&key(&b.payment)));
    Ok(payments)
}

fn key(payment: &Payment) -> (String, &str, u32) {
    (day(payment), &payment.source_id, payment.row)
}

fn list(keeper: &MemberKeeper, output: Output) -> Result<(), Failure> {
    let payments = ordered(keeper)?;
    for (number, stored) in payments.iter().enumerate() {
        output.line(format!("{:>4}  {}", number + 1, line(&stored.payment, output)));
    }
    output.line(format!("{} {}", output.say("件数", "Payments:"), payments.len()));
    let payments: Vec<Value> = payments.iter().map(|stored| to_json(&stored.payment)).collect();
    output.object(&json!({"payments": payments}));
    Ok(())
}

fn remove(mut keeper: MemberKeeper, number: usize, yes: bool, output: Output) -> Result<(), Failure> {
    ask::can_ask(yes)?;
    let payments = ordered(&keeper)?;
    let found = number.checked_sub(1).and_then(|at| payments.get(at));
    let found = found.ok_or_else(|| {
        Failure::usage("no payment has this number").advise(
            "この番号の支払いはありません。kazasu payment list で確かめてください",
            "No payment has this number. Please look at: kazasu payment list",
        )
    })?;
    output.note(format!("  {}", line(&found.payment, output)));
    if !yes && !ask::agrees(output.say("この支払いを消しますか", "Delete this payment?"), output)? {
        output.object(&json!({"removed": null}));
        return Ok(());
    }
    keeper.family.store.delete_payment(keeper.member.id, found.id)?;
    output.line(output.say("消しました", "Deleted"));
    output.object(&json!({"removed": to_json(&found.payment)}));
    keeper.family.close()
}

/// Day of payment, else month of treatment.
fn day(payment: &Payment) -> String {
    let month = || payment.treatment_month.map(|month| month.to_string());
    payment.paid_on.map(|day| day.to_string()).or_else(month).unwrap_or_else(|| "----------".to_owned())
}

fn line(payment: &Payment, output: Output) -> String {
    let kind = padded(kind_words(payment.kind, output.lang != Lang::En), 20);
    let amount = payment.amount_yen().map_or_else(|| "?".to_owned(), |(yen, _)| grouped(yen.into()));
    fitted(&format!("{:<10}  {kind}{amount:>11}  {}", day(payment), shown(&payment.institution)), COLUMNS - 6)
}

fn to_json(payment: &Payment) -> Value {
    json!({
        "date": payment.paid_on.map(|day| day.to_string()),
        "month": payment.treatment_month.map(|month| month.to_string()),
        "kind": payment.kind.code(),
        "institution": payment.institution,
        "receipt_yen": payment.receipt_yen,
        "notice_yen": payment.notice_yen,
        "reimbursed_yen": payment.reimbursed_yen,
    })
}

impl From<crate::args::KindOfExpense> for ExpenseKind {
    fn from(kind: crate::args::KindOfExpense) -> Self {
        use crate::args::KindOfExpense as Kind;
        match kind {
            Kind::MedicalInpatient => Self::MedicalInpatient,
            Kind::MedicalOutpatient => Self::MedicalOutpatient,
            Kind::DentalInpatient => Self::DentalInpatient,
            Kind::DentalOutpatient => Self::DentalOutpatient,
            Kind::Pharmacy => Self::Pharmacy,
            Kind::HomeNursing => Self::HomeNursing,
            Kind::JudoTherapy => Self::JudoTherapy,
            Kind::Acupuncture => Self::Acupuncture,
            Kind::OverTheCounter => Self::OverTheCounter,
            Kind::NursingCare => Self::NursingCare,
            Kind::Transport => Self::Transport,
            Kind::Appliance => Self::Appliance,
            Kind::Vaccination => Self::Vaccination,
            Kind::Checkup => Self::Checkup,
            Kind::PrivateRoom => Self::PrivateRoom,
            Kind::Cosmetic => Self::Cosmetic,
            Kind::PrivateCar => Self::PrivateCar,
            Kind::Other => Self::Other,
        }
    }
}
