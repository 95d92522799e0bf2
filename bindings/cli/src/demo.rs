//! `kazasu demo`: the main job with the embedded card and the embedded sandbox, step by step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kazasu::card::UserAuthenticationPin;
use kazasu::fhir::Record;
use kazasu::iso7816::TracedTransport;
use kazasu::jose::dpop::{DeviceKey, SoftwareDeviceKey};
use kazasu::qualify::{Notice, QualifyClient, RecordKind, Settings, Suspended};
use kazasu::session::{self, Member, Qualified, TapStep};
use kazasu_card_sim::{SimTransport, people};
use kazasu_sandbox::{LogTarget, Options, Sandbox};
use serde_json::{Value, json};

use crate::answer;
use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::tap;
use crate::{access, demo_family, demo_tasks, duplicates, link, records};

/// What is shown to the user before the PIN.
const NOTICE: &str = "資格情報を、本人の確認のために表示します。";

pub(crate) fn run(global: &Global, output: Output) -> Result<(), Failure> {
    if global.reader.is_some() || global.config.is_some() || global.pin_stdin {
        return Err(Failure::usage("demo has its own card, server and PIN: drop --reader, --config and --pin-stdin"));
    }
    let person = people::person(global.person.unwrap_or(1)).ok_or_else(|| Failure::usage("--person: 1 to 10"))?;
    let profile = global.sim.as_deref().unwrap_or("today");
    let mut steps = Steps::new(output);
    output.line(output.say(
        "Kazasu デモ：模擬カード（見本の人物）と、この中で動く模擬サーバー",
        "Kazasu demo: a simulated card (a sample person) and a server inside this process",
    ));

    let sandbox = kazasu_sandbox::start(Options { log: LogTarget::Silent, ..Options::default() })
        .map_err(|error| Failure::usage(format!("sandbox: {error}")))?;
    steps.done("sandbox", "模擬サーバーを起動（TLS 1.3のみ）", "sandbox listens, TLS 1.3 only");
    let chip = link::simulated_card(profile, person.number, global.sim_state.as_deref())?;
    steps.done("card", "模擬カードを発行", "simulated card issued");

    let client = Arc::new(QualifyClient::with_ring(&settings(&sandbox, person.number), tap::language(output))?);
    let key: Arc<dyn DeviceKey> = Arc::new(SoftwareDeviceKey::generate()?);
    let awaiting = session::begin(Arc::clone(&client), Member::new(Arc::clone(&key)))?;
    steps.done("begin", "接続・探索・ナンス取得", "connection, discovery, nonce");

    let pin = UserAuthenticationPin::parse(person.pins.authentication.as_bytes())?;
    let mut exchanges = 0;
    let link = link::traced(Box::new(SimTransport::tap(chip)), global)?;
    let mut transport = TracedTransport::new(link, |_| exchanges += 1);
    let tapped = awaiting.tap(&mut transport, pin, global.last_attempt(), &mut |step| match step {
        TapStep::CardFound => steps.done("card_found", "カードをかざす", "card tapped"),
        TapStep::CertificateChecked => steps.done("certificate", "証明書を確認", "certificate checked"),
        TapStep::PinVerified => {
            steps.done("pin", "暗証番号を確認（残り回数を先に確認）", "PIN right (tries asked first)")
        }
        TapStep::Signed => steps.done("signed", "カード内で署名・検証", "signed inside the card, verified"),
    });
    drop(transport);
    let mut signed = tapped.map_err(|failed| failed.error)?;
    let qualified = signed.finish()?;
    steps.done("finish", "トークン取得・資格照会", "token and eligibility");
    let (certificate, capabilities) = (signed.certificate().clone(), signed.capabilities());
    let mut access = signed.into_access()?;
    let found = records::read(&mut access, &RecordKind::ALL, None)?;
    steps.done("records", "健康医療情報を取得", "health records");
    let second = demo_family::second_person(person)?;
    let other_client = QualifyClient::with_ring(&settings(&sandbox, second.number), tap::language(output))?;
    let (other_card, other_answer) = demo_family::tap(Arc::new(other_client), second, global)?;
    steps.done("second_card", "二人目のカードをかざし、資格照会", "second card tapped, eligibility");
    let first = demo_family::Read { certificate: &certificate, capabilities, qualified: &qualified, person };
    let other = demo_family::Read {
        certificate: other_card.certificate(),
        capabilities: other_card.capabilities(),
        qualified: &other_answer,
        person: second,
    };
    let family = demo_family::keep(&first, &other, &found.records)?;
    steps.done("family", "家族の保存・家計簿への書き出し・記録の検証", "family stored, exported, log verified");
    let registration = demo_tasks::register(&mut access)?;
    steps.done("registration", "利用登録を申し込み、完了まで確認", "registration, followed to its end");
    let suspended = demo_tasks::suspend(&mut access, client, key)?;
    steps.done("suspension", "カードなしで一時利用停止", "access stopped, without the card");
    let after = After { found: &found.records, family, registration, suspended };
    summarise(&qualified, &after, &sandbox, exchanges, &steps, output);
    sandbox.stop();
    Ok(())
}

