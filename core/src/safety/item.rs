//! The ten items in words: a title, why it matters, one thing to do.

use crate::guidance::Language;

/// The ten items.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Item {
    /// 1: a PIN that is hard to guess.
    PinHardToGuess,
    /// 2: never lend the card.
    NeverLent,
    /// 3: app and device up to date.
    UpToDate,
    /// 4: no public Wi-Fi.
    NoPublicWifi,
    /// 5: stop at once when lost.
    StoppedWhenLost,
    /// 6: each family member has a PIN of their own.
    OwnPins,
    /// 7: take off the case for reading.
    CaseRemoved,
    /// 8: look at the access log.
    LogSeen,
    /// 9: no suspicious mail.
    NoSuspiciousMail,
    /// 10: follow official information.
    OfficialNotices,
}

/// How an outcome is known.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Evidence {
    /// Measured by the app.
    Measured,
    /// Concluded from what was measured.
    Inferred,
    /// What the user says.
    SelfDeclared,
    /// By design nothing is kept that could tell.
    NotCheckable,
}

/// A title, why it matters, one thing to do: in Japanese, English and easy Japanese.
struct Words {
    title: [&'static str; 3],
    reason: [&'static str; 3],
    action: [&'static str; 3],
}

impl Item {
    /// All ten, in their order.
    pub const ALL: [Self; 10] = [
        Self::PinHardToGuess,
        Self::NeverLent,
        Self::UpToDate,
        Self::NoPublicWifi,
        Self::StoppedWhenLost,
        Self::OwnPins,
        Self::CaseRemoved,
        Self::LogSeen,
        Self::NoSuspiciousMail,
        Self::OfficialNotices,
    ];

    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PinHardToGuess => "pin_hard_to_guess",
            Self::NeverLent => "never_lent",
            Self::UpToDate => "up_to_date",
            Self::NoPublicWifi => "no_public_wifi",
            Self::StoppedWhenLost => "stopped_when_lost",
            Self::OwnPins => "own_pins",
            Self::CaseRemoved => "case_removed",
            Self::LogSeen => "log_seen",
            Self::NoSuspiciousMail => "no_suspicious_mail",
            Self::OfficialNotices => "official_notices",
        }
    }

    /// Its place, 1 to 10.
    pub const fn number(self) -> u8 {
        (self as u8).saturating_add(1)
    }

    /// How it could be known; a [`super::Finding`] says how it is.
    pub const fn evidence(self) -> Evidence {
        match self {
            Self::NeverLent | Self::NoSuspiciousMail => Evidence::SelfDeclared,
            Self::OwnPins => Evidence::NotCheckable,
            _ => Evidence::Measured,
        }
    }

    /// What it is called.
    pub const fn title(self, language: Language) -> &'static str {
        in_language(self.words().title, language)
    }

