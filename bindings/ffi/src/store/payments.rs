//! Payments that no server knows.

use kazasu::insurance::{self, YearMonth};
use kazasu::store as core;

use super::records::day;
use super::{Store, member_id, mirror, usage};
use crate::error::KazasuError;

mirror! {
    /// 診療区分 of the expense notice, and the kinds a user can add.
    ExpenseKind of kazasu::insurance::ExpenseKind {
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
        /// Anything else.
        Other,
    }
}

/// Where payments come from; the log tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum PaymentSource {
    /// The user typed them.
    Entered,
    /// A file.
    Imported,
}

/// One payment to one institution. Amounts are whole yen, 0 to 999,999,999.
#[derive(Clone, uniffi::Record)]
pub struct Payment {
    /// Id of the line or entry it comes from: the same one replaces what was kept.
    pub source_id: String,
    /// Number of the line within that source.
    #[uniffi(default = 0)]
    pub row: u32,
    /// Kind of care.
    pub kind: ExpenseKind,
    /// Name of the institution, 1 to 100 characters.
    pub institution: String,
    /// Month of treatment 診療月, `YYYY-MM`.
    #[uniffi(default = None)]
    pub treatment_month: Option<String>,
    /// Day of payment, `YYYY-MM-DD`, where the user knows it.
    #[uniffi(default = None)]
    pub paid_on: Option<String>,
    /// What the receipt says: wins over the notice.
    #[uniffi(default = None)]
    pub receipt_yen: Option<i64>,
    /// 窓口相当負担額 of the notice.
    #[uniffi(default = None)]
    pub notice_yen: Option<i64>,
    /// 補填される金額.
    #[uniffi(default = 0)]
    pub reimbursed_yen: i64,
    /// 医療費の総額.
    #[uniffi(default = None)]
    pub total_cost_yen: Option<i64>,
}

/// A payment that was kept.
#[derive(Clone, uniffi::Record)]
pub struct StoredPayment {
    /// Which.
    pub id: Vec<u8>,
    /// The payment.
    pub payment: Payment,
}

#[uniffi::export]
impl Store {
    /// Keeps payments, all of them or none; tells how many were not there before. Fails with `MyNumberSuspected` for an
    /// institution that looks like one, with `Usage` for values outside their range.
    pub fn put_payments(
        &self,
        member: String,
        payments: Vec<Payment>,
        source: PaymentSource,
    ) -> Result<u32, KazasuError> {
        let member = member_id(&member)?;
        let payments = payments.into_iter().map(core_payment).collect::<Result<Vec<_>, _>>()?;
        let event = match source {
            PaymentSource::Entered => core::Event::PaymentChanged,
            PaymentSource::Imported => core::Event::Imported,
        };
        self.with(|store| store.put_payments(member, &payments, event))
    }

    /// A member's payments, in no order of theirs.
    pub fn payments(&self, member: String) -> Result<Vec<StoredPayment>, KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| {
            let mut payments = Vec::new();
            store.visit_payments(member, |one| {
                payments.push(StoredPayment { id: one.id.to_bytes().to_vec(), payment: one.payment.into() });
                Ok(true)
            })?;
            Ok(payments)
        })
    }

    /// Deletes a payment; tells whether there was one.
    pub fn delete_payment(&self, member: String, id: Vec<u8>) -> Result<bool, KazasuError> {
        let member = member_id(&member)?;
        let id = core::PaymentId::from_bytes(&id).ok_or_else(|| usage("not a payment's id"))?;
        self.with(|store| store.delete_payment(member, id))
    }
}

fn core_payment(ffi: Payment) -> Result<insurance::Payment, KazasuError> {
    let month = |text: &str| YearMonth::parse(text).ok_or_else(|| usage("a month is written YYYY-MM"));
    Ok(insurance::Payment {
        source_id: ffi.source_id,
        row: ffi.row,
        person: 0,
        kind: ffi.kind.into(),
        institution: ffi.institution,
        treatment_month: ffi.treatment_month.as_deref().map(month).transpose()?,
        paid_on: ffi.paid_on.as_deref().map(day).transpose()?,
        receipt_yen: ffi.receipt_yen,
        notice_yen: ffi.notice_yen,
        reimbursed_yen: ffi.reimbursed_yen,
        total_cost_yen: ffi.total_cost_yen,
    })
}

impl From<insurance::Payment> for Payment {
    fn from(core: insurance::Payment) -> Self {
        Self {
            source_id: core.source_id,
            row: core.row,
            kind: core.kind.into(),
            institution: core.institution,
            treatment_month: core.treatment_month.map(|month| month.to_string()),
            paid_on: core.paid_on.map(|day| day.to_string()),
            receipt_yen: core.receipt_yen,
            notice_yen: core.notice_yen,
            reimbursed_yen: core.reimbursed_yen,
            total_cost_yen: core.total_cost_yen,
        }
    }
}
