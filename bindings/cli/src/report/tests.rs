use kazasu::insurance::{ExpenseKind, Person};
use kazasu::time::{CalendarDate, UnixMillis};

use super::input::*;
use super::*;

fn day(text: &str) -> CalendarDate {
    CalendarDate::parse(text).expect("a day")
}

fn person(nickname: &str) -> Person {
    Person { nickname: nickname.to_owned(), name: None, shares_livelihood: true }
}

fn year(year: u16, yen: i64) -> Year {
    let rows = vec![Row { person: 0, kind: ExpenseKind::Pharmacy, sum_yen: yen * 12, count: 12 }];
    Year { year, months: [Month::Whole(yen); 12], rows }
}

fn empty() -> ReportInput {
    ReportInput {
        generated_at: UnixMillis::parse_rfc3339("2026-11-20T10:15:00+09:00").expect("a time"),
        japanese: true,
        people: Vec::new(),
        coverages: Vec::new(),
        years: Vec::new(),
        deductions: Vec::new(),
        checkups: Vec::new(),
        duplicates: None,
        notes: Vec::new(),
    }
}

#[test]
fn nothing_received_is_said_and_not_drawn() {
    let page = render(&empty());
    assert!(
        page.contains("医療費のデータはまだ届いていません。") && page.contains("健診のデータはまだ届いていません。")
    );
    assert!(!page.contains("<svg") && !page.contains("お薬の重複"));
    let page = render(&ReportInput { japanese: false, ..empty() });
    assert!(
        page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">") && page.contains("No expenses have been received yet.")
    );
}

#[test]
fn the_policy_names_the_style_and_forbids_the_rest() {
    let page = render(&ReportInput { years: vec![year(2026, 1_000)], ..empty() });
    let style = page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).expect("a style");
    let hash = Base64::encode_string(&Sha256::digest(style.as_bytes()));
    assert!(page.contains(&format!(
        "content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\""
    )));
    for word in ["http:", "https:", "//", "url(", "<script", "@import", " style=", "javascript:", " on"] {
        let found = page.split("<body>").nth(1).expect("a body").contains(word) || style.contains(word);
        assert!(!found, "{word}");
    }
}

#[test]
fn a_year_is_compared_over_months_that_came_in_both() {
    let mut this = year(2026, 3_000);
    this.months[10] = Month::Missing;
    this.months[11] = Month::Missing;
    let page =
        render(&ReportInput { people: vec![person("見本 花子")], years: vec![this, year(2025, 2_500)], ..empty() });
    assert!(page.contains("前年の同じ月との差 <strong>+5,000円</strong>（両年とも届いている10か月）"), "{page}");
    assert!(page.contains(
        "同じ月の計</th><td class=\"one\">30,000</td><td class=\"one\">25,000</td><td class=\"one\">+5,000</td>"
    ));
    assert!(page.contains("未着の月（合計に入っていません）: 11月・12月"));
    // A sum over fewer months is compared with nothing.
    assert!(!page.contains("前年との差</th>"));
    let page = render(&ReportInput {
        people: vec![person("x")],
        years: vec![year(2026, 3_000), year(2025, 2_500)],
        ..empty()
    });
    assert!(page.contains("前年との差</th>") && page.contains(">+6,000</td>"));
}

#[test]
fn the_words_of_a_possible_duplicate_are_exact_and_none_is_not_called_safe() {
    let medicine = |start| Medicine { name: "みほん錠60mg".to_owned(), start: day(start), days: Some(14) };
    let pair = Pair {
        person: 0,
        first: medicine("2026-11-01"),
        second: medicine("2026-11-08"),
        likeness: "同一成分・同一規格".to_owned(),
        days: 7,
        is_estimated: false,
    };
    let source = |until| Source { name: "調剤情報".to_owned(), until };
    let found = Duplicates { pairs: vec![pair], sources: vec![source(Some(day("2026-11-15"))), source(None)] };
    let page = render(&ReportInput { duplicates: Some(found), ..empty() });
    assert!(page.contains(">重複の可能性があります。医師・薬剤師に見せてください</p>"));
    assert!(page.contains("データ時点") && page.contains("2026年11月15日") && page.contains("7日間重なります"));
    let none = Duplicates { pairs: Vec::new(), sources: vec![source(None)] };
    let page = render(&ReportInput { duplicates: Some(none), ..empty() });
    assert!(
        page.contains("届いていない薬は調べていません。") && page.contains("未着") && !page.contains("重複の可能性")
    );
    for word in ["安全", "飲むのをやめ", "問題ありません"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn an_estimate_is_called_one() {
    let deduction = Deduction {
        year: 2026,
        paid_yen: 312_400,
        reimbursed_yen: 50_000,
        threshold_yen: 100_000,
        deduction_yen: 162_400,
    };
    let page = render(&ReportInput { deductions: vec![deduction], ..empty() });
    assert!(page.contains("162,400円") && page.contains("控除額（試算）"));
    assert!(page.contains("医療費通知の代わりにはなりません"));
}

#[test]
fn hostile_and_long_names_survive() {
    let hostile = "<script>alert(1)</script>\"'&\u{202e}".to_owned();
    let long = "寿".repeat(300);
    let checkup = Checkup {
        person: 0,
        item: hostile.clone(),
        unit: hostile.clone(),
        points: vec![Point { date: day("2026-05-01"), value: "5".to_owned(), comparator: None }],
        lines: vec![Line { value: 6.0, direction: Direction::AtLeast, words: hostile.clone() }],
    };
    let coverage = Coverage {
        person: 1,
        insurer: Some(hostile.clone()),
        in_force: Some(true),
        copay_percent: Some(30),
        limit: Some(hostile.clone()),
        as_of: UnixMillis(0),
    };
    let page = render(&ReportInput {
        people: vec![person(&hostile), person(&long)],
        coverages: vec![coverage],
        checkups: vec![checkup],
        years: vec![year(2026, 1)],
        notes: vec![hostile],
        ..empty()
    });
    assert!(page.contains(&long) && !page.contains("<script") && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
}

#[test]
fn five_people_ten_years_and_people_that_are_not_listed() {
    let people = (1..=5).map(|n| person(&format!("見本 {n}"))).collect();
    let mut years: Vec<Year> = (2017..=2026).map(|n| year(n, i64::from(n))).collect();
    for (index, year) in years.iter_mut().enumerate() {
        year.rows.extend((0..7).map(|person| Row {
            person,
            kind: ExpenseKind::MedicalInpatient,
            sum_yen: if index == 0 { i64::MAX } else { -5 },
            count: u32::MAX,
        }));
    }
    years[3].months = [Month::Whole(i64::MAX); 12];
    let page = render(&ReportInput { people, years, ..empty() });
    assert_eq!(page.matches("<svg").count(), 10);
    assert!(!page.contains("NaN") && !page.contains("inf\""));
    assert!(page.contains("110,680,464,442,257,309,684円"));
}
