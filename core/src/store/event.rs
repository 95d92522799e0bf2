//! What the access log tells of, and in which words.

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal $ja:literal $en:literal,)*) => {
        /// What happened. Codes are never reused.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Event {
            $($(#[$doc])* $name,)*
            /// Written by a newer version.
            Unknown(u8),
        }

        impl Event {
            /// Those of this version.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub(super) const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* Self::Unknown(code) => code }
            }

            pub(super) const fn from_code(code: u8) -> Self {
                match code { $($code => Self::$name,)* code => Self::Unknown(code) }
            }

            /// Stable name, as `--json` and exports print it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Unknown(_) => "unknown" }
            }

            /// For people, in Japanese or English.
            pub const fn words(self, japanese: bool) -> &'static str {
                match (self, japanese) {
                    $((Self::$name, true) => $ja, (Self::$name, false) => $en,)*
                    (Self::Unknown(_), true) => "不明な操作",
                    (Self::Unknown(_), false) => "unknown",
                }
            }
        }
    };
}

events! {
    /// The store was made.
    StoreCreated = 1 "store_created" "保存を開始" "store made",
    /// A member was registered.
    MemberAdded = 2 "member_added" "家族を登録" "member registered",
    /// A member's profile was changed.
    MemberChanged = 3 "member_changed" "登録内容を変更" "member changed",
    /// A member's removal began; the pseudonym means nothing to anybody once it is done.
    MemberRemoved = 4 "member_removed" "家族の登録を解除" "member removed",
    /// Everything of a removed member is gone.
    Erased = 5 "erased" "データを消去" "data erased",
    /// An online check of the eligibility.
    Qualified = 6 "qualified" "資格を確認" "eligibility checked",
    /// The history of checks was read.
    HistoryRead = 7 "history_read" "確認履歴を閲覧" "history read",
    /// Records came from the server.
    RecordsSaved = 8 "records_saved" "記録を受信" "records received",
    /// Records were read.
    RecordsRead = 9 "records_read" "記録を閲覧" "records read",
    /// Data left the store in a file.
    Exported = 10 "exported" "ファイルに書き出し" "exported",
    /// Data came into the store from a file.
    Imported = 11 "imported" "ファイルから取り込み" "imported",
    /// A consent was given or withdrawn.
    ConsentChanged = 12 "consent_changed" "同意を変更" "consent changed",
    /// A PIN was wrong, or the card left while it was checked.
    PinFailed = 13 "pin_failed" "暗証番号の失敗" "PIN failed",
    /// Use of the card was stopped.
    Suspended = 14 "suspended" "利用を停止" "use stopped",
    /// The keys were renewed.
    Rotated = 15 "rotated" "鍵を更新" "keys renewed",
    /// Data past their time were deleted.
    Expired = 16 "expired" "保存期限切れを削除" "old data deleted",
    /// The clock went backwards.
    ClockSetBack = 17 "clock_set_back" "時計が戻された" "clock set back",
    /// A payment was entered, changed or deleted.
    PaymentChanged = 18 "payment_changed" "支払いを変更" "payment changed",
    /// This log was read.
    LogRead = 19 "log_read" "この記録を閲覧" "log read",
    /// An access to the server ended: tokens revoked.
    SignedOut = 20 "signed_out" "接続を終了" "signed out",
    /// The file was brought to a newer format.
    Migrated = 21 "migrated" "保存形式を更新" "format renewed",
    /// A server's time confirmed the clock.
    ClockConfirmed = 22 "clock_confirmed" "時計を確認" "clock confirmed",
    /// Data past their time are to be deleted, in a week at the earliest.
    ExpiryMarked = 23 "expiry_marked" "期限切れの削除を予告" "deletion announced",
    /// A person confirmed that a server knows a member by another id now.
    PatientConfirmed = 24 "patient_confirmed" "サーバーでの本人を確認" "person confirmed",
}

/// What an event was about, beyond its kind: a kind of export or of records. Meaningful together with the event alone.
pub type Subject = u8;
