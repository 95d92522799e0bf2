//! UniFFI's generator for Kotlin and Python, at the version of this workspace.

fn main() {
    uniffi::uniffi_bindgen_main()
}
