//! E6: reads 医療費通知情報 as マイナポータル lets its users download it.
//!
//! ```text
//! わたしの情報
//! 医療費通知情報
//! 項目名,内容
//! 資格情報                      name, birth date, 記号・番号: dropped while reading
//! 医療費の合計 / 年間の合計      期間 and four amounts
//! 医療費情報明細                診療年月 begins a line of the notice, seven members follow
//! 保険者情報                    保険者の名称
//! ```
//!
//! One `key,value` a line; amounts have thousands separators and then quotes; a line without value opens a block.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use super::encoding::{Encoding, decode};
use super::my_number;
use crate::error::{Error, ResourceFault};
use crate::insurance::{ExpenseKind, Payment, YearMonth};
use crate::text;

/// Largest file, in bytes: a year of 995 lines has about 250 KB.
pub const MAX_NOTICE_BYTES: usize = 8 << 20;
/// Most lines.
const MAX_LINES: usize = 200_000;
/// Longest line, in bytes.
const MAX_LINE: usize = 4096;
/// Members that are kept although their names are not known.
const MAX_UNKNOWN: usize = 1000;

const WHAT: &str = "expense notice";

/// The four amounts, in the order of the file.
const AMOUNTS: [&str; 4] = ["医療費の総額(円)", "保険者の負担額(円)", "その他の公費の負担額(円)", "窓口相当負担額(円)"];

/// What one file held. Name, birth date, sex, address, 記号・番号 and My Numbers are dropped while it is read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoticeImport {
    /// One for each line of the notice that has a month. The same lines give the same [`Payment::source_id`] and
    /// [`Payment::row`], in whatever file and order they come.
    pub payments: Vec<Payment>,
    /// What does not fit; nothing is left out for it unless the finding says so.
    pub findings: Vec<NoticeFinding>,
    /// 保険者の名称.
    pub insurer: Option<String>,
    /// First and last month of 期間: months within it have arrived, though perhaps without any line.
    pub period: Option<(YearMonth, YearMonth)>,
    /// Members that are not known here: block, key and value.
    pub unknown: Vec<(String, String, String)>,
    /// How the file was written.
    pub encoding: Encoding,
}

/// Something in the file that does not fit. Lines are counted from 1; no finding holds a value of a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoticeFinding {
    /// 総額 is not the sum of its three parts (invariant V-1).
    AmountMismatch {
        /// Where the line of the notice begins.
        line: usize,
    },
    /// A sum that the file states is not that of its lines.
    SumDiffers {
        /// Where the block begins.
        line: usize,
        /// Which amount.
        amount: &'static str,
        /// As stated, in yen.
        stated_yen: i64,
        /// As added up, in yen.
        added_yen: i64,
    },
    /// The file states no sums: it may have been cut off.
    NoSums,
    /// A value of a known member that cannot be read.
    Unreadable {
        /// Where it stands.
        line: usize,
    },
    /// A line of the notice without month or without any amount. Without a month it is left out.
    Incomplete {
        /// Where it begins.
        line: usize,
    },
    /// A 診療区分 that is not known here; kept as [`ExpenseKind::Other`].
    UnknownKind {
        /// Where it stands.
        line: usize,
    },
    /// A value that looks like a My Number; it was dropped.
    MyNumberDropped {
        /// Where it stood.
        line: usize,
    },
    /// More unknown members than are kept.
    TooManyUnknown,
}

impl NoticeFinding {
    /// Stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AmountMismatch { .. } => "amount_mismatch",
            Self::SumDiffers { .. } => "sum_differs",
            Self::NoSums => "no_sums",
            Self::Unreadable { .. } => "unreadable",
            Self::Incomplete { .. } => "incomplete",
            Self::UnknownKind { .. } => "unknown_kind",
            Self::MyNumberDropped { .. } => "my_number_dropped",
            Self::TooManyUnknown => "too_many_unknown",
        }
    }

    /// Line of the file it is about.
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::AmountMismatch { line }
            | Self::SumDiffers { line, .. }
            | Self::Unreadable { line }
            | Self::Incomplete { line }
            | Self::UnknownKind { line }
            | Self::MyNumberDropped { line } => Some(*line),
            Self::NoSums | Self::TooManyUnknown => None,
        }
    }
}

