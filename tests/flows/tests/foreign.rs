//! A server that mixes people or requests up: whatever it changes in an answer, sealed or not, on the first page or a later
//! one, nothing of it is accepted or kept; and the right answer still is, in every form that FHIR lets a server write it.

use std::sync::{Arc, Mutex};

use kazasu::Error;
use kazasu::fhir::{ConsentKind, ConsentTerms, ConsentTo, Qualification, SuspensionReason};
use kazasu::jose::dpop::DeviceKey;
use kazasu::qualify::{Access, DEFAULT_SCOPE, Notice, RecordKind, Suspension};
use kazasu::session::{self, Member};
use kazasu::time::{CalendarDate, Clock};
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::mix_up::{self, Change};
use kazasu_flows::{Stage, card, figures, key, pin_of, tap};
use kazasu_sandbox::{LogTarget, Options, SealMode};
use serde_json::Value;

/// A sandbox with one person's access.
struct World {
    stage: Stage,
    person: u8,
    key: Arc<dyn DeviceKey>,
    access: Access,
    patient: String,
}

/// Rewrites answers from here on.
type Arm<'a> = &'a dyn Fn(&World);

/// What is asked: with the answers to come changed once it calls [`Arm`].
type Run = fn(&mut World, Arm<'_>) -> Result<(), Error>;

/// Something asked of the server, and which of its answers is changed.
struct Operation {
    name: &'static str,
    /// How the path of the changed answer ends.
    path: &'static str,
    /// Which answer to that path, from 0.
    nth: usize,
    switches: &'static [&'static str],
    person: u8,
    /// Texts of the answer that name the request, with another value; beside them the persons are changed.
    names: &'static [(&'static str, &'static str)],
    run: Run,
}

const fn operation(name: &'static str, path: &'static str, run: Run) -> Operation {
    Operation { name, path, nth: 0, switches: &[], person: 1, names: &[], run }
}

fn records(world: &mut World, arm: Arm<'_>, kind: RecordKind) -> Result<(), Error> {
    arm(world);
    world.access.records(kind, None).map(|found| assert!(!found.records.is_empty() && !found.is_partial))
}

fn consent(world: &mut World) -> Result<kazasu::fhir::Consent, Error> {
    let start = CalendarDate::in_japan(world.access.server_time());
    let to = ConsentTo::Providers(ConsentKind::Medication);
    let end = start.years_later(1);
    let terms = ConsentTerms { to, start, end, notice_sha256: NOTICE, policy: "https://hoken.example/policy/1" };
    let request = world.access.prepare_consent(&terms)?;
    world.access.give_consent(&request)
}

fn registration(world: &mut World) -> Result<kazasu::fhir::Task, Error> {
    let notice = Notice { id: "r-1".to_owned(), text: "健康保険証の利用登録をします。".to_owned() };
    let request = world.access.prepare_registration(&notice)?;
    world.access.register(&request)
}

/// The stop of a card whose means came with a tap. Whatever happens to the first answer, the means stay until a right one.
fn stop(world: &mut World, arm: Arm<'_>, look_first: bool) -> Result<(), Error> {
    world.stage.sandbox.resume(world.person);
    world.access = world.stage.access(world.person, &world.key)?;
    let saved = world.access.take_unsaved()?.expect("tokens");
    let now = world.stage.clock.now();
    let mut suspension = Suspension::prepare(&saved, SuspensionReason::Lost, Some(now), now)?;
    let client = || Arc::clone(&world.stage.client);
    if look_first {
        world.stage.arm("suspension-unconfirmed:1");
        assert!(!suspension.send(client(), Arc::clone(&world.key))?.is_confirmed);
    }
    arm(world);
    let first = suspension.send(client(), Arc::clone(&world.key)).map(|sent| assert!(sent.is_confirmed));
    if first.is_err() {
        world.stage.sandbox.rewrite(None);
        let mut kept = Suspension::restore(&suspension.to_saved())?;
        assert!(kept.send(client(), Arc::clone(&world.key))?.is_confirmed, "the means are still there");
    }
    first
}

