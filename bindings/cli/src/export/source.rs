//! Payments of a notice that was downloaded from マイナポータル.

use std::path::Path;

use kazasu::export::{MAX_NOTICE_BYTES, NoticeImport};
use kazasu::insurance::{Payment, Person, YearMonth};
use serde_json::{Value, json};

use crate::args::ExportArguments;
use crate::failure::Failure;
use crate::family::Expenses;

/// Payments, whose they are, and what was found while reading them.
pub(super) struct Source {
    pub(super) people: Vec<Person>,
    pub(super) payments: Vec<Payment>,
    pub(super) findings: Vec<Value>,
    /// What was read, for machines.
    pub(super) read: Value,
    /// The store they come from; a notice tells of the months in it alone.
    arrived: Option<Expenses>,
}

impl Source {
    /// Of the file `--from`.
    pub(super) fn of_notice(path: &Path, arguments: &ExportArguments) -> Result<Self, Failure> {
        let notice = NoticeImport::parse(&super::read(path, MAX_NOTICE_BYTES)?, 0, &arguments.nickname)?;
        let name = match arguments.name.as_slice() {
            [] => None,
            [name] => Some(name.rsplit('=').next().unwrap_or(name).to_owned()),
            _ => return Err(Failure::usage("--name: a notice is of one person")),
        };
        Ok(Self {
            people: vec![Person { nickname: arguments.nickname.clone(), name, shares_livelihood: true }],
            findings: notice.findings.iter().map(|one| json!({"finding": one.name(), "line": one.line()})).collect(),
            read: json!({
                "payments": notice.payments.len(), "encoding": notice.encoding.name(), "insurer": notice.insurer,
            }),
            payments: notice.payments,
            arrived: None,
        })
    }

    /// Of members in the store, with the real names of `--name NICKNAME=NAME`.
    pub(super) fn of_store(mut expenses: Expenses, names: &[String]) -> Result<Self, Failure> {
        for entry in names {
            let (nickname, name) = entry.split_once('=').ok_or_else(|| Failure::usage("--name NICKNAME=NAME"))?;
            let person = expenses.people.iter_mut().find(|person| person.nickname == nickname);
            person.ok_or_else(|| Failure::usage(format!("--name: nobody here is called {nickname}")))?.name =
                Some(name.to_owned());
        }
        Ok(Self {
            people: expenses.people.clone(),
            payments: expenses.payments.clone(),
            findings: Vec::new(),
            read: Value::Null,
            arrived: Some(expenses),
        })
    }

    /// Whether the notice of a month has come.
    pub(super) fn has_arrived(&self, person: usize, month: YearMonth) -> bool {
        match &self.arrived {
            Some(expenses) => expenses.has_arrived(person, month),
            None => self.payments.iter().any(|payment| payment.treatment_month == Some(month)),
        }
    }
}
