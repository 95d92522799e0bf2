//! The catalogue: every code, in each language.

/// The text for a `KZ-…` code in each language. `{n}` stands for tries left, where the error knows them.
pub struct Guidance {
    /// Stable code.
    pub code: &'static str,
    /// Japanese, 40 characters at most.
    pub ja: &'static str,
    /// English.
    pub en: &'static str,
    /// Easy Japanese, 40 characters at most.
    pub easy: &'static str,
}

const fn row(code: &'static str, ja: &'static str, en: &'static str, easy: &'static str) -> Guidance {
    Guidance { code, ja, en, easy }
}

const AGAIN_JA: &str = "認証をやり直してください";
const AGAIN_EN: &str = "Please start the check again.";
const AGAIN_EASY: &str = "はじめから、もういちどやってください";

/// Every code this version can give, in the order of the catalogue.
pub const TABLE: &[Guidance] = &[
    row(
        "KZ-C01",
        "カードが離れました。もう一度かざしてください",
        "The card moved away. Please hold it again.",
        "カードがはなれました。もういちど、カードをあててください",
    ),
    row(
        "KZ-C02",
        "ケースを外し、背面中央にかざしてください",
        "Take off the case and hold the card to the middle of the back.",
        "ケースをはずして、スマホのうらの中ほどにあててください",
    ),
    row(
        "KZ-C03",
        "マイナンバーカードをかざしてください",
        "This is not a My Number card. Please hold your My Number card.",
        "マイナンバーカードをあててください",
    ),
    row(
        "KZ-C04",
        "暗証番号が違います。確かめて入力し直してください（残り{n}回）",
        "The PIN is not right. Please check it and enter it again ({n} tries left).",
        "番号（ばんごう）がちがいます。もういちど入れてください（あと{n}回）",
    ),
    row(
        "KZ-C05",
        "暗証番号がロックされています。市区町村窓口で初期化の手続きをしてください",
        "The PIN is locked. Please have it reset at your municipal office.",
        "番号（ばんごう）が使えません。市や町の役所（やくしょ）へ行ってください",
    ),
    row(
        "KZ-C06",
        "電子証明書の有効期限が切れています。市区町村窓口で更新してください",
        "The certificate has expired. Please renew it at your municipal office.",
        "カードの中の証明（しょうめい）が古いです。役所（やくしょ）へ行ってください",
    ),
    row(
        "KZ-C07",
        "電子証明書が失効しています。市区町村窓口にご相談ください",
        "The certificate was revoked. Please ask at your municipal office.",
        "カードの中の証明（しょうめい）が使えません。役所（やくしょ）で聞いてください",
    ),
    row(
        "KZ-C08",
        "NFCを有効にするか、カードリーダーを接続してください",
        "Please switch NFC on or connect a card reader.",
        "スマホのNFCをオンにするか、カードリーダーをつないでください",
    ),
    row(
        "KZ-C09",
        "あと1回でロックされます。続けますか",
        "One try is left before the PIN locks. Go on?",
        "あと1回まちがえると、カードが使えなくなります。つづけますか",
    ),
    row(
        "KZ-C10",
        "カードを読み取れませんでした。もう一度かざしてください",
        "The card could not be read. Please hold it again.",
        "カードを読めませんでした。もういちど、カードをあててください",
    ),
    row(
        "KZ-C11",
        "入力の形式が違います。桁数と文字を確認してください",
        "The entry has the wrong form. Please check length and characters.",
        "文字（もじ）の数がちがいます。よく見て、入れなおしてください",
    ),
    row(
        "KZ-C12",
        "別のカードです。選んだ方のカードをかざしてください",
        "This is another card. Please hold the chosen person's card.",
        "べつのカードです。えらんだ人のカードをあててください",
    ),
    row(
        "KZ-C13",
        "変更できたか分かりません。新しい番号、前の番号の順に確かめてください",
        "Either PIN may hold. Please try the new one first, then the old one.",
        "かわったか、わかりません。新しい番号（ばんごう）から入れてください",
    ),
    row(
        "KZ-T01",
        "通信できません。電波の良い所でお試しください",
        "No connection. Please try again where the signal is good.",
        "インターネットにつながりません。電波（でんぱ）のいい所で使ってください",
    ),
    row(
        "KZ-T02",
        "安全な接続ができません。提供元にお知らせください",
        "No secure connection is possible. Please tell the provider.",
        "安全（あんぜん）につながりません。アプリを作った所に知らせてください",
    ),
    row(
        "KZ-T03",
        "接続先を確認できません。公衆Wi-Fiを避けてください",
        "The server cannot be verified. Please avoid public Wi-Fi.",
        "つなぐ先をたしかめられません。町のWi-Fiは使わないでください",
    ),
    row("KZ-T04", "アプリを更新してください", "Please update the app.", "アプリを新しくしてください"),
    row(
        "KZ-T05",
        "応答がありません。しばらくしてからお試しください",
        "No answer. Please try again in a while.",
        "こたえが来ません。少し待って、もういちど使ってください",
    ),
    row(
        "KZ-T06",
        "混み合っています。しばらくしてからお試しください",
        "The service is busy. Please try again in a while.",
        "いま、こんでいます。少し待って、もういちど使ってください",
    ),
    row(
        "KZ-T07",
        "メンテナンス中です。しばらくしてからお試しください",
        "The service is being maintained. Please try again later.",
        "いまは使えません。あとで、もういちど使ってください",
    ),
    row("KZ-A01", AGAIN_JA, AGAIN_EN, AGAIN_EASY),
    row("KZ-A02", AGAIN_JA, AGAIN_EN, AGAIN_EASY),
    row(
        "KZ-A03",
        "もう一度カードをかざして認証してください",
        "Please start again and hold the card once more.",
        "はじめから、もういちどカードをあててください",
    ),
    row(
        "KZ-A04",
        "端末の日付と時刻を確認してください",
        "Please check the date and time of this device.",
        "スマホの日にちと時間を見て、なおしてください",
    ),
    row(
        "KZ-A05",
        "このカードの証明書は使えません。提供元にお知らせください",
        "This card's certificate cannot be used. Please tell the provider.",
        "このカードは使えません。アプリを作った所に知らせてください",
    ),
    row("KZ-A06", AGAIN_JA, AGAIN_EN, AGAIN_EASY),
    row("KZ-A07", AGAIN_JA, AGAIN_EN, AGAIN_EASY),
    row("KZ-A08", "アプリを更新してください", "Please update the app.", "アプリを新しくしてください"),
    row("KZ-A09", AGAIN_JA, AGAIN_EN, AGAIN_EASY),
    row("KZ-A10", AGAIN_JA, AGAIN_EN, AGAIN_EASY),
    row(
        "KZ-A11",
        "この情報の利用に同意されていません。設定をご確認ください",
        "Use of this information was not agreed to. Please check the settings.",
        "あなたの同意（どうい）がありません。設定（せってい）を見てください",
    ),
    row(
        "KZ-Q01",
        "資格確認システムに接続できません。後ほどお試しください",
        "The qualification system cannot be reached. Please try again later.",
        "保険（ほけん）のシステムにつながりません。あとで使ってください",
    ),
    row(
        "KZ-Q02",
        "該当する資格がありません。保険者にご確認ください",
        "No qualification was found. Please ask your insurer.",
        "保険（ほけん）が見つかりません。保険の窓口（まどぐち）に聞いてください",
    ),
    row(
        "KZ-Q03",
        "複数の資格があります。保険者にご確認ください",
        "Several qualifications were found. Please ask your insurer.",
        "保険（ほけん）がいくつもあります。保険の窓口（まどぐち）に聞いてください",
    ),
    row(
        "KZ-Q04",
        "資格を喪失しています。保険者にご確認ください",
        "The qualification has ended. Please ask your insurer.",
        "この保険（ほけん）は終わりました。保険の窓口（まどぐち）に聞いてください",
    ),
    row(
        "KZ-Q05",
        "新しい資格があります。新しい資格をご利用ください",
        "There is a newer qualification. Please use that one.",
        "新しい保険（ほけん）があります。新しいほうを使ってください",
    ),
    row(
        "KZ-Q06",
        "保険証の利用登録がされていません。登録してください",
        "Insurance use of the card is not registered. Please register it.",
        "カードを保険証（ほけんしょう）にする登録（とうろく）をしてください",
    ),
    row(
        "KZ-Q07",
        "保険者のデータ登録を待っています。後日お試しください",
        "The insurer has not linked its data yet. Please try again another day.",
        "保険（ほけん）のデータを待っています。べつの日に見てください",
    ),
    row(
        "KZ-D01",
        "データを読み取れません。提供元にお知らせください",
        "The data cannot be read. Please tell the provider.",
        "データを読めません。アプリを作った所に知らせてください",
    ),
    row(
        "KZ-D02",
        "同意の有効期限が切れています。もう一度同意してください",
        "The consent is over. Please give it again.",
        "同意（どうい）の日がすぎました。もういちど同意してください",
    ),
    row(
        "KZ-D03",
        "他の端末で変更されました。読み直してください",
        "It was changed on another device. Please reload.",
        "ほかのスマホで変わりました。もういちど開いてください",
    ),
    row("KZ-D04", "期間を短くしてください", "Please choose a shorter period.", "見る日にちを短くしてください"),
    row(
        "KZ-D05",
        "受け取れない情報が含まれています。提供元にお知らせください",
        "The answer holds information that is not accepted. Please tell the provider.",
        "もらえないデータがあります。アプリを作った所に知らせてください",
    ),
    row(
        "KZ-D06",
        "登録は5人までです。先にどなたかの登録を解除してください",
        "At most five people can be registered. Please remove one first.",
        "登録（とうろく）は5人までです。先に1人の登録をけしてください",
    ),
    row(
        "KZ-D08",
        "別の方の情報が届いたため、表示しませんでした。提供元にお知らせください",
        "The answer was for somebody else and was dropped. Please tell the provider.",
        "ほかの人のデータが来ました。見せていません。アプリを作った所に知らせてください",
    ),
    row(
        "KZ-S01",
        "利用停止中です。市区町村窓口で手続きをしてください",
        "Use is stopped. Please go to your municipal office.",
        "いま、カードを止めています。市や町の役所（やくしょ）へ行ってください",
    ),
    row(
        "KZ-X01",
        "暗号化データを確認できません。提供元にお知らせください",
        "The encrypted data cannot be verified. Please tell the provider.",
        "データをたしかめられません。アプリを作った所に知らせてください",
    ),
    row(
        "KZ-X02",
        "暗号化データを確認できません。もう一度お試しください",
        "The encrypted data does not belong to this request. Please try again.",
        "データをたしかめられません。もういちど使ってください",
    ),
    row(
        "KZ-L01",
        "端末のロックを解除して、もう一度お試しください",
        "Please unlock the device and try again.",
        "スマホのロックをはずして、もういちど使ってください",
    ),
    row(
        "KZ-L02",
        "端末の鍵が替わり、保存データを開けません。新しく登録してください",
        "The keys of this device have changed. Please register everybody anew.",
        "スマホが新しくなり、データを開けません。もういちど登録（とうろく）してください",
    ),
    row(
        "KZ-U01",
        "アプリの設定に誤りがあります。提供元にお知らせください",
        "The app is set up wrongly. Please tell the provider.",
        "アプリにまちがいがあります。アプリを作った所に知らせてください",
    ),
    row(
        "KZ-U02",
        "処理中です。お待ちください",
        "Please wait, a call is running.",
        "いま、うごいています。少し待ってください",
    ),
    row(
        "KZ-U03",
        "中止しました。続けるときは最初からやり直してください",
        "Cancelled. To go on, please start again.",
        "やめました。つづけるときは、はじめからやってください",
    ),
    row(
        "KZ-U04",
        "問題が起きました。もう一度お試しください",
        "Something went wrong. Please try again.",
        "うまくいきませんでした。もういちど使ってください",
    ),
];
