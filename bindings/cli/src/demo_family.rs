//! The family in the demo: two members in an encrypted store of their own, and what can be made of it.

use std::sync::Arc;

use kazasu::card::{Certificate, UserAuthenticationPin};
use kazasu::export::{ExportKind, HouseholdOptions, Options, write_money_forward};
use kazasu::fhir::Record;
use kazasu::iso7816::CardCapabilities;
use kazasu::jose::dpop::{DeviceKey, SoftwareDeviceKey};
use kazasu::qualify::QualifyClient;
use kazasu::session::{self, Member, Qualified, Signed};
use kazasu::store::{Candidate, CheckedBy, LogVerdict, MemberId, Profile, Registered, Registration, Role};
use kazasu_card_sim::people::Person;
use kazasu_card_sim::{SimTransport, people};
use serde_json::{Value, json};

use crate::args::Global;
use crate::failure::Failure;
use crate::family::{self, Expenses, Family};
use crate::files::Folder;
use crate::link;
use crate::output::Output;

/// What was kept and written.
pub(crate) struct Kept {
    members: usize,
    records: u32,
    /// Rows of the household table.
    rows: u64,
    log_entries: u64,
}

/// Whose card was read.
pub(crate) struct Read<'a> {
    pub(crate) certificate: &'a Certificate,
    pub(crate) capabilities: CardCapabilities,
    pub(crate) qualified: &'a Qualified,
    pub(crate) person: &'a Person,
}

/// A child's card, unless that is whose card the demo shows: then an adult's.
pub(crate) fn second_person(first: &Person) -> Result<&'static Person, Failure> {
    let number = if first.number == 10 { 1 } else { 10 };
    people::person(number).ok_or_else(|| Failure::usage("the people of the demo are not there"))
}

/// Reads a second card, with a device key of its own.
pub(crate) fn tap(
    client: Arc<QualifyClient>,
    person: &Person,
    global: &Global,
) -> Result<(Signed, Qualified), Failure> {
    let profile = global.sim.as_deref().unwrap_or("today");
    let chip = link::simulated_card(profile, person.number, None)?;
    let key: Arc<dyn DeviceKey> = Arc::new(SoftwareDeviceKey::generate()?);
    let awaiting = session::begin(client, Member::new(key))?;
    let pin = UserAuthenticationPin::parse(person.pins.authentication.as_bytes())?;
    let mut transport = SimTransport::tap(chip);
    let tapped = awaiting.tap(&mut transport, pin, global.last_attempt(), &mut |_| {});
    let mut signed = tapped.map_err(|failed| failed.error)?;
    let qualified = signed.finish()?;
    Ok((signed, qualified))
}

/// Registers both, keeps the records of the first, writes them for a household tool and verifies the log.
pub(crate) fn keep(first: &Read<'_>, second: &Read<'_>, records: &[Record]) -> Result<Kept, Failure> {
    let folder = Folder::new()?;
    let mut family = Family::create_at(folder.path())?;
    let one = register(&mut family, first)?;
    register(&mut family, second)?;
    let saved = family.store.put_records(one, records)?;
    let members = family.store.members()?;
    let expenses = Expenses::of(&family, &members)?;
    let kind = ExportKind::MoneyForward;
    let options =
        HouseholdOptions { file: Options::of(kind), people: &expenses.people, include_names: false, account: None };
    let written = write_money_forward(&expenses.payments, &options, &mut std::io::sink())?;
    let LogVerdict::Whole { entries, .. } = family.store.verify()? else {
        return Err(kazasu::error::StoreFault::Damaged { what: "log" }.into());
    };
    family.close()?;
    Ok(Kept { members: members.len(), records: saved.new, rows: written.rows, log_entries: entries })
}

fn register(family: &mut Family, read: &Read<'_>) -> Result<MemberId, Failure> {
    family.store.check_room()?;
    let candidate = Candidate {
        certificate: read.certificate.der().to_vec(),
        capabilities: read.capabilities,
        name: Some(read.person.name.clone()),
        birth_date: None,
    };
    let nickname = read.person.name.split(['\u{3000}', ' ']).nth(1).unwrap_or("?");
    let role = if read.person.number == 10 { Role::LegalRepresentative } else { Role::Own };
    let (Registered::New(id) | Registered::Known(id)) = family.store.register(Registration {
        check: Some(family::check(CheckedBy::Card, &Ok(read.qualified.clone()))),
        ..Registration::new(candidate.confirm(), Profile::new(nickname, role))
    })?;
    Ok(id)
}

pub(crate) fn print(kept: &Kept, output: Output) {
    let both = |ja: &str, en: &str| output.say(ja, en).to_owned();
    output.line("");
    output.line(
        output.say("家族の保存（暗号化、デモの後に消去）", "The family's store (encrypted, deleted after the demo)"),
    );
    output.field(output.say("登録", "Members"), &format!("{}{}", kept.members, both("人", "")));
    output.field(output.say("記録", "Records"), &format!("{}{}", kept.records, both("件", "")));
    output.field(output.say("家計簿への書き出し", "Rows for household"), &format!("{}{}", kept.rows, both("行", "")));
    let entries = kept.log_entries;
    output.field(
        output.say("アクセス記録", "Access log"),
        &match output.say("ja", "en") {
            "ja" => format!("{entries}件、改ざんなし"),
            _ => format!("{entries} entries, unchanged"),
        },
    );
}

pub(crate) fn to_json(kept: &Kept) -> Value {
    json!({
        "members": kept.members,
        "records": kept.records,
        "exported_rows": kept.rows,
        "log_entries": kept.log_entries,
    })
}