impl NoticeImport {
    /// Reads a file. `person` is the index into the caller's people; `owner` is a lasting id of that person, so that two
    /// members of a family with the same line get different ids.
    ///
    /// # Errors
    /// [`ResourceFault::TooLarge`] over 8 MiB, 200,000 lines or 4096 bytes in a line; [`ResourceFault::Malformed`] for an
    /// unknown encoding or another kind of file.
    pub fn parse(bytes: &[u8], person: usize, owner: &str) -> Result<Self, Error> {
        if bytes.len() > MAX_NOTICE_BYTES {
            return Err(ResourceFault::TooLarge.into());
        }
        let (text, encoding) = decode(bytes).ok_or(ResourceFault::Malformed { what: WHAT })?;
        let lines = text.split(['\n', '\r']);
        if lines.clone().count() > MAX_LINES || lines.clone().any(|line| line.len() > MAX_LINE) {
            return Err(ResourceFault::TooLarge.into());
        }
        let mut reader = Reader::new(encoding);
        let mut records =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes()).into_records();
        while let Some(Ok(record)) = records.next() {
            let line = record.position().map_or(0, csv::Position::line);
            let key = record.get(0).unwrap_or_default();
            let value = record.get(1).unwrap_or_default();
            reader.take(usize::try_from(line).unwrap_or_default(), key, value);
        }
        if !reader.is_notice {
            return Err(ResourceFault::Malformed { what: WHAT }.into());
        }
        Ok(reader.finish(person, owner))
    }
}

/// A line of the notice, or a block of sums.
#[derive(Default)]
struct Amounts {
    line: usize,
    yen: [Option<i64>; 4],
}

#[derive(Default)]
struct Detail {
    amounts: Amounts,
    month: Option<YearMonth>,
    kind: Option<ExpenseKind>,
    institution: String,
}

#[derive(Default)]
struct Sum {
    amounts: Amounts,
    period: Option<(YearMonth, YearMonth)>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Block {
    Other,
    Person,
    Sum,
    Details,
}

struct Reader {
    result: NoticeImport,
    block: Block,
    title: String,
    is_notice: bool,
    /// Names in the file, to drop them wherever they stand; never kept.
    names: Vec<String>,
    sums: Vec<Sum>,
    details: Vec<Detail>,
}

impl Reader {
    fn new(encoding: Encoding) -> Self {
        let result = NoticeImport {
            payments: Vec::new(),
            findings: Vec::new(),
            insurer: None,
            period: None,
            unknown: Vec::new(),
            encoding,
        };
        Self {
            result,
            block: Block::Other,
            title: String::new(),
            is_notice: false,
            names: Vec::new(),
            sums: Vec::new(),
            details: Vec::new(),
        }
    }

    fn take(&mut self, line: usize, key: &str, value: &str) {
        let key = plain(key);
        let value = value.trim();
        if value.is_empty() {
            return self.open(line, &key);
        }
        // Amounts and months have a form of their own; one number in eleven would pass by chance.
        let has_form = is_member(&key) && key != "医療機関等名称";
        if !has_form && (my_number::is_suspected(value) || my_number::is_suspected(&key)) {
            return self.result.findings.push(NoticeFinding::MyNumberDropped { line });
        }
        if self.is_personal(&key, value) {
            return;
        }
        let is_known = match self.block {
            Block::Sum => self.sum(line, &key, value),
            Block::Details => self.detail(line, &key, value),
            Block::Other | Block::Person => self.other(&key, value),
        };
        if !is_known {
            self.unknown(key, value);
        }
    }

    /// A line without a value opens a block, or is an empty member.
    fn open(&mut self, line: usize, key: &str) {
        let block = match key {
            "資格情報" => Block::Person,
            "医療費の合計" | "年間の合計" => Block::Sum,
            "医療費情報明細" => Block::Details,
            "わたしの情報" | "医療費通知情報" | "医療費明細一覧の概要" | "保険者情報" => {
                Block::Other
            }
            // A member of a line may be empty; anything else without a value is a block that is not known.
            _ if key.is_empty() || is_member(key) || is_personal_key(key) => return,
            _ if self.block == Block::Details => return,
            _ => Block::Other,
        };
        self.is_notice |= matches!(key, "医療費通知情報" | "医療費情報明細");
        self.block = block;
        self.title = key.chars().take(40).collect();
        if block == Block::Sum {
            self.sums.push(Sum { amounts: Amounts { line, ..Amounts::default() }, ..Sum::default() });
        }
    }

