#!/usr/bin/env bash
# Checks the Swift package and the iOS sample without a Swift compiler. Needs Rust and Python 3.
#
#   tests/bindings/swift/check.sh
#
# Parses every Swift file, hand-written and generated; generates the sources twice and compares them; compares the two
# package manifests; checks project file, property lists and texts of the sample. It proves syntax, not types.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../../.."
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")
WORK=$TARGET/test-swift
PASSED=0 FAILED=0

passed() { PASSED=$((PASSED + 1)); printf 'ok   %s\n' "$1"; }
failed() { FAILED=$((FAILED + 1)); printf 'FAIL %s\n' "$1"; }

# check NAME COMMAND...: counts one check.
check() {
    local name=$1
    shift
    if "$@"; then passed "$name"; else failed "$name"; fi
}

# counted COMMAND...: counts its lines "ok …" and "FAIL …".
counted() {
    local verdict name status=0
    "$@" >"$WORK/verdicts" || status=$?
    while read -r verdict name; do
        case $verdict in
        ok) passed "$name" ;;
        FAIL) failed "$name" ;;
        esac
    done <"$WORK/verdicts"
    ((status <= 1)) || failed "$* (exit $status)"
}

generate() {
    rm -rf "$2"
    UNIFFI_BINDGEN_SWIFT=$TARGET/debug/uniffi-bindgen-swift bindings/scripts/generate.sh swift "$2" "$1"
}

library() {
    local suffix
    for suffix in so dylib; do
        [[ ! -f $TARGET/debug/libkazasu_ffi.$suffix ]] || { printf '%s\n' "$TARGET/debug/libkazasu_ffi.$suffix"; return; }
    done
    printf 'kazasu-ffi made no library in %s\n' "$TARGET/debug" >&2
    return 1
}

# The module map that goes with the host library names the module and the header that the generated source imports.
modules_agree() {
    grep -q '^import kazasu_ffiFFI$' "$WORK/one/KazasuFFI.swift" && [[ -s $WORK/one/kazasu_ffiFFI.h ]] &&
        grep -q '^module kazasu_ffiFFI {' bindings/swift/Host/kazasu_ffiFFI/module.modulemap &&
        grep -q '"kazasu_ffiFFI.h"' bindings/swift/Host/kazasu_ffiFFI/module.modulemap
}

# Root and bindings/swift hold the same manifest, each seen from its own place.
manifests_agree() {
    diff <(sed 's|^let home = "bindings/swift/"$|let home = ""|' Package.swift) bindings/swift/Package.swift
}

not_parsed() { ! "$@" >/dev/null 2>&1; }

# The app code of the page "from an empty app to eligibility": parsed, and at most 40 lines.
write_example() {
    # shellcheck disable=SC2016
    sed -n '/^```swift$/,/^```$/{/^```/d;p}' bindings/swift/Sources/Kazasu/Kazasu.docc/GettingStarted.md >"$WORK/Example.swift"
    local lines
    lines=$(wc -l <"$WORK/Example.swift")
    printf 'app code of the page: %d lines\n' "$lines"
    ((lines > 0 && lines <= 40))
}

mkdir -p "$WORK"
python=$WORK/venv/bin/python
if ! cmp -s "$HERE/requirements.txt" "$WORK/venv/requirements.txt"; then
    rm -rf "$WORK/venv"
    python3 -m venv "$WORK/venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$HERE/requirements.txt"
    cp "$HERE/requirements.txt" "$WORK/venv/"
fi

cargo build -p kazasu-bindgen --bin uniffi-bindgen-swift
# The library of the tests of the other languages: with the simulated card.
cargo build -p kazasu-ffi --features simulator
built=$(library)
generate "$built" "$WORK/one"
generate "$built" "$WORK/two"
check 'the generator gives the same twice' diff -r "$WORK/one" "$WORK/two"
check 'generated source and module map agree' modules_agree
check 'the two package manifests agree' manifests_agree
check 'the page has at most 40 lines of app code' write_example

mapfile -t sources < <(find bindings/swift ios-sample Package.swift -name '*.swift' -not -path '*/.build/*' \
    -not -path '*/KazasuFFI/KazasuFFI.swift' | sort)
((${#sources[@]} > 20)) || failed "only ${#sources[@]} Swift files were found"
printf 'func broken( {\n' >"$WORK/Broken.swift"
check 'a broken file is noticed' not_parsed "$python" "$HERE/parse.py" "$WORK/Broken.swift"
counted "$python" "$HERE/parse.py" "${sources[@]}" "$WORK/Example.swift" "$WORK/one/KazasuFFI.swift"
counted "$python" "$HERE/project.py"

printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
((FAILED == 0))
