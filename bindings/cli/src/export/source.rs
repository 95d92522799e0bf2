//! Payments of a notice that was downloaded from マイナポータル.

use std::path::Path;

use kazasu::export::{MAX_NOTICE_BYTES, NoticeImport};
use kazasu::insurance::{Payment, Person, YearMonth};
use serde_json::{Value, json};

use crate::args::ExportArguments;
use crate::failure::Failure;
use crate::family::Expenses;
use crate::files;

/// Payments, whose they are, and what was found while reading them.
pub(super) struct Source {
    pub(super) people: Vec<Person>,
    pub(super) payments: Vec<Payment>,
    pub(super) findings: Vec<Value>,
    /// What was read, for machines.
    pub(super) read: Value,
    /// For each person: category of the limit for 高額療養費, and whose insurance it is; empty where nobody's is known.
    pub(super) insured: Vec<Option<(String, u32)>>,
    /// The store they come from; a notice tells of the months in it alone.
    arrived: Option<Expenses>,
}

impl Source {
    /// Of the file `--from`.
    pub(super) fn of_notice(path: &Path, arguments: &ExportArguments) -> Result<Self, Failure> {
        let notice = NoticeImport::parse(&files::read_beyond(path, MAX_NOTICE_BYTES)?, 0, &arguments.nickname)?;
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
            insured: Vec::new(),
            arrived: None,
        })
    }

    /// Of members in the store, with the real names of `--name NICKNAME=NAME`.
    pub(super) fn of_store(
        mut expenses: Expenses,
        names: &[String],
        insured: Vec<Option<(String, u32)>>,
    ) -> Result<Self, Failure> {
        for entry in names {
            // A nickname may have a = of its own.
            let of = |person: &Person| Some(entry.strip_prefix(&person.nickname)?.strip_prefix('=')?.to_owned());
            let named = expenses.people.iter_mut().filter_map(|person| Some((of(person)?, person)));
            let (name, person) = named.max_by_key(|(_, person)| person.nickname.len()).ok_or_else(|| {
                Failure::usage(format!("--name {entry}: none of these members"))
                    .advise("--name は「呼び名=氏名」の形で指定してください", "Please give --name as NICKNAME=NAME.")
            })?;
            person.name = Some(name);
        }
        Ok(Self {
            people: expenses.people.clone(),
            payments: expenses.payments.clone(),
            findings: Vec::new(),
            read: Value::Null,
            insured,
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
