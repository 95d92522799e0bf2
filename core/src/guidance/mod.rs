//! What each code tells a person: one sentence, one thing to do, no blame.

mod nfc;
mod table;
#[cfg(test)]
pub(crate) mod tests;

pub use nfc::nfc_hint;
pub use table::{Guidance, TABLE};

use crate::error::{CardFault, ConnectionFault, Error, PinKind, StoreFault};

/// Language of the texts for users.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Language {
    /// 日本語.
    #[default]
    Japanese,
    /// English.
    English,
    /// やさしい日本語: short sentences, few kanji, readings in brackets.
    EasyJapanese,
}

impl Language {
    /// Every language, in the order of the tables.
    pub const ALL: [Self; 3] = [Self::Japanese, Self::English, Self::EasyJapanese];

    /// The text in this language.
    pub const fn choose<'a>(self, ja: &'a str, en: &'a str, easy: &'a str) -> &'a str {
        match self {
            Self::Japanese => ja,
            Self::English => en,
            Self::EasyJapanese => easy,
        }
    }
}

/// The text for an error.
pub fn text(error: &Error, language: Language) -> String {
    let text = match error {
        Error::VerifyUnanswered { .. } => verify_unanswered(language),
        Error::WrongPin { kind: PinKind::VerificationNumberB | PinKind::BirthDate, .. } => wrong_number(language),
        Error::NewPinRefused { .. } => new_pin_refused(language),
        Error::Card(CardFault::NotGenuine { .. }) => not_genuine(language),
        Error::Card(CardFault::NoSignatureCertificate) => no_signature_certificate(language),
        Error::Connection(ConnectionFault::Proxy { .. }) => proxy(language),
        Error::Connection(ConnectionFault::CertificateDates) => certificate_dates(language),
        Error::Store(fault) => store(*fault, language),
        Error::MyNumberSuspected => my_number_suspected(language),
        _ => text_of_code(error.code(), language).unwrap_or_default(),
    };
    match error.attempts_left() {
        Some(attempts) => text.replace("{n}", &attempts.to_string()),
        None => text.to_owned(),
    }
}

/// The text for a code, such as `KZ-Q04`.
pub fn text_of_code(code: &str, language: Language) -> Option<&'static str> {
    let guidance = TABLE.iter().find(|guidance| guidance.code == code)?;
    Some(language.choose(guidance.ja, guidance.en, guidance.easy))
}

/// The text for [`Error::VerifyUnanswered`], whatever its code.
pub const fn verify_unanswered(language: Language) -> &'static str {
    language.choose(
        "暗証番号の確認が途中で終わりました。残り回数を確かめてください",
        "The PIN check was cut off; one try may be used. Please check the tries left.",
        "とちゅうで止まりました。あと何回できるか、見てください",
    )
}

/// The numbers printed on the card are no secrets.
const fn wrong_number(language: Language) -> &'static str {
    language.choose(
        "番号が違います。券面を確かめて入力し直してください（残り{n}回）",
        "The number is not right. Please check the card ({n} tries left).",
        "番号（ばんごう）がちがいます。カードを見て入れてください（あと{n}回）",
    )
}

/// The text for [`Error::NewPinRefused`], whose code is that of other refusals of the card.
pub const fn new_pin_refused(language: Language) -> &'static str {
    language.choose(
        "新しい番号は使えません（今の番号のままです）。別の番号にしてください",
        "The card refused the new PIN; the current one holds. Please choose another.",
        "新しい番号（ばんごう）は使えません。べつの番号を入れてください",
    )
}

const fn not_genuine(language: Language) -> &'static str {
    language.choose(
        "カードの内容を確認できません。市区町村窓口にご相談ください",
        "What the card holds cannot be proven. Please ask at your municipal office.",
        "カードをたしかめられません。市や町の役所（やくしょ）で聞いてください",
    )
}

const fn no_signature_certificate(language: Language) -> &'static str {
    language.choose(
        "署名用電子証明書がありません。市区町村窓口で発行を申請できます",
        "This card has no signature certificate. Your municipal office can issue one.",
        "署名（しょめい）に使えないカードです。役所（やくしょ）で聞いてください",
    )
}

/// The text for [`ConnectionFault::Proxy`]: better reception would not help.
pub const fn proxy(language: Language) -> &'static str {
    language.choose(
        "プロキシで接続できません。プロキシの設定をご確認ください",
        "No connection through the proxy. Please check the proxy settings.",
        "プロキシでつながりません。くわしい人に聞いてください",
    )
}

/// The text for [`ConnectionFault::CertificateDates`]: another network would not help.
pub const fn certificate_dates(language: Language) -> &'static str {
    language.choose(
        "サーバーの証明書が期限外です。提供元にお知らせください",
        "The server's certificate is out of date. Please tell the provider.",
        "サーバーの証明（しょうめい）が古いです。アプリを作った所に知らせてください",
    )
}

/// The text for [`Error::Store`], which differs by cause under one code.
pub const fn store(fault: StoreFault, language: Language) -> &'static str {
    match fault {
        StoreFault::Locked => language.choose(
            "端末のロックを解除して、もう一度お試しください",
            "Please unlock the device and try again.",
            "スマホのロックをはずして、もういちど使ってください",
        ),
        StoreFault::KeyMissing => language.choose(
            "保存データの鍵がありません。登録をやり直してください",
            "The key of the stored data is gone. Please register again.",
            "データを開けません。はじめから登録（とうろく）してください",
        ),
        StoreFault::Damaged { .. } => language.choose(
            "保存データが壊れています。登録をやり直してください",
            "The stored data are damaged. Please register again.",
            "データがこわれています。はじめから登録（とうろく）してください",
        ),
        StoreFault::RolledBack => language.choose(
            "保存データが古いものに戻されています。登録をやり直してください",
            "The stored data were put back to an older state. Please register again.",
            "古いデータになっています。はじめから登録（とうろく）してください",
        ),
        StoreFault::Replaced => language.choose(
            "端末の鍵が替わり、保存データを開けません。新しく登録してください",
            "The keys of this device have changed. Please register everybody anew.",
            "スマホが新しくなり、データを開けません。もういちど登録（とうろく）してください",
        ),
        StoreFault::Newer => language.choose(
            "アプリが古いようです。新しい版に更新してください",
            "The app is too old for the stored data. Please update it.",
            "アプリが古いです。アプリを新しくしてください",
        ),
        StoreFault::Io { .. } => language.choose(
            "保存できません。空き容量を確かめてください",
            "The data cannot be stored. Please check the free space.",
            "データを入れる所がありません。いらないデータをけしてください",
        ),
    }
}

/// The text for [`Error::MyNumberSuspected`].
pub const fn my_number_suspected(language: Language) -> &'static str {
    language.choose(
        "マイナンバーと思われる数字は保存できません。消してください",
        "This looks like a My Number and is not kept. Please remove it.",
        "マイナンバーの数字（すうじ）は入れられません。けしてください",
    )
}
