//! `kazasu card info`.

use kazasu::card::{Application, Card, ChannelKind, ChipProof, Generation};
use kazasu::iso7816::CardCapabilities;
use serde_json::json;

use crate::args::Global;
use crate::failure::Failure;
use crate::link;
use crate::output::Output;

pub(super) fn run(global: &Global, output: Output) -> Result<(), Failure> {
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let applications = card.applications()?;
    let mut jpki = card.select_jpki()?;
    let token = jpki.token_info()?;
    let certificates = jpki.certificates_if_told()?;
    let capabilities = card.capabilities();
    let names: Vec<&str> = applications.iter().map(|found| application(*found, output)).collect();
    output.line(output.say("カードの情報", "Card"));
    output.field(output.say("種類", "Generation"), generation(token.generation, output));
    output.field(output.say("ラベル", "Label"), &token.label);
    output.field(output.say("アプリケーション", "Applications"), &names.join(", "));
    if let Some(certificates) = certificates {
        let list = [
            certificates.user_authentication.then(|| output.say("利用者証明用", "user authentication")),
            certificates.signature.then(|| output.say("署名用", "signature")),
        ];
        let list: Vec<&str> = list.into_iter().flatten().collect();
        output.field(output.say("電子証明書", "Certificates"), &list.join(", "));
    }
    output.field(output.say("通信路", "Channel"), output.say("暗号化なし", "not encrypted"));
    output.object(&json!({
        "generation": token.generation.name(),
        "label": token.label,
        "model": token.model,
        "applications": applications.iter().map(|application| application.name()).collect::<Vec<_>>(),
        "certificates": certificates.map(|certificates| json!({
            "user_authentication": certificates.user_authentication,
            "signature": certificates.signature,
        })),
        "channel": {"kind": ChannelKind::Plain.name(), "chip_proof": ChipProof::None.name()},
        "short_ef": capabilities.short_ef,
    }));
    Ok(())
}

fn generation(generation: Generation, output: Output) -> &'static str {
    match generation {
        Generation::MyNumberCard => output.say("マイナンバーカード", "My Number card"),
        Generation::AndroidPhone => output.say("スマートフォン（Android）", "Android phone"),
        Generation::IPhone => output.say("スマートフォン（iPhone）", "iPhone"),
        Generation::ResidentRegisterCard => output.say("住民基本台帳カード", "resident-register card"),
        _ => output.say("不明", "unknown"),
    }
}

fn application(application: Application, output: Output) -> &'static str {
    match application {
        Application::Jpki => output.say("公的個人認証", "JPKI"),
        Application::TextInput => output.say("券面事項入力補助", "text input"),
        Application::Surface => output.say("券面事項確認", "surface"),
        Application::ResidentRegister => output.say("住基", "resident register"),
        Application::Common => output.say("共通", "common"),
    }
}
