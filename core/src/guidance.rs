//! What each code tells a person: one sentence, one thing to do, no blame.

use crate::error::{CardFault, Error, PinKind, StoreFault};

/// The text for a `KZ-…` code, in Japanese and English. `{n}` stands for tries left, where the error knows them.
pub struct Guidance {
    /// Stable code.
    pub code: &'static str,
    /// Japanese.
    pub ja: &'static str,
    /// English.
    pub en: &'static str,
}

/// The text for an error in one of the two languages.
pub fn text(error: &Error, japanese: bool) -> String {
    let text = match error {
        Error::VerifyUnanswered { .. } => verify_unanswered(japanese),
        Error::WrongPin { kind: PinKind::VerificationNumberB | PinKind::BirthDate, .. } => wrong_number(japanese),
        Error::ChangeUnanswered { .. } => change_unanswered(japanese),
        Error::Card(CardFault::NotGenuine { .. }) => not_genuine(japanese),
        Error::Card(CardFault::NoSignatureCertificate) => no_signature_certificate(japanese),
        Error::Store(fault) => store(*fault, japanese),
        Error::MyNumberSuspected => my_number_suspected(japanese),
        _ => text_of_code(error.code(), japanese).unwrap_or_default(),
    };
    match error.attempts_left() {
        Some(attempts) => text.replace("{n}", &attempts.to_string()),
        None => text.to_owned(),
    }
}

/// The text for [`Error::VerifyUnanswered`], whatever its code.
pub fn verify_unanswered(japanese: bool) -> &'static str {
    if japanese {
        "暗証番号の確認が途中で終わりました。残り回数を確かめてください"
    } else {
        "The PIN check was cut off; one try may be used. Please check the tries left."
    }
}

/// The numbers printed on the card are no secrets.
fn wrong_number(japanese: bool) -> &'static str {
    if japanese {
        "番号が違います。券面を確かめて入力し直してください（残り{n}回）"
    } else {
        "The number is not right. Please check the card ({n} tries left)."
    }
}

fn change_unanswered(japanese: bool) -> &'static str {
    if japanese {
        "変更が途中で終わりました。新しい番号から順に確かめてください"
    } else {
        "The change was cut off. Please try the new PIN first, then the old one."
    }
}

fn not_genuine(japanese: bool) -> &'static str {
    if japanese {
        "カードの内容を確認できません。市区町村窓口にご相談ください"
    } else {
        "What the card holds cannot be proven. Please ask at your municipal office."
    }
}

fn no_signature_certificate(japanese: bool) -> &'static str {
    if japanese {
        "署名用電子証明書がありません。市区町村窓口で発行を申請できます"
    } else {
        "This card has no signature certificate. Your municipal office can issue one."
    }
}

/// The text for [`Error::Store`], which differs by cause under one code.
pub const fn store(fault: StoreFault, japanese: bool) -> &'static str {
    match (fault, japanese) {
        (StoreFault::Locked, true) => "端末のロックを解除して、もう一度お試しください",
        (StoreFault::Locked, false) => "Please unlock the device and try again.",
        (StoreFault::KeyMissing, true) => "保存データの鍵がありません。登録をやり直してください",
        (StoreFault::KeyMissing, false) => "The key of the stored data is gone. Please register again.",
        (StoreFault::Damaged { .. }, true) => "保存データが壊れています。登録をやり直してください",
        (StoreFault::Damaged { .. }, false) => "The stored data are damaged. Please register again.",
        (StoreFault::RolledBack, true) => "保存データが古いものに戻されています。登録をやり直してください",
        (StoreFault::RolledBack, false) => "The stored data were put back to an older state. Please register again.",
        (StoreFault::Newer, true) => "アプリが古いようです。新しい版に更新してください",
        (StoreFault::Newer, false) => "The app is too old for the stored data. Please update it.",
        (StoreFault::Io { .. }, true) => "保存できません。空き容量を確かめてください",
        (StoreFault::Io { .. }, false) => "The data cannot be stored. Please check the free space.",
    }
}

/// The text for [`Error::MyNumberSuspected`].
pub const fn my_number_suspected(japanese: bool) -> &'static str {
    if japanese {
        "マイナンバーと思われる数字は保存できません。消してください"
    } else {
        "This looks like a My Number and is not kept. Please remove it."
    }
}

/// The text for a code, such as `KZ-Q04`.
pub fn text_of_code(code: &str, japanese: bool) -> Option<&'static str> {
    let guidance = TABLE.iter().find(|guidance| guidance.code == code)?;
    Some(if japanese { guidance.ja } else { guidance.en })
}

