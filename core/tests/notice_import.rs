//! The expense notice of マイナポータル (E6): what is read, what is dropped, and hostile files.
#![cfg(feature = "export")]
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use kazasu::export::{Encoding, MAX_NOTICE_BYTES, NoticeFinding, NoticeImport};
use kazasu::insurance::{ExpenseKind, YearMonth};
use proptest::prelude::*;
use serde_json::Value;

/// A file as its users download it: all people and institutions are fictitious.
fn file(details: &str, sums: [&str; 4]) -> String {
    let sum = |title: &str| {
        let [total, insurer, public, patient] = sums;
        format!(
            "{title}\n期間,2025年1月～2025年12月\n医療費の総額（円）,\"{total}\"\n保険者の負担額（円）,\"{insurer}\"\n\
             その他の公費の負担額（円）,{public}\n窓口相当負担額（円）,\"{patient}\"\n"
        )
    };
    format!(
        "わたしの情報\n医療費通知情報\n\n項目名,内容\n作成日,2026年2月23日\n資格情報\n氏名カナ,ミホンハナコ\n氏名,見本　花子\n\
         生年月日,1990年1月1日\n性別,女\n年齢,36歳\n保険者等番号,06139992\n被保険者証等記号,７７０１\n被保険者証等番号,００１２３４\n\
         枝番,01\n組合員証記号,ウ９９\n医療費明細一覧の概要\n一覧表示の範囲,2025年12月まで\n{}{}医療費情報明細\n{details}保険者情報\n\
         保険者の名称,見本健康保険組合\n医療費情報明細の範囲,2025年1月～2025年12月\n",
        sum("医療費の合計"),
        sum("年間の合計")
    )
}

fn sample() -> (Value, String) {
    let vectors: Value =
        serde_json::from_str(include_str!("../../tests/vectors/health-domain/exports.json")).expect("vectors");
    let notice = vectors["notice"].clone();
    let lines = notice["lines"].as_array().expect("lines").iter().map(|line| line.as_str().expect("text"));
    let details = lines.collect::<Vec<_>>().join("\n") + "\n";
    (notice, details)
}

const SUMS: [&str; 4] = ["5,950", "4,165", "0", "1,785"];

fn read(text: &str) -> NoticeImport {
    NoticeImport::parse(text.as_bytes(), 0, "m1").expect("a notice")
}

#[test]
fn the_sample_is_read_in_every_encoding() {
    let (notice, details) = sample();
    let text = file(&details, SUMS);
    let utf8 = read(&text);
    let payment = &utf8.payments[0];
    assert_eq!((utf8.payments.len(), utf8.findings.as_slice()), (1, &[][..]));
    assert_eq!(payment.kind, ExpenseKind::from_code(notice["kind"].as_str().expect("a kind")));
    assert_eq!(payment.treatment_month, YearMonth::parse(notice["month"].as_str().expect("a month")));
    assert_eq!(payment.total_cost_yen, notice["total_yen"].as_i64());
    assert_eq!((payment.notice_yen, payment.receipt_yen), (notice["notice_yen"].as_i64(), None));
    assert_eq!(utf8.insurer.as_deref(), Some("見本健康保険組合"));
    assert_eq!(utf8.period, YearMonth::new(2025, 1).zip(YearMonth::new(2025, 12)));
    let crlf = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let bom = read(&crlf);
    assert_eq!((bom.encoding, &bom.payments), (Encoding::Utf8Bom, &utf8.payments));
    let cp932: Vec<u8> = {
        let table: std::collections::HashMap<char, Vec<u8>> = kazasu::export::cp932_characters().collect();
        text.chars().flat_map(|c| table[&c].clone()).collect()
    };
    let cp932 = NoticeImport::parse(&cp932, 0, "m1").expect("a notice");
    assert_eq!((cp932.encoding, &cp932.payments), (Encoding::Cp932, &utf8.payments));
}

#[test]
fn nothing_of_the_person_is_kept() {
    let (_, details) = sample();
    let extra = "備考,見本 花子 様分\n新しい項目,値\n個人番号,999\n連絡,1234-5678-9018\n";
    let found = read(&file(&(details + extra), SUMS));
    let all = format!("{found:?}");
    for secret in
        ["見本　花子", "花子", "ミホン", "７７０１", "7701", "００１２３４", "001234", "ウ９９", "1990", "5678", "999"]
    {
        assert!(!all.replace("06139992", "").contains(secret), "{secret}: {all}");
    }
    assert!(found.unknown.contains(&("医療費情報明細".into(), "新しい項目".into(), "値".into())));
    assert!(matches!(found.findings.as_slice(), [NoticeFinding::MyNumberDropped { .. }]));
}