fn settings(sandbox: &Sandbox, person: u8) -> Settings {
    let mut settings = without_records(sandbox, person);
    access::ask_for(&mut settings, &access::ALL_SCOPES);
    settings
}

fn without_records(sandbox: &Sandbox, person: u8) -> Settings {
    // Sending the consent to the limit certificate is a choice; person 1 made it.
    let consents = if person == 1 || person == 9 { vec!["limit-certificate".to_owned()] } else { Vec::new() };
    Settings {
        issuer: sandbox.issuer().to_owned(),
        fhir_base: sandbox.fhir_base().to_owned(),
        client_id: "jp.example.kazasu-demo".to_owned(),
        tls_roots: vec![sandbox.tls_root_der().to_vec()],
        card_roots: sandbox.card_roots_der(),
        pins: sandbox.pins(),
        pins_not_after: sandbox.pins_not_after(),
        notice: Notice { id: "demo-1".to_owned(), text: NOTICE.to_owned() },
        consents,
        ..Settings::default()
    }
}

/// What was done after the eligibility was known.
struct After<'a> {
    found: &'a [Record],
    family: demo_family::Kept,
    registration: demo_tasks::Registration,
    suspended: Suspended,
}

fn summarise(
    qualified: &Qualified,
    after: &After<'_>,
    sandbox: &Sandbox,
    exchanges: u32,
    steps: &Steps,
    output: Output,
) {
    let counters = sandbox.counters();
    let pairs = duplicates::find(after.found);
    output.line("");
    if output.json {
        let mut object = answer::to_json(qualified);
        object["steps"] = steps.as_json();
        object["card_exchanges"] = exchanges.into();
        object["records"] = after.found.len().into();
        object["duplicates"] = duplicates::to_json(&pairs);
        (object["registration"], object["suspension"]) = demo_tasks::to_json(&after.registration, &after.suspended);
        object["family"] = demo_family::to_json(&after.family);
        object["assertions_accepted"] = json!(counters.assertions_accepted);
        object["connections"] = json!(counters.connections);
        output.object(&object);
        return;
    }
    answer::print(qualified, output);
    output.line("");
    output.line(output.say("健康医療情報（新しい順、5件）", "Health records (newest five)"));
    for record in after.found.iter().take(5) {
        output.line(format!("  {}", records::line(record, output)));
    }
    output.line(format!("  … {} {}", after.found.len(), output.say("件", "in all")));
    if !pairs.is_empty() {
        output.line("");
        duplicates::print(&pairs, 1, output);
    }
    demo_family::print(&after.family, output);
    demo_tasks::print(&after.registration, &after.suspended, output);
    output.line("");
    output.field(output.say("カードとのやり取り", "Card exchanges"), &exchanges.to_string());
    output.field(
        output.say("サーバーの記録", "The sandbox counts"),
        &format!(
            "{} {} · {} {}",
            output.say("受理した署名", "assertions accepted:"),
            counters.assertions_accepted,
            output.say("接続", "connections:"),
            counters.connections,
        ),
    );
}

/// Times each step from the end of the one before.
struct Steps {
    output: Output,
    since: Instant,
    times: Vec<(&'static str, Duration)>,
}

impl Steps {
    fn new(output: Output) -> Self {
        Self { output, since: Instant::now(), times: Vec::new() }
    }

    fn done(&mut self, name: &'static str, ja: &'static str, en: &'static str) {
        let took = self.since.elapsed();
        self.since = Instant::now();
        self.times.push((name, took));
        let ms = format!("{:.1} ms", took.as_secs_f64() * 1000.0);
        self.output.line(format!("{:2}. {ms:>10}  {}", self.times.len(), self.output.say(ja, en)));
    }

    fn as_json(&self) -> Value {
        self.times.iter().map(|(name, took)| json!({"step": name, "ms": took.as_secs_f64() * 1000.0})).collect()
    }
}
