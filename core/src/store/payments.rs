//! Payments that no server knows: receipts the user entered, lines imported from a file.

use serde_json::json;

use super::event::Event;
use super::file::Visit;
use super::keys::{Holder, MemberId};
use super::schema::Table;
use super::{Store, text, under};
use crate::error::{Error, StoreFault};
use crate::insurance::{ExpenseKind, Payment, YearMonth};
use crate::json as border;
use crate::time::CalendarDate;

/// Longest name of an institution, in characters.
const LONGEST_NAME: usize = 100;
/// More than anybody pays at once, in yen: the limit of the tax form.
const LARGEST_AMOUNT: i64 = 999_999_999;

/// Which payment of a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PaymentId([u8; 16]);

impl PaymentId {
    /// What [`PaymentId::from_bytes`] reads.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Reads [`PaymentId::to_bytes`]; `None` for another length. One of no payment finds nothing.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// A payment that was kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredPayment {
    /// Which.
    pub id: PaymentId,
    /// The payment; its `person` is 0.
    pub payment: Payment,
}

impl Store {
    /// Keeps payments, in one transaction. One with the source id and row of a kept payment replaces it, so that a file can
    /// be imported twice. Tells how many were not there before.
    ///
    /// # Errors
    /// [`Error::MyNumberSuspected`] for an institution that looks like one; [`Error::Usage`] for amounts outside 0 to
    /// 999,999,999 yen, names over 100 characters or a member who is not registered; [`Error::Store`].
    pub fn put_payments(&mut self, member: MemberId, payments: &[Payment], event: Event) -> Result<u32, Error> {
        let holder = Holder::Member(member);
        let rows = payments.iter().map(to_bytes).collect::<Result<Vec<_>, _>>()?;
        self.write(|tx| {
            let mut new: u32 = 0;
            for (payment, row) in payments.iter().zip(&rows) {
                let source = [payment.source_id.as_bytes(), b"\0", &payment.row.to_be_bytes()].concat();
                let id = tx.ring.blind(holder, Table::Payments, &source)?;
                let key = [holder.bytes(), &id].concat();
                new = new.saturating_add(u32::from(tx.writer.get(Table::Payments, &key)?.is_none()));
                tx.put(holder, Table::Payments, &key, row)?;
            }
            tx.log(event, Some(member), Ok(()), 0)?;
            Ok(new)
        })
    }

    /// Shows a member's payments one at a time, in no order of theirs, until `visit` answers `false`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`], and those of `visit`.
    pub fn visit_payments(
        &self,
        member: MemberId,
        mut visit: impl FnMut(StoredPayment) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        self.read(|view| {
            view.visit(holder, Table::Payments, &under(holder.bytes()), |key, value| {
                let damaged = StoreFault::Damaged { what: Table::Payments.name() };
                let id = key.get(16..).and_then(|id| id.try_into().ok()).map(PaymentId).ok_or(damaged)?;
                let more = visit(StoredPayment { id, payment: parse(value).ok_or(damaged)? })?;
                Ok(if more { Visit::Next } else { Visit::Stop })
            })
        })
    }

    /// Deletes a payment; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`].
    pub fn delete_payment(&mut self, member: MemberId, id: PaymentId) -> Result<bool, Error> {
        let holder = Holder::Member(member);
        self.write(|tx| {
            let removed = tx.remove(Table::Payments, &[holder.bytes(), &id.0].concat())?;
            tx.log(Event::PaymentChanged, Some(member), Ok(()), 0)?;
            Ok(removed)
        })
    }
}

fn to_bytes(payment: &Payment) -> Result<Vec<u8>, Error> {
    let institution = text::checked(&payment.institution, LONGEST_NAME)?;
    let amounts = [payment.receipt_yen, payment.notice_yen, Some(payment.reimbursed_yen), payment.total_cost_yen];
    if amounts.into_iter().flatten().any(|yen| !(0..=LARGEST_AMOUNT).contains(&yen)) {
        return Err(Error::usage("amounts are 0 to 999,999,999 yen"));
    }
    let json = json!({
        "source_id": payment.source_id,
        "row": payment.row,
        "kind": payment.kind.code(),
        "institution": institution,
        "treatment_month": payment.treatment_month.map(|month| month.to_string()),
        "paid_on": payment.paid_on.map(|day| day.to_string()),
        "receipt_yen": payment.receipt_yen,
        "notice_yen": payment.notice_yen,
        "reimbursed_yen": payment.reimbursed_yen,
        "total_cost_yen": payment.total_cost_yen,
    });
    Ok(json.to_string().into_bytes())
}

fn parse(bytes: &[u8]) -> Option<Payment> {
    let json = border::parse_own(bytes)?;
    let text = |name: &str| json.get(name)?.as_str();
    let yen = |name: &str| json.get(name)?.as_i64();
    Some(Payment {
        source_id: text("source_id")?.to_owned(),
        row: json.get("row")?.as_u64()?.try_into().ok()?,
        person: 0,
        kind: ExpenseKind::from_code(text("kind")?),
        institution: text("institution")?.to_owned(),
        treatment_month: text("treatment_month").and_then(YearMonth::parse),
        paid_on: text("paid_on").and_then(CalendarDate::parse),
        receipt_yen: yen("receipt_yen"),
        notice_yen: yen("notice_yen"),
        reimbursed_yen: yen("reimbursed_yen")?,
        total_cost_yen: yen("total_cost_yen"),
    })
}
