//! Figures for people: what a test has measured, also where its output is captured because it passed.

use std::fs::OpenOptions;
use std::io::Write;

/// Prints a row of a table, and adds it to the file that `KAZASU_FIGURES` names, if it does.
pub fn row(row: &str) {
    println!("{row}");
    if let Some(file) = std::env::var_os("KAZASU_FIGURES") {
        let file = OpenOptions::new().append(true).create(true).open(file);
        // Figures are no reason to fail a test.
        let _ = file.and_then(|mut file| writeln!(file, "{row}"));
    }
}
