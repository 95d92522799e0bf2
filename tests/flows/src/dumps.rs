//! Published dumps of a JPKI test card, which the crate `myna-card` (MIT) ships. They are read from its package.

use std::path::PathBuf;
use std::process::Command;

/// The package folder of the dev-dependency `myna-card`.
pub fn package() -> PathBuf {
    // For this platform only: packages of others are in the lock file and need not be here.
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let metadata = cargo(&["metadata", "--format-version", "1", "--offline", "--filter-platform", host]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"] == "myna-card").expect("a dev-dependency");
    PathBuf::from(package["manifest_path"].as_str().expect("a path")).parent().expect("a folder").to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The folder of its dumps.
pub fn folder() -> PathBuf {
    package().join("tests/fixtures")
}

/// One dump.
pub fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
