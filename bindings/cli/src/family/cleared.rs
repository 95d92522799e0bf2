//! What has gone by age, and what will.

use kazasu::store::Retention;

use crate::args::Lang;
use crate::output::Output;

/// Tells on standard error what went and what will go.
pub(super) fn tell(done: Retention, output: Output) {
    let gone = done.history + done.records;
    let is_english = output.lang == Lang::En;
    if gone > 0 {
        output.note(if is_english {
            format!("Deleted, past their time: {gone}")
        } else {
            format!("保存期限の過ぎたデータを消しました: {gone}件")
        });
    }
    if done.marked > 0 {
        output.note(if is_english {
            format!("Past their time, to be deleted in a week or later: {} (kazasu member expired)", done.marked)
        } else {
            format!("保存期限の過ぎたデータは1週間後以降に消えます: {}件（kazasu member expired）", done.marked)
        });
    }
}
