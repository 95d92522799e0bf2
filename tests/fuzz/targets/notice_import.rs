//! The expense notice that a user downloaded and brings: any bytes. Nothing that identifies the person is kept, and the
//! same file gives the same payments.
#![no_main]

use kazasu::export::{HouseholdOptions, NoticeImport, Options, write_household};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(notice) = NoticeImport::parse(input, 0, "m1") else { return };
    assert_eq!(Ok(&notice), NoticeImport::parse(input, 0, "m1").as_ref());
    let ids: std::collections::BTreeSet<_> = notice.payments.iter().map(|one| (&one.source_id, one.row)).collect();
    assert_eq!(ids.len(), notice.payments.len(), "one id a line");
    for (_, key, _) in &notice.unknown {
        assert!(!["氏名", "個人番号", "生年月日", "被保険者"].iter().any(|word| key.contains(word)), "{key}");
    }
    // What was read can be written, whatever the institutions are called.
    let options = HouseholdOptions { file: Options::default(), people: &[], include_names: false, account: None };
    let mut out = Vec::new();
    let written = write_household(&notice.payments, &options, &mut out).expect("a vector takes all");
    let (rows, left_out) = (written.rows, written.without_amount + written.without_date);
    assert_eq!(usize::try_from(rows + left_out).expect("few"), notice.payments.len());
    let mut reader = csv_rows(&out);
    assert_eq!(reader.next(), Some(7));
    assert!(reader.by_ref().all(|cells| cells == 7));
});

/// Cells of each row, by a reader of its own (RFC 4180).
fn csv_rows(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let mut is_quoted = false;
    let mut rows = vec![1_usize];
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => *rows.last_mut().expect("a row") += 1,
            '\n' if !is_quoted => rows.push(1),
            _ => {}
        }
    }
    assert!(!is_quoted && rows.pop() == Some(1), "ends with the end of a row");
    rows.into_iter()
}
