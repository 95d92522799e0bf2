//! What an app can know: yes or no, a day, a number. Nothing personal, and never a PIN.

use crate::time::CalendarDate;

/// What is known; `None` is not known. The comments name the item.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Facts {
    /// 1: what [`super::is_guessable_pin`] said of the PIN typed last. Only this and the day are kept.
    pub pin_is_guessable: Option<bool>,
    /// 1: the day on which it was typed.
    pub pin_checked_on: Option<CalendarDate>,
    /// 2: the answer to the yearly question whether the card was lent.
    pub card_was_lent: Option<bool>,
    /// 2: the day of that answer.
    pub lending_answered_on: Option<CalendarDate>,
    /// 2: accesses of apps or devices that the user does not know.
    pub unknown_accesses: Option<u32>,
    /// 3: the app is at least the version that the server asks for.
    pub app_is_current: Option<bool>,
    /// 3: last day of the app's set of pins.
    pub pins_until: Option<CalendarDate>,
    /// 3: day of the operating system's security patch, where the platform tells.
    pub os_patch: Option<CalendarDate>,
    /// 4: the network is open or WEP, where the platform tells.
    pub network_is_open: Option<bool>,
    /// 5: a token that stops the card's access is at hand.
    pub has_suspension_token: Option<bool>,
    /// 5: last day of that token.
    pub suspension_token_until: Option<CalendarDate>,
    /// 5: taps from the first screen to the official number.
    pub official_number_taps: Option<u32>,
    /// 5: the last drill, which stops nothing.
    pub drill: Option<Last>,
    /// 6: what the user says: each family member has another PIN.
    pub pins_differ: Option<bool>,
    /// 7: reads looked at, the last ten at most.
    pub reads: Option<u32>,
    /// 7: those of them in which the card was lost or had to be read again.
    pub broken_reads: Option<u32>,
    /// 8: when the access log was last opened.
    pub log_opened: Option<Last>,
    /// 8: entries not looked at.
    pub unseen_entries: Option<u32>,
    /// 8: entries of institutions that the user does not know.
    pub unknown_institutions: Option<u32>,
    /// 9: what the user says: a PIN was entered behind a link in a message.
    pub pin_entered_from_link: Option<bool>,
    /// 9: the app opens only links that the platform has verified.
    pub opens_verified_links_only: Option<bool>,
    /// 10: when the official notices were last fetched.
    pub notices_fetched: Option<Last>,
    /// 10: the user has opened them since.
    pub notices_are_opened: Option<bool>,
}

/// When something was last done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Last {
    /// Not once.
    Never,
    /// On this day.
    On(CalendarDate),
}