    /// Why it matters.
    pub const fn reason(self, language: Language) -> &'static str {
        in_language(self.words().reason, language)
    }

    /// One thing to do, when it does not pass.
    pub const fn action(self, language: Language) -> &'static str {
        in_language(self.words().action, language)
    }

    const fn words(self) -> Words {
        match self {
            Self::PinHardToGuess => Words {
                title: ["推測されにくい暗証番号", "A PIN that is hard to guess", "人にわからない番号（ばんごう）"],
                reason: [
                    "生年月日や同じ数字の並びは、最初に試されます",
                    "Birth dates and repeated digits are what others try first.",
                    "生まれた日や同じ数字（すうじ）は、すぐにわかります",
                ],
                action: [
                    "暗証番号を推測されにくいものに変えてください",
                    "Please change the PIN to one that is hard to guess.",
                    "人にわからない番号（ばんごう）にかえてください",
                ],
            },
            Self::NeverLent => Words {
                title: ["カードを貸さない", "The card stays with you", "カードを人にかさない"],
                reason: [
                    "貸したカードでの手続きは、ご本人のものとして扱われます",
                    "What is done with a lent card counts as done by you.",
                    "かりた人がしたことは、あなたがしたことになります",
                ],
                action: [
                    "カードはいつもご自身でお持ちください",
                    "Please keep the card with you.",
                    "カードは、いつも自分で持ってください",
                ],
            },
            Self::UpToDate => Words {
                title: ["アプリと端末を最新に", "App and device up to date", "アプリとスマホを新しくする"],
                reason: [
                    "古いアプリや端末には、直されていない弱点があります",
                    "Old apps and devices have weaknesses that newer ones have mended.",
                    "古いアプリやスマホは、あぶないことがあります",
                ],
                action: [
                    "アプリと端末のソフトウェアを更新してください",
                    "Please update the app and the device's software.",
                    "アプリとスマホのソフトを新しくしてください",
                ],
            },
            Self::NoPublicWifi => Words {
                title: ["公衆Wi-Fiを使わない", "No public Wi-Fi", "町のWi-Fiを使わない"],
                reason: [
                    "暗号化されていないWi-Fiでは、通信を妨げられることがあります",
                    "On an open Wi-Fi others can interfere with the connection.",
                    "だれでも使えるWi-Fiは、あぶないことがあります",
                ],
                action: [
                    "携帯電話回線か、ご自宅のWi-Fiをご利用ください",
                    "Please use mobile data or your Wi-Fi at home.",
                    "スマホの電波（でんぱ）か、家のWi-Fiを使ってください",
                ],
            },
            Self::StoppedWhenLost => Words {
                title: ["紛失したらすぐ停止", "Lost: stopped at once", "カードをなくしたら、すぐ止める"],
                reason: [
                    "早く止めるほど、他の人に使われにくくなります",
                    "The sooner it is stopped, the less others can do with it.",
                    "早く止めると、ほかの人が使えなくなります",
                ],
                action: [
                    "停止の準備と練習をしてください（電話0120-95-0178）",
                    "Please set up and practise the stop (0120-95-0178; in other languages 0120-0178-27).",
                    "止める練習（れんしゅう）をしてください（電話0120-95-0178）",
                ],
            },
            Self::OwnPins => Words {
                title: ["ご家族それぞれの暗証番号", "A PIN of their own for each", "家族でちがう番号（ばんごう）"],
                reason: [
                    "同じ番号だと、一つ知られると全員分が知られます",
                    "Where all share one PIN, one that is seen opens every card.",
                    "同じ番号（ばんごう）は、1つわかると、みんなわかります",
                ],
                action: [
                    "ご家族それぞれ別の暗証番号にしてください",
                    "Please give each family member a different PIN.",
                    "家族は、べつべつの番号（ばんごう）にしてください",
                ],
            },
            Self::CaseRemoved => Words {
                title: ["読み取り時はケースを外す", "No case while reading", "カードを読むときは、ケースをはずす"],
                reason: [
                    "ケースや金属は電波をさえぎり、読み取りが途切れます",
                    "Cases and metal weaken the link, and reading breaks off.",
                    "ケースがあると、カードを読めないことがあります",
                ],
                action: [
                    "ケースを外し、カードを背面中央に付けてください",
                    "Please take off the case and hold the card to the middle of the back.",
                    "ケースをはずして、うらの中ほどにあててください",
                ],
            },
            Self::LogSeen => Words {
                title: ["閲覧履歴を確かめる", "A look at the access log", "だれが見たか、たしかめる"],
                reason: [
                    "覚えのない閲覧に早く気づけます",
                    "Accesses you do not know are noticed early.",
                    "知らない人が見たとき、すぐにわかります",
                ],
                action: [
                    "月に一度、閲覧履歴をご確認ください",
                    "Please look at the access log once a month.",
                    "月に1回、だれが見たか、見てください",
                ],
            },
            Self::NoSuspiciousMail => Words {
                title: ["不審なメールを開かない", "No suspicious mail", "へんなメールを開かない"],
                reason: [
                    "暗証番号をメールやSMSでお尋ねすることはありません",
                    "No mail or text message of ours ever asks for a PIN.",
                    "メールで番号（ばんごう）を聞くことはありません",
                ],
                action: [
                    "届いたリンクから暗証番号を入力しないでください",
                    "Please never enter a PIN behind a link that you were sent.",
                    "メールから番号（ばんごう）を入れないでください",
                ],
            },
            Self::OfficialNotices => Words {
                title: ["公式のお知らせを見る", "Official notices", "国のお知らせを見る"],
                reason: [
                    "制度や手続きは変わることがあります",
                    "Rules and procedures change from time to time.",
                    "きまりは、かわることがあります",
                ],
                action: [
                    "厚生労働省・デジタル庁のお知らせをご確認ください",
                    "Please look at the notices of 厚生労働省 (Ministry of Health) and デジタル庁 (Digital Agency).",
                    "国のお知らせを見てください",
                ],
            },
        }
    }
}

const fn in_language([ja, en, easy]: [&'static str; 3], language: Language) -> &'static str {
    language.choose(ja, en, easy)
}
