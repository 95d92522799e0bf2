#!/usr/bin/env bash
# Builds the command line as it is packaged, for this machine's system: real readers, nothing simulated.
#
#   bindings/scripts/build-cli.sh [OUT]      OUT: target/cli unless given
#
# Needs libpcsclite with its headers (Debian: libpcsclite-dev, pkg-config); without it the program has no readers.
#
# OUT/kazasu             stripped
# OUT/kazasu.cdx.json    what is in it, with licences (CycloneDX)
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=${1:-$HERE/../../target/cli}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
cd "$HERE/../.."
TARGET=${CARGO_TARGET_DIR:-$PWD/target}
triple=$(rustc -vV | sed -n 's/^host: //p')

options=(-p kazasu-cli --no-default-features)
if pkg-config --exists libpcsclite || [[ $triple == *-apple-* ]]; then
    options+=(--features pcsc)
else
    printf 'without readers: libpcsclite is missing\n' >&2
fi
"$HERE/reproducibly.sh" cargo build --locked --release --target "$triple" "${options[@]}"
built=$TARGET/$triple/release/kazasu
"$HERE/check_folders.sh" "$built"
strip -o "$OUT/kazasu" "$built"
"$HERE/reproducibly.sh" "$HERE/sbom.py" "$OUT/kazasu" --target "$triple" "${options[@]}" >"$OUT/kazasu.cdx.json"
printf 'done: %s, %d bytes\n' "$OUT" "$(wc -c <"$OUT/kazasu")"
