//! Published dumps of a JPKI test card, which the crate `myna-card` (MIT) ships. They are read from its package.

use std::path::PathBuf;
use std::process::Command;

/// The package folder of the dev-dependency `myna-card`.
pub fn package() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"] == "myna-card").expect("a dev-dependency");
    PathBuf::from(package["manifest_path"].as_str().expect("a path")).parent().expect("a folder").to_owned()
}

/// The folder of its dumps.
pub fn folder() -> PathBuf {
    package().join("tests/fixtures")
}

/// One dump.
pub fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
