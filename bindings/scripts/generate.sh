#!/usr/bin/env bash
# Generates the binding sources from the built library, with the generator of this workspace.
#
#   bindings/scripts/generate.sh kotlin-jvm|kotlin-android|python|swift OUT LIBRARY
#
# OUT      folder for the sources; made if missing
# LIBRARY  the library the sources will be used with: libkazasu_ffi.so, .dylib, .dll or .a. Never mix builds.
#
# UNIFFI_BINDGEN names a generator that is built already, UNIFFI_BINDGEN_SWIFT the one for Swift.
# Same library, same output. What is generated is not committed.
set -euo pipefail

usage() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
}

(($# == 3)) || usage
language=$1 out=$(realpath -m "$2") library=$(realpath -e "$3")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The generator asks cargo for the uniffi.toml of the crate; built quietly if it is not there.
bindgen() {
    if [[ -n ${UNIFFI_BINDGEN:-} ]]; then
        "$UNIFFI_BINDGEN" "$@"
    else
        cargo run --quiet -p kazasu-bindgen --bin uniffi-bindgen -- "$@"
    fi
}

bindgen_swift() {
    if [[ -n ${UNIFFI_BINDGEN_SWIFT:-} ]]; then
        "$UNIFFI_BINDGEN_SWIFT" "$@"
    else
        cargo run --quiet -p kazasu-bindgen --bin uniffi-bindgen-swift -- "$@"
    fi
}

mkdir -p "$out"
case $language in
kotlin-jvm) bindgen generate --language kotlin --no-format --config bindings/ffi/jvm.toml --out-dir "$out" "$library" ;;
kotlin-android) bindgen generate --language kotlin --no-format --out-dir "$out" "$library" ;;
python) bindgen generate --language python --no-format --out-dir "$out" "$library" ;;
swift)
    bindgen_swift --swift-sources --headers --modulemap --module-name kazasu_ffiFFI --modulemap-filename module.modulemap \
        "$library" "$out"
    ;;
*) usage ;;
esac