    fn is_personal(&mut self, key: &str, value: &str) -> bool {
        if key.contains("氏名") {
            self.names.push(plain(value).replace(' ', ""));
        }
        is_personal_key(key) || (self.block == Block::Person && (key.contains("番号") || key.contains("記号")))
    }

    fn sum(&mut self, line: usize, key: &str, value: &str) -> bool {
        let Some(sum) = self.sums.last_mut() else { return false };
        if key == "期間" {
            sum.period = period(value);
            match sum.period {
                Some(period) => self.result.period = widened(self.result.period, period),
                None => self.result.findings.push(NoticeFinding::Unreadable { line }),
            }
            return true;
        }
        amount(&mut sum.amounts, line, key, value, &mut self.result.findings)
    }

    fn detail(&mut self, line: usize, key: &str, value: &str) -> bool {
        if key == "診療年月" {
            let detail = Detail { amounts: Amounts { line, ..Amounts::default() }, ..Detail::default() };
            self.details.push(detail);
        }
        let Some(detail) = self.details.last_mut() else { return false };
        match key {
            "診療年月" => match month(value) {
                Some(month) => detail.month = Some(month),
                None => self.result.findings.push(NoticeFinding::Unreadable { line }),
            },
            "診療区分" => {
                detail.kind = kind(value);
                if detail.kind.is_none() {
                    self.result.findings.push(NoticeFinding::UnknownKind { line });
                }
            }
            "医療機関等名称" => detail.institution = value.to_owned(),
            "日数" => {}
            _ => return amount(&mut detail.amounts, line, key, value, &mut self.result.findings),
        }
        true
    }

    fn other(&mut self, key: &str, value: &str) -> bool {
        if key == "保険者の名称" {
            self.result.insurer = Some(value.to_owned());
        }
        matches!(key, "保険者の名称" | "項目名")
    }

    fn unknown(&mut self, key: String, value: &str) {
        if self.result.unknown.len() < MAX_UNKNOWN {
            self.result.unknown.push((self.title.clone(), key, value.to_owned()));
        } else if !self.result.findings.contains(&NoticeFinding::TooManyUnknown) {
            self.result.findings.push(NoticeFinding::TooManyUnknown);
        }
    }