/// A tap with what is known of the person; `wait` for an answer that takes its time.
fn qualify(world: &mut World, arm: Arm<'_>, wait: bool) -> Result<(), Error> {
    let member = Member { patient: Some(world.patient.clone()), ..Member::new(Arc::clone(&world.key)) };
    let awaiting = session::begin(Arc::clone(&world.stage.client), member)?;
    let card = card(Profile::Today, world.person);
    let mut signed = tap(awaiting, &mut SimTransport::tap(card), pin_of(world.person))?;
    arm(world);
    let mut answer = signed.finish()?;
    if wait {
        answer = signed.await_answer(&answer)?;
        assert_ne!(answer.eligibility.qualification(), Qualification::Pending);
    }
    Ok(())
}

const SMALL_PAGES: &[&str] = &["page-size=2"];
const PAGES: &[&str] = &["page-size=20"];
const NOTICE: &str = "ZrAgvl6m69odGi5kOC7GnVKRodjR3s4Wbc8nu9J6WXE";
const REQUEST: &str = "00000000-0000-4000-8000-000000000000";

fn operations() -> Vec<Operation> {
    let kinds: [(_, _, _, Run); 5] = [
        ("expenses", "/ExplanationOfBenefit/_search", "/ExplanationOfBenefit", |w, arm| {
            records(w, arm, RecordKind::Expense)
        }),
        ("medicines", "/MedicationDispense/_search", "/MedicationDispense", |w, arm| {
            records(w, arm, RecordKind::Medication)
        }),
        ("vaccinations", "/Immunization/_search", "/Immunization", |w, arm| records(w, arm, RecordKind::Immunization)),
        ("check-ups", "/Observation/_search", "/Observation", |w, arm| records(w, arm, RecordKind::Checkup)),
        ("access log", "/AuditEvent/_search", "/AuditEvent", |w, arm| records(w, arm, RecordKind::AccessLog)),
    ];
    let mut all = Vec::new();
    for (name, first, later, run) in kinds {
        all.push(operation(name, first, run));
        let switches = if later == "/Immunization" { SMALL_PAGES } else { PAGES };
        all.push(Operation { switches, ..operation(name, later, run) });
    }
    all.extend([
        operation("changes", "/Immunization/_search", |world, arm| {
            arm(world);
            world.access.changes(RecordKind::Immunization, None).map(drop)
        }),
        Operation {
            names: &[("/patient", "p-somebody-else")],
            ..operation("token of a tap", "/token", |world, arm| qualify(world, arm, false))
        },
        Operation {
            names: &[("/patient", "p-somebody-else")],
            ..operation("token renewed", "/token", |world, arm| {
                arm(world);
                world.access.refresh()
            })
        },
        Operation {
            names: &[("/patient", "p-somebody-else")],
            ..operation("token of a stop", "/token", |world, arm| stop(world, arm, false))
        },
        Operation {
            names: &[("/request/identifier/value", REQUEST), ("/request/reference", "Task/1")],
            ..operation("eligibility", "/$submit", |world, arm| qualify(world, arm, false))
        },
        Operation {
            names: &[("/request/identifier/value", REQUEST), ("/request/reference", "Task/1")],
            ..operation("eligibility again", "/$submit", |world, arm| {
                arm(world);
                world.access.eligibility().map(drop)
            })
        },
        Operation {
            person: 7,
            names: &[("/entry/0/resource/request/reference", "CoverageEligibilityRequest/other")],
            ..operation("eligibility, polled", "/CoverageEligibilityResponse/_search", |world, arm| {
                qualify(world, arm, true)
            })
        },
        operation("stored coverages", "/Coverage/_search", |world, arm| {
            arm(world);
            world.access.unconfirmed_coverages().map(|found| assert!(!found.is_empty()))
        }),
        Operation {
            names: &[("/id", "other")],
            ..operation("stored coverage", "/Coverage/", |world, arm| {
                let stored = world.access.unconfirmed_coverages()?;
                let mut older = stored[0].as_json().clone();
                older["meta"]["versionId"] = "0".into();
                let older = kazasu::fhir::StoredCoverage::new(older)?;
                arm(world);
                world.access.changed_coverage(&older).map(|now| assert!(now.is_some()))
            })
        },
        Operation {
            names: &[
                ("/identifier/0/value", REQUEST),
                ("/category/0/coding/0/code", "checkup"),
                ("/resourceType", "Task"),
            ],
            ..operation("consent given", "/Consent", |world, arm| {
                arm(world);
                consent(world).map(drop)
            })
        },
        operation("consents", "/Consent/_search", |world, arm| {
            consent(world)?;
            arm(world);
            world.access.consents().map(|found| assert!(!found.is_empty()))
        }),
        Operation {
            switches: SMALL_PAGES,
            ..operation("consents", "/Consent", |world, arm| {
                for _ in 0..3 {
                    consent(world)?;
                }
                arm(world);
                world.access.consents().map(|found| assert!(found.len() >= 3))
            })
        },
        Operation {
            names: &[("/id", "other"), ("/resourceType", "Task")],
            ..operation("consent read", "/Consent/", |world, arm| {
                let given = consent(world)?;
                arm(world);
                world.access.consent(given.id().expect("an id")).map(drop)
            })
        },
        Operation {
            names: &[("/id", "other"), ("/identifier/0/value", REQUEST), ("/category/0/coding/0/code", "checkup")],
            ..operation("consent withdrawn", "/Consent/", |world, arm| {
                let given = consent(world)?;
                arm(world);
                world.access.withdraw_consent(&given).map(drop)
            })
        },
        Operation {
            names: &[("/identifier/0/value", REQUEST), ("/code/coding/0/code", "card-suspension")],
            ..operation("registration", "/Task", |world, arm| {
                arm(world);
                registration(world).map(drop)
            })
        },
        Operation {
            names: &[
                ("/entry/0/resource/identifier/1/value", "0000-0000-0000"),
                ("/entry/0/resource/code/coding/0/code", "card-suspension"),
            ],
            ..operation("registration by receipt", "/Task/_search", |world, arm| {
                let receipt = registration(world)?.receipt().expect("a receipt").to_owned();
                arm(world);
                world.access.registration(&receipt).map(|found| assert!(found.is_some()))
            })
        },
        operation("registrations", "/Task/_search", |world, arm| {
            registration(world)?;
            arm(world);
            world.access.registrations().map(|found| assert!(!found.is_empty()))
        }),
        Operation {
            switches: SMALL_PAGES,
            ..operation("registrations", "/Task", |world, arm| {
                for _ in 0..3 {
                    registration(world)?;
                }
                arm(world);
                world.access.registrations().map(|found| assert!(found.len() >= 3))
            })
        },
        Operation {
            names: &[("/id", "other"), ("/identifier/0/value", REQUEST), ("/code/coding/0/code", "card-suspension")],
            ..operation("registration withdrawn", "/Task/", |world, arm| {
                let task = registration(world)?;
                arm(world);
                world.access.withdraw_registration(&task).map(drop)
            })
        },
        Operation {
            names: &[("/identifier/0/value", REQUEST), ("/code/coding/0/code", "insurance-registration")],
            ..operation("stop", "/Task", |world, arm| stop(world, arm, false))
        },
        Operation {
            names: &[
                ("/id", "other"),
                ("/identifier/0/value", REQUEST),
                ("/code/coding/0/code", "insurance-registration"),
            ],
            ..operation("stop, asked about", "/Task/", |world, arm| stop(world, arm, true))
        },
    ]);
    all
}

