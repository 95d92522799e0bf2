//! UniFFI's generator for Swift, at the version of this workspace.

fn main() {
    uniffi::uniffi_bindgen_swift()
}
