//! `kazasu card info`.

use kazasu::card::{Card, ChannelKind, ChipProof};
use kazasu::iso7816::CardCapabilities;
use serde_json::json;

use crate::args::Global;
use crate::failure::Failure;
use crate::link;
use crate::output::Output;

pub(super) fn run(global: &Global, output: Output) -> Result<(), Failure> {
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let applications: Vec<&str> = card.applications()?.iter().map(|application| application.name()).collect();
    let mut jpki = card.select_jpki()?;
    let token = jpki.token_info()?;
    // Old cards do not say.
    let certificates = jpki.certificate_availability().ok();
    let capabilities = card.capabilities();
    output.line(output.say("カードの情報", "Card"));
    output.field(output.say("種類", "Generation"), token.generation.name());
    output.field(output.say("ラベル", "Label"), &token.label);
    output.field(output.say("アプリケーション", "Applications"), &applications.join(", "));
    if let Some(certificates) = certificates {
        let list = [
            certificates.user_authentication.then(|| output.say("利用者証明用", "user authentication")),
            certificates.signature.then(|| output.say("署名用", "signature")),
        ];
        let list: Vec<&str> = list.into_iter().flatten().collect();
        output.field(output.say("電子証明書", "Certificates"), &list.join(", "));
    }
    output.field(output.say("通信路", "Channel"), ChannelKind::Plain.name());
    output.object(&json!({
        "generation": token.generation.name(),
        "label": token.label,
        "model": token.model,
        "applications": applications,
        "certificates": certificates.map(|certificates| json!({
            "user_authentication": certificates.user_authentication,
            "signature": certificates.signature,
        })),
        "channel": {"kind": ChannelKind::Plain.name(), "chip_proof": ChipProof::None.name()},
        "short_ef": capabilities.short_ef,
    }));
    Ok(())
}