fn world(operation: &Operation, seal: SealMode) -> World {
    let sandbox =
        kazasu_sandbox::start(Options { seal, log: LogTarget::Silent, ..Options::default() }).expect("loopback");
    operation.switches.iter().for_each(|switch| sandbox.arm(switch.parse().expect("a switch")));
    let kids = sandbox.signer_kids();
    let stage = Stage::of(sandbox, |settings| {
        let records = RecordKind::ALL.map(RecordKind::scope).join(" ");
        settings.scope =
            Some(format!("{DEFAULT_SCOPE} {records} patient/Consent.crus patient/Task.crus offline_access"));
        settings.signer_kids = kids;
    });
    let key = key();
    let access = stage.access(operation.person, &key).expect("qualifies");
    let patient = access.patient().to_owned();
    World { stage, person: operation.person, key, access, patient }
}

/// Runs it with the chosen answer going through `change`; the answer as the server gave it.
fn run(
    world: &mut World,
    operation: &Operation,
    change: impl Fn(&mut Value) + Clone + Send + 'static,
) -> (Result<(), Error>, Option<Value>) {
    let seen: Arc<Mutex<(usize, Option<Value>)>> = Arc::default();
    let arm = |world: &World| {
        let (seen, change) = (Arc::clone(&seen), change.clone());
        let (path, nth) = (operation.path, operation.nth);
        world.stage.sandbox.rewrite(Some(Box::new(move |asked, body| {
            // A trailing slash stands for any id.
            let is_it = match path.strip_suffix('/') {
                Some(parent) => {
                    asked.rsplit_once('/').is_some_and(|(before, id)| before.ends_with(parent) && id != "_search")
                }
                None => asked.ends_with(path),
            };
            if !is_it {
                return;
            }
            let mut seen = seen.lock().expect("seen");
            seen.0 += 1;
            if seen.0 == nth + 1 {
                seen.1 = Some(body.clone());
                change(body);
            }
        })));
    };
    let outcome = (operation.run)(world, &arm);
    world.stage.sandbox.rewrite(None);
    let seen = seen.lock().expect("seen").1.clone();
    (outcome, seen)
}

