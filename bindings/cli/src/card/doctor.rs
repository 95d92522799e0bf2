//! `kazasu card doctor`: a report to attach to a bug report, shown before it is saved.

use std::io::IsTerminal;
use std::path::Path;

use kazasu::card::Card;
use kazasu::card::doctor::CompatibilityReport;
use kazasu::iso7816::CardCapabilities;
use serde_json::{Value, json};

use crate::args::Global;
use crate::failure::Failure;
use crate::files::Destination;
use crate::output::Output;
use crate::{ask, link};

pub(super) fn run(file: Option<&Path>, yes: bool, global: &Global, output: Output) -> Result<(), Failure> {
    if file.is_some() {
        ask::can_ask(yes)?;
    }
    let save = file.map(Destination::replacing).transpose()?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let watched = std::io::stderr().is_terminal() && !output.json;
    let report = card.examine(&mut |question| {
        if watched {
            output.begin(&format!("\r{question:<40}"));
        }
    })?;
    if watched {
        output.begin(&format!("\r{:40}\r", ""));
    }
    drop(transport);
    let object = to_json(&report);
    print(&report, output);
    output.object(&object);
    let (Some(file), Some(save)) = (file, save) else { return Ok(()) };
    let question = format!("{} {}", output.say("この内容を保存しますか", "Save this report?"), file.display());
    if !yes && !ask::agrees(&question, output)? {
        return Ok(());
    }
    save.write(format!("{object:#}\n").as_bytes())?;
    output.note(format!("{}: {}", output.say("保存しました", "Saved"), file.display()));
    Ok(())
}

fn print(report: &CompatibilityReport, output: Output) {
    output.line(output.say("互換性の記録（個人の情報は含みません）", "Compatibility report (nothing personal)"));
    output.field(output.say("種類", "Generation"), report.generation.name());
    output.field(output.say("ラベル", "Label"), &report.label);
    output.field(output.say("型式", "Model"), &report.model);
    let names: Vec<&str> = report.applications.iter().map(|application| application.name()).collect();
    output.field(output.say("アプリケーション", "Applications"), &names.join(", "));
    let tried = |known: Option<bool>| match known {
        Some(true) => output.say("使える", "yes"),
        Some(false) => output.say("使えない", "no"),
        None => output.say("不明", "not known"),
    };
    output.field(output.say("短縮EF識別子", "Short identifiers"), tried(report.capabilities.short_ef));
    output.field(output.say("拡張長", "Extended lengths"), tried(report.capabilities.extended_length));
    output.field("PACE", tried(Some(report.pace)));
    let limits = format!("{} / {}", report.limits.max_command, report.limits.max_response);
    output.field(output.say("最大長（送/受）", "Link carries (bytes)"), &limits);
    for probe in &report.probes {
        output.line(format!(
            "  {:<28} {:02X} → {:04X} {:>5} B {:>8.1} ms",
            probe.name,
            probe.ins,
            probe.status,
            probe.len,
            probe.micros as f64 / 1000.0,
        ));
    }
}

fn to_json(report: &CompatibilityReport) -> Value {
    let probes: Vec<Value> = report
        .probes
        .iter()
        .map(|probe| {
            json!({
                "name": probe.name,
                "ins": format!("{:02X}", probe.ins),
                "sw": format!("{:04X}", probe.status),
                "len": probe.len,
                "micros": probe.micros,
            })
        })
        .collect();
    json!({
        "kazasu": env!("CARGO_PKG_VERSION"),
        "generation": report.generation.name(),
        "label": report.label,
        "model": report.model,
        "applications": report.applications.iter().map(|application| application.name()).collect::<Vec<_>>(),
        "certificates": report.certificates.map(|certificates| json!({
            "user_authentication": certificates.user_authentication,
            "signature": certificates.signature,
        })),
        "short_ef": report.capabilities.short_ef,
        "extended_length": report.capabilities.extended_length,
        "pace": report.pace,
        "limits": {"max_command": report.limits.max_command, "max_response": report.limits.max_response},
        "probes": probes,
    })
}
