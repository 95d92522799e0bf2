//! Writes one of every export into a folder, for readers that are no part of this project: `exports FOLDER`.
//!
//! `cells.json` has the cells of each table as they are to be read, `cp932.json` the bytes of every character,
//! `reminders.json` the dates of the calendar.

use std::fs::File;
use std::path::{Path, PathBuf};

use kazasu::export::*;
use kazasu::insurance::{ExpenseKind, Payment, Person, YearMonth};
use kazasu::time::{CalendarDate, UnixMillis};
use serde_json::{Value, json};

/// What a hostile or careless institution could be called, and what a reader must see.
const INSTITUTIONS: [(&str, &str); 9] = [
    ("みほん内科クリニック", "みほん内科クリニック"),
    ("=HYPERLINK(\"http://x\",\"y\")", "'=HYPERLINK(\"http://x\",\"y\")"),
    ("@SUM(1+1)", "'@SUM(1+1)"),
    ("－１", "'－１"),
    ("\t=1", "'=1"),
    (" +1", "'+1"),
    ("甲,乙 \"丙\"", "甲,乙 \"丙\""),
    ("二行の\r\n薬局\u{202e}\u{200b}", "二行の 薬局"),
    ("①㈱髙﨑～医院", "①㈱髙﨑～医院"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("exports FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    let cells = tables(&folder)?;
    save(&folder, "cells.json", &cells)?;
    let characters: serde_json::Map<String, Value> = cp932_characters()
        .map(|(c, bytes)| (c.to_string(), bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()))
        .collect();
    save(&folder, "cp932.json", &Value::Object(characters))?;
    save(&folder, "reminders.json", &calendar(&folder)?)?;
    bundles(&folder)?;
    Ok(())
}

fn save(folder: &Path, name: &str, value: &Value) -> Result<(), Box<dyn std::error::Error>> {
    Ok(std::fs::write(folder.join(name), value.to_string())?)
}

/// Every layout in every encoding, and the cells they hold.
fn tables(folder: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let people = [Person { nickname: "花子".into(), name: Some("見本 花子".into()), shares_livelihood: true }];
    let payments: Vec<Payment> =
        (0..).zip(INSTITUTIONS).map(|(row, (institution, _))| payment(row, institution)).collect();
    let history: Vec<QualificationRow> =
        (0..).zip(INSTITUTIONS).map(|(row, (insurer, _))| check(row, insurer)).collect();
    let id = |row| stable_id("eob-202610-01", row);
    let rows = |cells: &dyn Fn(u32, &str) -> Vec<String>| -> Vec<Vec<String>> {
        (0..).zip(INSTITUTIONS).map(|(row, (_, shown))| cells(row, shown)).collect()
    };
    let strings = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
    for encoding in [Encoding::Utf8Bom, Encoding::Utf8, Encoding::Cp932] {
        let file = Options { encoding, unencodable: Unencodable::Refuse };
        let options = HouseholdOptions { file, people: &people, include_names: false, account: None };
        let open = |kind: &str| File::create(folder.join(format!("{kind}.{}.csv", encoding.name())));
        write_history(&history, file, &mut open("history")?)?;
        write_money_forward(&payments, &options, &mut open("money-forward")?)?;
        write_zaim(&payments, &options, &mut open("zaim")?)?;
        write_household(&payments, &options, &mut open("household")?)?;
    }
    Ok(json!({
        "history": rows(&|row, shown| strings(&["2026-11-20 10:15:05", "花子", "家族", "06139992", shown, "1", "有効", "30", "A03",
            "2024-04-01", "", "カード", "K7Q2-9M4D-13XA", "OK", &id(row)])),
        "money-forward": rows(&|row, shown| strings(&["1", "2026/10/31", shown, "-1785", "現金", "健康・医療", "医療費",
            "花子 医科外来 通知額", "0", &id(row)])),
        "zaim": rows(&|row, shown| strings(&["2026-10-31", "payment", "医療・保険", "病院代", "お財布", "-", "医科外来",
            &format!("花子 通知額 {}", id(row)), shown, "JPY", "0", "1785", "0", "0", "", "常に集計に含める"])),
        "household": rows(&|row, shown| strings(&["2026-10-31", "1785", "0", "医療費", "現金",
            &format!("花子 医科外来 {} 通知額", shown.trim_start_matches('\'')), &id(row)])),
    }))
}

fn payment(row: u32, institution: &str) -> Payment {
    Payment {
        source_id: "eob-202610-01".into(),
        row,
        person: 0,
        kind: ExpenseKind::MedicalOutpatient,
        institution: institution.into(),
        treatment_month: YearMonth::new(2026, 10),
        paid_on: None,
        receipt_yen: None,
        notice_yen: Some(1785),
        reimbursed_yen: 0,
        total_cost_yen: Some(5950),
    }
}

fn check(row: u32, insurer: &str) -> QualificationRow {
    QualificationRow {
        source_id: "eob-202610-01".into(),
        row,
        checked_at: UnixMillis::from_seconds(1_795_137_305),
        person: "花子".into(),
        is_dependent: Some(true),
        insurer_number: Some("06139992".into()),
        insurer: Some(insurer.into()),
        validity_code: Some("1".into()),
        validity: Some("有効".into()),
        copay_percent: Some(30),
        limit_category: Some("A03".into()),
        acquired: CalendarDate::parse("2024-04-01"),
        lost: None,
        method: CheckMethod::Card,
        proof: Some("K7Q2-9M4D-13XA".into()),
        code: None,
    }
}

fn calendar(folder: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let long = "内服 １日３回 朝昼夕食後 14日分; 水, またはぬるま湯で\\飲む。\n".repeat(6);
    let directions = "内服 １日３回 朝昼夕食後 14日分";
    let medication = ReminderKind::Medication { days: 14, hours: dosage_hours(directions).unwrap_or_default() };
    let kinds = [
        (ReminderKind::CertificateExpiry, "2026-11-20", None),
        (ReminderKind::CardExpiry, "2031-11-20", None),
        (ReminderKind::CheckupDue, "2027-06-01", None),
        (ReminderKind::VaccineDue, "2027-10-01", Some("インフルエンザ".to_owned())),
        (medication, "2026-11-10", Some(long)),
        (ReminderKind::ReceiptsKeptUntil, "2032-03-15", None),
    ];
    let mut reminders = Vec::new();
    for (kind, date, detail) in kinds {
        let date = CalendarDate::parse(date).ok_or("a date")?;
        reminders.push(Reminder { source_id: "m1".into(), kind, person: "花子,太郎".into(), date, detail });
    }
    let out = &mut File::create(folder.join("calendar.ics"))?;
    write_calendar(&reminders, UnixMillis::from_seconds(1_795_137_303), out)?;
    let told = |one: &Reminder| {
        let detail = one.detail.as_ref().map(|text| text.trim_end().replace('\n', " "));
        json!({"date": one.date.to_string(), "detail": detail, "person": one.person})
    };
    Ok(reminders.iter().map(told).collect())
}

/// The worked messages of the wire as records of one person, with and without what identifies them.
fn bundles(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let wire = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/wire");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(wire)?.map(|file| file.map(|file| file.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut resources = vec![json!({"resourceType": "Patient", "id": "p-7f3a91", "name": [{"text": "見本 花子"}],
        "identifier": [{"system": "urn:example:mynumber", "value": "123456789018"}], "birthDate": "1990-01-01",
        "gender": "female"})];
    for file in files {
        let value: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let is_record =
            !matches!(value["resourceType"].as_str(), None | Some("Parameters" | "Bundle" | "OperationOutcome"));
        resources.extend(is_record.then_some(value));
    }
    for (name, include) in [("bundle.json", false), ("bundle-with-identifiers.json", true)] {
        let options = BundleOptions {
            include_identifiers: include,
            include_names: include,
            nickname: "はな",
            names: &["見本 花子"],
        };
        let out = &mut File::create(folder.join(name))?;
        write_bundle(&resources, UnixMillis::from_seconds(1_795_137_303), &options, out)?;
    }
    Ok(())
}