fn matrix(seal: SealMode) {
    let (mut refused, mut passed) = (0_u32, 0_u32);
    let only = std::env::var("KAZASU_ONLY").unwrap_or_default();
    println!("| operation | answer changed | changes refused | forms accepted |");
    for operation in operations().into_iter().filter(|one| one.name.contains(&only)) {
        let mut world = world(&operation, seal);
        let (outcome, answer) = run(&mut world, &operation, |_| ());
        outcome.unwrap_or_else(|error| panic!("{}: {error}", operation.name));
        let answer = answer.unwrap_or_else(|| panic!("{}: nothing was answered at {}", operation.name, operation.path));
        let base = world.stage.sandbox.fhir_base().to_owned();
        let mut changes = mix_up::of_persons(&answer, &base, &world.patient);
        for (at, other) in operation.names {
            // Without a name the answer may do: a server need not repeat it. The receipt and what was sent have to be there.
            // Which id the server itself gives a question, in the answer that first tells of it, nobody can compare: of
            // `request.reference` in an answer of `$submit` only the type is.
            let may_miss = at.starts_with("/request/");
            let of_name = mix_up::of_text(&answer, at, other);
            changes.extend(of_name.into_iter().filter(|change| !may_miss || !change.name.ends_with("missing")));
        }
        assert!(!changes.is_empty(), "{}", operation.name);
        for change in &changes {
            let (outcome, _) = run(&mut world, &operation, applied(change));
            let code = outcome.err().map(|error| error.code());
            let name = format!("{} ({}), {}", operation.name, operation.path, change.name);
            // A token without a person, or a resource that is none, is no answer at all.
            let is_unreadable = code == Some("KZ-D01") && change.name.ends_with("missing");
            assert!(code == Some("KZ-D08") || is_unreadable, "{name}: {code:?}");
            assert_eq!(world.access.patient(), world.patient, "{name}");
        }
        let forms = mix_up::of_forms(&answer, &base, &world.patient);
        for change in &forms {
            let (outcome, _) = run(&mut world, &operation, applied(change));
            outcome.unwrap_or_else(|error| panic!("{}, {}: {error}", operation.name, change.name));
        }
        println!("| {} | {} | {} | {} |", operation.name, operation.path, changes.len(), forms.len());
        refused += u32::try_from(changes.len()).expect("few");
        passed += u32::try_from(forms.len()).expect("few");
    }
    figures::row(&format!(
        "| other people's answers, seal {seal:?} | {refused} changes refused | {passed} forms accepted |"
    ));
}

fn applied(change: &Change) -> impl Fn(&mut Value) + Clone + Send + use<> {
    let change = Arc::new(change.clone());
    move |answer: &mut Value| change.apply(answer)
}

#[test]
fn nothing_of_somebody_else_is_accepted() {
    matrix(SealMode::Off);
}

#[test]
fn nothing_of_somebody_else_is_accepted_under_a_seal() {
    matrix(SealMode::Required);
}

#[test]
fn other_kinds_stay_when_one_is_mixed_up() {
    let stage = Stage::with_every_scope(&["foreign=MedicationDispense", "page-size=20"]);
    let mut access = stage.access(1, &key()).expect("qualifies");
    let all = access.all_records(&RecordKind::ALL, None).expect("most of it");
    assert_eq!(all.foreign, [RecordKind::Medication]);
    let has = |kind: &str| all.records.iter().any(|record| record.as_json()["resourceType"] == kind);
    assert!(has("ExplanationOfBenefit") && has("AuditEvent") && !has("MedicationDispense"));
    let only = access.all_records(&[RecordKind::Medication], None);
    assert_eq!(only.map(drop).map_err(|error| error.code()), Err("KZ-D08"));
}
