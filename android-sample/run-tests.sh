#!/usr/bin/env bash
# Builds what the tests of the Android sample need, runs them, and prints `N passed, M failed` at the end.
#
#   CARGO_TARGET_DIR   where cargo builds; target/ of the repository if absent
#   KAZASU_BUILD       where Maven writes; target/ beside this file if absent
#
# Needs cargo, a JDK 17, Maven, and aapt2 (Debian: package aapt, installed when this runs as root).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(realpath ..)
cargo_target=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")
build=$(realpath -m "${KAZASU_BUILD:-target}")
generated=$build/generated/kotlin-jvm

if ! command -v aapt2 >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq aapt >/dev/null
fi

export CARGO_TARGET_DIR=$cargo_target
(cd "$root" && cargo build --quiet -p kazasu-ffi --features simulator -p kazasu-sandbox -p kazasu-bindgen)
# The library and the Kotlin sources belong together.
rm -rf "$generated" "$build/surefire-reports"
UNIFFI_BINDGEN=$cargo_target/debug/uniffi-bindgen "$root/bindings/scripts/generate.sh" kotlin-jvm "$generated" "$cargo_target/debug/libkazasu_ffi.so"

status=0
mvn -B -q test \
    -Dkazasu.build="$build" \
    -Dkazasu.generated="$generated" \
    -Dkazasu.library.path="$cargo_target/debug" \
    -Dkazasu.sandbox="$cargo_target/debug/kazasu-sandbox" || status=$?

echo "screens: $(find "$build/screens" -name '*.png' 2>/dev/null | wc -l) pictures in $build/screens"
# One line of counts from the reports, whatever Maven printed.
shopt -s nullglob
cat "$build"/surefire-reports/TEST-*.xml /dev/null | awk '
    /<testsuite / {
        for (at = 1; at <= NF; at++) {
            if (split($at, pair, "\"") < 2) continue
            if (pair[1] == "tests=") tests += pair[2]
            if (pair[1] == "failures=" || pair[1] == "errors=") failed += pair[2]
            if (pair[1] == "skipped=") skipped += pair[2]
        }
    }
    END {
        if (tests == 0) failed = 1
        passed = tests - failed - skipped
        if (passed < 0) passed = 0
        printf "%d passed, %d failed\n", passed, failed
        exit (failed > 0)
    }' || status=1
exit "$status"
