//! Kinds of insurers by 法別番号, the first two digits of their number (厚生労働省 保険者番号等設定要領).

use super::table::{Node, RulesError, RulesHeader};

/// Systems of insurance and of public payment.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum InsurerKind {
    /// 国民健康保険: numbers of six digits, and 退職者医療.
    National,
    /// 後期高齢者医療.
    LateElderly,
    /// 被用者保険.
    Employee,
    /// 生活保護の医療扶助.
    MedicalAssistance,
    /// Other 公費負担医療.
    PublicPayer,
    /// Not in the table, or no such number. Nothing is guessed.
    Unknown,
}

/// What a number tells of its insurer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InsurerSystem<'a> {
    /// Its kind.
    pub kind: InsurerKind,
    /// Name of the system, such as 組合管掌健康保険.
    pub name: Option<&'a str>,
}

/// The table of 法別番号.
#[derive(Clone, Debug)]
pub struct InsurerKinds {
    pub(super) header: RulesHeader,
    rows: Vec<Row>,
    six_digits: String,
    association: String,
}

#[derive(Clone, Debug)]
struct Row {
    code: String,
    kind: InsurerKind,
    name: String,
}

impl InsurerKinds {
    /// The system of an insurer or public payer by its number of 6 or 8 digits. The check digit is not looked at.
    pub fn system_of(&self, number: &str) -> InsurerSystem<'_> {
        const UNKNOWN: InsurerSystem<'static> = InsurerSystem { kind: InsurerKind::Unknown, name: None };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return UNKNOWN;
        }
        match number.len() {
            // 国民健康保険組合 have a 3 in the third place.
            6 => {
                let name = if number.get(2..3) == Some("3") { &self.association } else { &self.six_digits };
                InsurerSystem { kind: InsurerKind::National, name: Some(name) }
            }
            8 => {
                let row = self.rows.iter().find(|row| number.starts_with(&row.code));
                row.map_or(UNKNOWN, |row| InsurerSystem { kind: row.kind, name: Some(&row.name) })
            }
            _ => UNKNOWN,
        }
    }

    pub(super) fn read(header: RulesHeader, node: Node<'_>) -> Result<Self, RulesError> {
        let rows = node.field("kinds")?.list()?.iter().map(Row::read).collect::<Result<_, _>>()?;
        Ok(Self {
            header,
            rows,
            six_digits: node.field("national_six_digits")?.text()?.to_owned(),
            association: node.field("national_association")?.text()?.to_owned(),
        })
    }
}

impl Row {
    fn read(node: &Node<'_>) -> Result<Self, RulesError> {
        let kind = node.field("kind")?;
        Ok(Self {
            code: node.field("code")?.text()?.to_owned(),
            kind: match kind.text()? {
                "national" => InsurerKind::National,
                "late-elderly" => InsurerKind::LateElderly,
                "employee" => InsurerKind::Employee,
                "medical-assistance" => InsurerKind::MedicalAssistance,
                "public" => InsurerKind::PublicPayer,
                _ => return Err(kind.wrong()),
            },
            name: node.field("name")?.text()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::*;

    #[test]
    fn what_is_not_in_the_table_is_unknown() {
        let kinds = Rules::embedded().expect("tables").insurer_kinds;
        for number in ["", "99999999", "00012345", "0613999", "０６１３９９９２", "é6139992", "06-13999"] {
            assert_eq!(kinds.system_of(number).kind, InsurerKind::Unknown, "{number}");
        }
    }

    #[test]
    fn codes_are_two_digits_and_stand_once() {
        let kinds = Rules::embedded().expect("tables").insurer_kinds;
        for (at, row) in kinds.rows.iter().enumerate() {
            assert!(row.code.len() == 2 && row.code.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(kinds.rows[..at].iter().all(|other| other.code != row.code), "{}", row.code);
        }
    }
}