    fn finish(mut self, person: usize, owner: &str) -> NoticeImport {
        let names: Vec<String> = self.names.into_iter().filter(|name| name.chars().count() > 1).collect();
        self.result.unknown.retain(|(_, _, value)| {
            let value = plain(value).replace(' ', "");
            !names.iter().any(|name| value.contains(name))
        });
        check_sums(&self.sums, &self.details, &mut self.result.findings);
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for detail in self.details {
            let line = detail.amounts.line;
            let [total, insurer, public, patient] = detail.amounts.yen;
            let parts = [insurer, public, patient].into_iter().try_fold(0_i64, |sum, part| sum.checked_add(part?));
            if matches!((total, parts), (Some(total), Some(parts)) if total != parts) {
                self.result.findings.push(NoticeFinding::AmountMismatch { line });
            }
            if detail.month.is_none() || patient.is_none() {
                self.result.findings.push(NoticeFinding::Incomplete { line });
            }
            let Some(month) = detail.month else { continue };
            let kind = detail.kind.unwrap_or(ExpenseKind::Other);
            let amounts = detail.amounts.yen.map(|yen| yen.map_or_else(|| "-".to_owned(), |yen| yen.to_string()));
            // What makes the line itself, so that a longer file later gives the same ids. Line feeds keep parts apart.
            let source_id = format!(
                "notice\n{}\n{}\n{month}\n{}\n{}\n{}",
                owner.len(),
                owner,
                kind.code(),
                detail.institution,
                amounts.join("\n")
            );
            let count = seen.entry(source_id.clone()).or_default();
            let row = *count;
            *count = count.saturating_add(1);
            self.result.payments.push(Payment {
                source_id,
                row,
                person,
                kind,
                // The id above is that of the file's own text, so that a file can be imported anew.
                institution: text::shown(&detail.institution).into_owned(),
                treatment_month: Some(month),
                paid_on: None,
                receipt_yen: None,
                notice_yen: patient,
                reimbursed_yen: 0,
                total_cost_yen: total,
            });
        }
        self.result
    }
}

/// Each stated sum against the lines of its period.
fn check_sums(sums: &[Sum], details: &[Detail], findings: &mut Vec<NoticeFinding>) {
    if sums.is_empty() {
        findings.push(NoticeFinding::NoSums);
    }
    // Adding the lines up for each of very many sums would take long; a file of a few years has a few.
    for sum in sums.iter().take(100) {
        let within = |detail: &&Detail| match (sum.period, detail.month) {
            (Some((first, last)), Some(month)) => first <= month && month <= last,
            _ => true,
        };
        for (at, amount) in AMOUNTS.iter().enumerate() {
            let Some(stated_yen) = sum.amounts.yen.get(at).copied().flatten() else { continue };
            let added_yen = details
                .iter()
                .filter(within)
                .filter_map(|detail| detail.amounts.yen.get(at).copied().flatten())
                .fold(0_i64, i64::saturating_add);
            if stated_yen != added_yen {
                let line = sum.amounts.line;
                findings.push(NoticeFinding::SumDiffers { line, amount, stated_yen, added_yen });
            }
        }
    }
}

/// NFKC without surrounding white space: `（円）` becomes `(円)`, full-width digits become plain ones.
fn plain(text: &str) -> String {
    text.nfkc().collect::<String>().trim().to_owned()
}

fn is_member(key: &str) -> bool {
    AMOUNTS.contains(&key) || matches!(key, "診療年月" | "診療区分" | "日数" | "医療機関等名称" | "期間")
}

fn is_personal_key(key: &str) -> bool {
    const WORDS: [&str; 13] = [
        "氏名",
        "生年月日",
        "性別",
        "年齢",
        "住所",
        "郵便番号",
        "電話",
        "個人番号",
        "マイナンバー",
        "被保険者",
        "枝番",
        "受診者",
        "対象者",
    ];
    WORDS.iter().any(|word| key.contains(word))
}

/// Takes an amount; `false` for another key.
fn amount(amounts: &mut Amounts, line: usize, key: &str, value: &str, findings: &mut Vec<NoticeFinding>) -> bool {
    let at = AMOUNTS.iter().position(|amount| *amount == key);
    let Some(cell) = at.and_then(|at| amounts.yen.get_mut(at)) else { return false };
    match yen(value) {
        Some(yen) => *cell = Some(yen),
        None => findings.push(NoticeFinding::Unreadable { line }),
    }
    true
}

/// Whole yen of at most twelve digits, with thousands separators; corrections are negative.
fn yen(value: &str) -> Option<i64> {
    let value = plain(value);
    let value = value.strip_suffix('円').unwrap_or(&value);
    let (sign, digits) = match value.strip_prefix(['-', '−', '△', '▲']) {
        Some(digits) => (-1, digits),
        None => (1, value),
    };
    let digits = digits.replace(',', "");
    if !(1..=12).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(sign)
}

/// `2025年1月`.
fn month(value: &str) -> Option<YearMonth> {
    let value = plain(value);
    let (year, month) = value.strip_suffix('月')?.split_once('年')?;
    let digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if year.len() != 4 || !digits(year, 4) || !digits(month, 2) {
        return None;
    }
    YearMonth::new(year.parse().ok()?, month.parse().ok()?)
}

/// `2025年1月～2025年12月`; NFKC makes the full-width tilde a plain one.
fn period(value: &str) -> Option<(YearMonth, YearMonth)> {
    let value = plain(value);
    let (first, last) = value.split_once(['~', '〜', '-', '–', '−'])?;
    let (first, last) = (month(first)?, month(last)?);
    (first <= last).then_some((first, last))
}

fn widened(period: Option<(YearMonth, YearMonth)>, by: (YearMonth, YearMonth)) -> Option<(YearMonth, YearMonth)> {
    Some(period.map_or(by, |(first, last)| (first.min(by.0), last.max(by.1))))
}

fn kind(value: &str) -> Option<ExpenseKind> {
    let value = plain(value);
    let known = ExpenseKind::ALL.into_iter().find(|kind| plain(kind.japanese()) == value);
    known.or_else(|| ["はり", "きゅう", "あん摩"].iter().any(|w| value.contains(w)).then_some(ExpenseKind::Acupuncture))
}
