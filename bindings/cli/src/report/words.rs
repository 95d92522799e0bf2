//! Names and numbers in words.

use kazasu::insurance::ExpenseKind;
use kazasu::time::{CalendarDate, UnixMillis};

/// Name in JSON, kind, Japanese, English.
pub(super) const KINDS: &[(&str, ExpenseKind, &str, &str)] = &[
    ("medical_inpatient", ExpenseKind::MedicalInpatient, "医科 入院", "Medical, inpatient"),
    ("medical_outpatient", ExpenseKind::MedicalOutpatient, "医科 外来", "Medical, outpatient"),
    ("dental_inpatient", ExpenseKind::DentalInpatient, "歯科 入院", "Dental, inpatient"),
    ("dental_outpatient", ExpenseKind::DentalOutpatient, "歯科 外来", "Dental, outpatient"),
    ("pharmacy", ExpenseKind::Pharmacy, "調剤", "Pharmacy"),
    ("home_nursing", ExpenseKind::HomeNursing, "訪問看護", "Home nursing"),
    ("judo_therapy", ExpenseKind::JudoTherapy, "柔道整復", "Judo therapy"),
    ("acupuncture", ExpenseKind::Acupuncture, "はり・きゅう・あん摩", "Acupuncture, massage"),
    ("over_the_counter", ExpenseKind::OverTheCounter, "市販薬", "Over the counter"),
    ("nursing_care", ExpenseKind::NursingCare, "介護保険サービス", "Nursing care"),
    ("transport", ExpenseKind::Transport, "通院交通費", "Transport"),
    ("appliance", ExpenseKind::Appliance, "医療用器具", "Appliances"),
    ("vaccination", ExpenseKind::Vaccination, "予防接種", "Vaccination"),
    ("checkup", ExpenseKind::Checkup, "健康診断・人間ドック", "Check-up"),
    ("private_room", ExpenseKind::PrivateRoom, "差額ベッド（希望による）", "Private room by choice"),
    ("cosmetic", ExpenseKind::Cosmetic, "美容", "Cosmetic"),
    ("private_car", ExpenseKind::PrivateCar, "自家用車の燃料・駐車場", "Own car: fuel, parking"),
    ("other", ExpenseKind::Other, "その他", "Other"),
];

/// Language of one report.
#[derive(Clone, Copy)]
pub(super) struct Tongue {
    pub(super) japanese: bool,
}

impl Tongue {
    pub(super) fn say<'a>(self, ja: &'a str, en: &'a str) -> &'a str {
        if self.japanese { ja } else { en }
    }

    pub(super) fn kind(self, kind: ExpenseKind) -> &'static str {
        let known = KINDS.iter().find(|(_, one, ..)| *one == kind);
        known.map_or("?", |(_, _, ja, en)| if self.japanese { ja } else { en })
    }

    /// An amount with its unit.
    pub(super) fn yen(self, yen: i128) -> String {
        if self.japanese {
            format!("{}円", grouped(yen))
        } else {
            format!("¥{}", grouped(yen)).replace("¥−", "−¥")
        }
    }

    /// A difference, its sign always shown.
    pub(super) fn difference(self, yen: i128) -> String {
        match yen {
            0 => "±0".to_owned(),
            1.. => format!("+{}", grouped(yen)),
            _ => grouped(yen),
        }
    }

    pub(super) fn date(self, date: CalendarDate) -> String {
        let CalendarDate { year, month, day } = date;
        if self.japanese {
            format!("{year}年{month}月{day}日")
        } else {
            format!("{day} {} {year}", MONTHS[at(month)])
        }
    }

    /// A month's name, short enough to stand below a bar.
    pub(super) fn month(self, month: usize) -> String {
        if self.japanese { format!("{month}月") } else { MONTHS[at(u8::try_from(month).unwrap_or(1))].to_owned() }
    }

    pub(super) fn year(self, year: u16) -> String {
        if self.japanese { format!("{year}年") } else { year.to_string() }
    }

    /// Day and time in Japan.
    pub(super) fn time(self, at: UnixMillis) -> String {
        let date = self.date(CalendarDate::in_japan(at));
        let text = at.to_rfc3339();
        let clock = text.get(11..16).unwrap_or_default();
        if self.japanese { format!("{date} {clock}") } else { format!("{date}, {clock} JST") }
    }
}

/// Whole numbers with separators and a true minus sign.
pub(super) fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn at(month: u8) -> usize {
    usize::from(month.clamp(1, 12)) - 1
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_separators_and_signs() {
        let (ja, en) = (Tongue { japanese: true }, Tongue { japanese: false });
        assert_eq!([0, 999, 1_000, 1_234_567].map(|yen| ja.yen(yen)), ["0円", "999円", "1,000円", "1,234,567円"]);
        assert_eq!([en.yen(-1_234), en.yen(5)], ["−¥1,234", "¥5"]);
        assert_eq!(grouped(i128::from(i64::MIN)), "−9,223,372,036,854,775,808");
        assert_eq!([1_500, 0, -20].map(|yen| ja.difference(yen)), ["+1,500", "±0", "−20"]);
    }

    #[test]
    fn dates_are_written_as_people_do() {
        let at = UnixMillis::parse_rfc3339("2026-11-20T10:05:03+09:00").expect("valid");
        assert_eq!(Tongue { japanese: true }.time(at), "2026年11月20日 10:05");
        assert_eq!(Tongue { japanese: false }.time(at), "20 Nov 2026, 10:05 JST");
    }
}