const fn row(code: &'static str, ja: &'static str, en: &'static str) -> Guidance {
    Guidance { code, ja, en }
}

const AGAIN_JA: &str = "認証をやり直してください";
const AGAIN_EN: &str = "Please start the check again.";

/// Every code this version can give, in the order of the catalogue.
pub const TABLE: &[Guidance] = &[
    row("KZ-C01", "カードが離れました。もう一度かざしてください", "The card moved away. Please hold it again."),
    row(
        "KZ-C02",
        "ケースを外し、背面中央にかざしてください",
        "Take off the case and hold the card to the middle of the back.",
    ),
    row(
        "KZ-C03",
        "マイナンバーカードをかざしてください",
        "This is not a My Number card. Please hold your My Number card.",
    ),
    row(
        "KZ-C04",
        "暗証番号が違います。確かめて入力し直してください（残り{n}回）",
        "The PIN is not right. Please check it and enter it again ({n} tries left).",
    ),
    row(
        "KZ-C05",
        "暗証番号がロックされています。市区町村窓口で初期化の手続きをしてください",
        "The PIN is locked. Please have it reset at your municipal office.",
    ),
    row(
        "KZ-C06",
        "電子証明書の有効期限が切れています。市区町村窓口で更新してください",
        "The certificate has expired. Please renew it at your municipal office.",
    ),
    row(
        "KZ-C07",
        "電子証明書が失効しています。市区町村窓口にご相談ください",
        "The certificate was revoked. Please ask at your municipal office.",
    ),
    row(
        "KZ-C08",
        "NFCを有効にするか、カードリーダーを接続してください",
        "Please switch NFC on or connect a card reader.",
    ),
    row("KZ-C09", "あと1回でロックされます。続けますか", "One try is left before the PIN locks. Go on?"),
    row(
        "KZ-C10",
        "カードを読み取れませんでした。もう一度かざしてください",
        "The card could not be read. Please hold it again.",
    ),
    row(
        "KZ-C11",
        "入力の形式が違います。桁数と文字を確認してください",
        "The entry has the wrong form. Please check length and characters.",
    ),
    row(
        "KZ-C12",
        "別のカードです。選んだ方のカードをかざしてください",
        "This is another card. Please hold the chosen person's card.",
    ),
    row(
        "KZ-T01",
        "通信できません。電波の良い所でお試しください",
        "No connection. Please try again where the signal is good.",
    ),
    row(
        "KZ-T02",
        "安全な接続ができません。提供元にお知らせください",
        "No secure connection is possible. Please tell the provider.",
    ),
    row(
        "KZ-T03",
        "接続先を確認できません。公衆Wi-Fiを避けてください",
        "The server cannot be verified. Please avoid public Wi-Fi.",
    ),
    row("KZ-T04", "アプリを更新してください", "Please update the app."),
    row("KZ-T05", "応答がありません。しばらくしてからお試しください", "No answer. Please try again in a while."),
    row(
        "KZ-T06",
        "混み合っています。しばらくしてからお試しください",
        "The service is busy. Please try again in a while.",
    ),
    row(
        "KZ-T07",
        "メンテナンス中です。しばらくしてからお試しください",
        "The service is being maintained. Please try again later.",
    ),
    row("KZ-A01", AGAIN_JA, AGAIN_EN),
    row("KZ-A02", AGAIN_JA, AGAIN_EN),
    row("KZ-A03", "もう一度カードをかざして認証してください", "Please start again and hold the card once more."),
    row("KZ-A04", "端末の日付と時刻を確認してください", "Please check the date and time of this device."),
    row(
        "KZ-A05",
        "このカードの証明書は使えません。提供元にお知らせください",
        "This card's certificate cannot be used. Please tell the provider.",
    ),
    row("KZ-A06", AGAIN_JA, AGAIN_EN),
    row("KZ-A07", AGAIN_JA, AGAIN_EN),
    row("KZ-A08", "アプリを更新してください", "Please update the app."),
    row("KZ-A09", AGAIN_JA, AGAIN_EN),
    row("KZ-A10", AGAIN_JA, AGAIN_EN),
    row(
        "KZ-A11",
        "この情報の利用に同意されていません。設定をご確認ください",
        "Use of this information was not agreed to. Please check the settings.",
    ),
    row(
        "KZ-Q01",
        "資格確認システムに接続できません。後ほどお試しください",
        "The qualification system cannot be reached. Please try again later.",
    ),
    row(
        "KZ-Q02",
        "該当する資格がありません。保険者にご確認ください",
        "No qualification was found. Please ask your insurer.",
    ),
    row(
        "KZ-Q03",
        "複数の資格があります。保険者にご確認ください",
        "Several qualifications were found. Please ask your insurer.",
    ),
    row(
        "KZ-Q04",
        "資格を喪失しています。保険者にご確認ください",
        "The qualification has ended. Please ask your insurer.",
    ),
    row(
        "KZ-Q05",
        "新しい資格があります。新しい資格をご利用ください",
        "There is a newer qualification. Please use that one.",
    ),
    row(
        "KZ-Q06",
        "保険証の利用登録がされていません。登録してください",
        "Insurance use of the card is not registered. Please register it.",
    ),
    row(
        "KZ-Q07",
        "保険者のデータ登録を待っています。後日お試しください",
        "The insurer has not linked its data yet. Please try again another day.",
    ),
    row(
        "KZ-D01",
        "データを読み取れません。提供元にお知らせください",
        "The data cannot be read. Please tell the provider.",
    ),
    row(
        "KZ-D02",
        "同意の有効期限が切れています。もう一度同意してください",
        "The consent is over. Please give it again.",
    ),
    row("KZ-D03", "他の端末で変更されました。読み直してください", "It was changed on another device. Please reload."),
    row("KZ-D04", "期間を短くしてください", "Please choose a shorter period."),
    row(
        "KZ-D05",
        "受け取れない情報が含まれています。提供元にお知らせください",
        "The answer holds information that is not accepted. Please tell the provider.",
    ),
    row(
        "KZ-D06",
        "登録は5人までです。先にどなたかの登録を解除してください",
        "At most five people can be registered. Please remove one first.",
    ),
    row(
        "KZ-S01",
        "利用停止中です。市区町村窓口で手続きをしてください",
        "Use is stopped. Please go to your municipal office.",
    ),
    row(
        "KZ-X01",
        "暗号化データを確認できません。提供元にお知らせください",
        "The encrypted data cannot be verified. Please tell the provider.",
    ),
    row(
        "KZ-X02",
        "暗号化データを確認できません。もう一度お試しください",
        "The encrypted data does not belong to this request. Please try again.",
    ),
    row("KZ-L01", "端末のロックを解除して、もう一度お試しください", "Please unlock the device and try again."),
    row(
        "KZ-U01",
        "アプリの設定に誤りがあります。提供元にお知らせください",
        "The app is set up wrongly. Please tell the provider.",
    ),
    row("KZ-U02", "処理中です。お待ちください", "Please wait, a call is running."),
    row("KZ-U03", "中止しました。続けるときは最初からやり直してください", "Cancelled. To go on, please start again."),
    row("KZ-U04", "問題が起きました。もう一度お試しください", "Something went wrong. Please try again."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{TransportError, VerifyDoubt};

    #[test]
    fn every_japanese_text_is_short() {
        for guidance in TABLE {
            assert!(guidance.ja.chars().count() <= 40, "{}: {}", guidance.code, guidance.ja);
            assert!(!guidance.ja.is_empty() && !guidance.en.is_empty(), "{}", guidance.code);
        }
    }

    #[test]
    fn codes_are_unique() {
        let codes: std::collections::BTreeSet<_> = TABLE.iter().map(|guidance| guidance.code).collect();
        assert_eq!(codes.len(), TABLE.len());
    }

    #[test]
    fn the_readme_shows_every_text() {
        let readme = include_str!("../../README.md");
        for guidance in TABLE {
            let row = readme.lines().find(|line| line.starts_with(&format!("| {} |", guidance.code)));
            let row = row.unwrap_or_else(|| panic!("{} is not in the README", guidance.code));
            assert!(row.contains(guidance.ja) && row.contains(guidance.en), "{row}");
        }
    }

    #[test]
    fn tries_left_stand_in_the_text() {
        let kind = PinKind::UserAuthentication;
        assert_eq!(
            text(&Error::WrongPin { kind, attempts_left: 2 }, true),
            "暗証番号が違います。確かめて入力し直してください（残り2回）"
        );
        let lost = Error::VerifyUnanswered { kind, doubt: VerifyDoubt::Link(TransportError::TagLost) };
        assert!(text(&lost, false).contains("one try may be used"));
        assert_eq!(lost.code(), "KZ-C01");
    }
}