#[test]
fn sums_and_parts_are_checked() {
    let (_, details) = sample();
    let found = read(&file(&details, ["5,950", "4,165", "0", "1,786"]));
    let sums: Vec<_> = found.findings.iter().collect();
    assert!(
        matches!(
            sums.as_slice(),
            [
                NoticeFinding::SumDiffers { line: 19, stated_yen: 1786, added_yen: 1785, .. },
                NoticeFinding::SumDiffers { line: 25, .. }
            ]
        ),
        "{sums:?}"
    );
    let found = read(&file(&details.replace("\"1,785\"", "1786"), ["5,950", "4,165", "0", "1,786"]));
    assert!(matches!(found.findings.as_slice(), [NoticeFinding::AmountMismatch { line: 32 }]), "{:?}", found.findings);
    assert_eq!(found.payments.len(), 1, "kept");
    let bare = read(&format!("医療費情報明細\n{details}"));
    assert_eq!((bare.findings, bare.payments.len()), (vec![NoticeFinding::NoSums], 1));
}

#[test]
fn what_cannot_be_read_is_told() {
    let line = "診療年月,2025年13月\n診療区分,医科\n窓口相当負担額（円）,千円\n診療年月,２０２５年２月\n窓口相当負担額（円）,△５００円\n";
    let found = read(&format!("医療費情報明細\n{line}"));
    assert_eq!(found.payments.len(), 1);
    assert_eq!((found.payments[0].notice_yen, found.payments[0].kind), (Some(-500), ExpenseKind::Other));
    for finding in [
        NoticeFinding::Unreadable { line: 2 },
        NoticeFinding::UnknownKind { line: 3 },
        NoticeFinding::Unreadable { line: 4 },
        NoticeFinding::Incomplete { line: 2 },
    ] {
        assert!(found.findings.contains(&finding), "{finding:?} in {:?}", found.findings);
    }
}

#[test]
fn the_same_line_has_the_same_id_in_a_longer_file() {
    let (_, details) = sample();
    let later = details.replace("2025年1月", "2025年2月");
    let first = read(&file(&details, SUMS));
    let longer = read(&file(&format!("{later}{details}{details}"), SUMS));
    let ids = |found: &NoticeImport| -> Vec<String> {
        found.payments.iter().map(|payment| kazasu::export::stable_id(&payment.source_id, payment.row)).collect()
    };
    assert_eq!(ids(&longer)[1], ids(&first)[0]);
    assert_eq!(longer.payments.iter().map(|payment| payment.row).collect::<Vec<_>>(), [0, 0, 1]);
    let other = NoticeImport::parse(file(&details, SUMS).as_bytes(), 1, "m2").expect("a notice");
    assert_ne!(ids(&other)[0], ids(&first)[0], "another member of the family");
}

#[test]
fn other_and_oversized_files_are_refused() {
    let code = |bytes: &[u8]| NoticeImport::parse(bytes, 0, "").err().map(|error| error.code());
    assert_eq!(code(b""), Some("KZ-D01"));
    assert_eq!(code(b"a,b\nc,d\n"), Some("KZ-D01"));
    assert_eq!(code(b"\xff\xfe\x00\x01"), Some("KZ-D01"));
    assert_eq!(code(&vec![b'\n'; MAX_NOTICE_BYTES + 1]), Some("KZ-D04"));
    assert_eq!(code(&vec![b'\n'; 200_001]), Some("KZ-D04"));
    assert_eq!(code(&vec![b'a'; 4097]), Some("KZ-D04"));
    let many = "未知,1\n".repeat(2000);
    let found = read(&format!("医療費通知情報\n{many}"));
    assert_eq!(found.unknown.len(), 1000);
    assert!(found.findings.contains(&NoticeFinding::TooManyUnknown));
}

proptest! {
    #[test]
    fn no_file_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        text in "[診療年月区分氏名の合計,\"\n\r0-9０-９円△=\\x00-]{0,200}",
        at in 0_usize..500,
    ) {
        let (_, details) = sample();
        let file = file(&details, SUMS);
        let changed: String = file.chars().take(at).chain(text.chars()).chain(file.chars().skip(at)).collect();
        let _ = NoticeImport::parse(changed.as_bytes(), 0, "");
        let _ = NoticeImport::parse(&[changed.as_bytes(), &bytes].concat(), 0, "");
    }
}
