//! `Task`: what takes a while, read and searched; each kind has a module of its own (conformance level L3).

use serde_json::{Value, json};

use crate::access::{self, Caller};
use crate::conditional::{self, code};
use crate::grants::{CARD_SUSPEND, TASK};
use crate::http::{Answer, Request};
use crate::outcome::{Issue, NAMESPACE};
use crate::records::guarded;
use crate::search::{self, Kind};
use crate::state::Server;
use crate::{registration, suspension};

/// Answers `POST /r4/Task`.
pub(crate) fn create(server: &Server, request: &Request) -> Answer {
    conditional::write(
        server,
        request,
        || authorize(server, request),
        |caller, mut body| {
            check(caller, &body)?;
            let tasks = visible(server, caller);
            let kind = code(&body["code"], "task-kind").map(str::to_owned);
            // Of suspension there is one Task, however often and in whatever words it is asked for.
            if kind.as_deref() == Some(suspension::KIND) {
                return may(caller, CARD_SUSPEND).and_then(|()| suspension::create(server, caller, body));
            }
            may(caller, TASK)?;
            if let Some(known) = conditional::existing(request, &tasks)? {
                return Ok(conditional::stored(server, 200, known, "task known"));
            }
            if kind.as_deref() != Some(registration::KIND) {
                return Err(Issue::INVALID_ELEMENT.described("code is no known task-kind").into());
            }
            registration::begin(&mut body);
            let created = server.written.create(caller.person.number, "task", body, server.clock.now());
            Ok(conditional::stored(server, 201, &created, "registration accepted"))
        },
    )
}

/// Answers `GET /r4/Task/<id>`; a look moves the task on.
pub(crate) fn read(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = authorize(server, request)?;
        let id = request.path.rsplit('/').next().unwrap_or_default();
        let found: Vec<Value> = visible(server, &caller).into_iter().filter(|task| task["id"] == id).collect();
        search::read(request, &moved_on(server, &caller, found))
    })
}

/// Answers `POST /r4/Task/_search`; a look moves what was found on.
pub(crate) fn search(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = authorize(server, request)?;
        let look = |found| moved_on(server, &caller, found);
        search::search_with(server, request, &caller, &KIND, || visible(server, &caller), look)
    })
}

/// Answers `GET /r4/Task?_page=…`.
pub(crate) fn page(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = authorize(server, request)?;
        search::page(server, request, &caller, &KIND)
    })
}

/// Answers `PUT /r4/Task/<id>`: the withdrawal of a registration that is still running.
pub(crate) fn withdraw(server: &Server, request: &Request) -> Answer {
    conditional::write(
        server,
        request,
        || access::authorize(server, request, TASK),
        |caller, body| {
            let id = request.path.rsplit('/').next().unwrap_or_default();
            if body["resourceType"] != KIND.name || body["id"] != id || body["status"] != "cancelled" {
                let issue = Issue::INVALID_ELEMENT.described("a task can only be withdrawn, with status cancelled");
                return Err(issue.into());
            }
            let key = (KIND.name, id);
            let updated = server.written.update(caller.person.number, key, server.clock.now(), |stored| {
                conditional::check_version(server, request, stored)?;
                registration::withdraw(stored)
            });
            let updated = updated.ok_or(Issue::NO_SUCH_ROUTE.described("no such task"))??;
            Ok(conditional::stored(server, 200, &updated, "registration withdrawn"))
        },
    )
}

fn authorize(server: &Server, request: &Request) -> Result<Caller, Answer> {
    access::authorize_any(server, request, &[TASK, CARD_SUSPEND])
}

fn may(caller: &Caller, scope: &'static str) -> Result<(), Answer> {
    if caller.may(scope) { Ok(()) } else { Err(Issue::SCOPE.into()) }
}

/// The tasks that the token may see: one that can only suspend sees suspensions only.
fn visible(server: &Server, caller: &Caller) -> Vec<Value> {
    let mut tasks = server.written.all(caller.person.number, KIND.name);
    tasks.retain(|task| caller.may(TASK) || code(&task["code"], "task-kind") == Some(suspension::KIND));
    tasks
}

/// What every task must say.
fn check(caller: &Caller, task: &Value) -> Result<(), Issue> {
    if task["resourceType"] != KIND.name {
        return Err(Issue::MALFORMED.described("body is no Task"));
    }
    if ["status", "intent", "code", "for", "authoredOn"].iter().any(|name| task[*name].is_null()) {
        return Err(Issue::REQUIRED_ELEMENT);
    }
    if task["status"] != "requested" || task["intent"] != "order" {
        return Err(Issue::INVALID_ELEMENT.described("status is not requested or intent not order"));
    }
    for element in ["for", "requester"] {
        let reference = task[element]["reference"].as_str();
        if (element == "for" && reference.is_none()) || !caller.owns(reference) {
            return Err(Issue::SCOPE.described("for or requester is not the patient of the token"));
        }
    }
    Ok(())
}

/// Lets time pass for tasks that somebody looks at.
fn moved_on(server: &Server, caller: &Caller, tasks: Vec<Value>) -> Vec<Value> {
    let person = caller.person.number;
    let tasks = tasks.into_iter().map(|task| {
        let id = task["id"].as_str().unwrap_or_default();
        let updated = server.written.update(person, (KIND.name, id), server.clock.now(), |stored| {
            match code(&stored["code"], "task-kind") {
                Some(registration::KIND) => registration::move_on(server, stored),
                Some(suspension::KIND) => suspension::move_on(server, person, stored),
                _ => {}
            }
            Ok::<(), Issue>(())
        });
        updated.and_then(Result::ok).unwrap_or(task)
    });
    let tasks = tasks.collect();
    server.save();
    tasks
}

/// A CodeableConcept of one of the contract's code systems.
pub(crate) fn concept(system: &str, code: &str, display: &str) -> Value {
    let system = format!("{NAMESPACE}/CodeSystem/{system}");
    json!({ "coding": [{ "system": system, "code": code, "display": display }] })
}

/// How tasks are searched.
pub(crate) const KIND: Kind = Kind {
    name: "Task",
    scope: TASK,
    dates: &[("authored-on", "/authoredOn"), ("modified", "/lastModified")],
    tokens: &[
        ("identifier", "/identifier"),
        ("status", "/status"),
        ("code", "/code"),
        ("business-status", "/businessStatus"),
    ],
};
