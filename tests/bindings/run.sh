#!/usr/bin/env bash
# Builds the library with the simulated card, generates the bindings, runs the Kotlin and Python tests, counts.
#
#   tests/bindings/run.sh
#
# Needs Rust, a JDK (17 or newer), Maven and Python 3 with venv; all else is fetched by these. Exits with 77, and without a
# count, when one of them is missing. The last line is the count.
set -euo pipefail
SELF=$(realpath "${BASH_SOURCE[0]}")
cd "$(dirname "$SELF")/../.."

missing=()
for tool in cargo java mvn python3; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
if ((${#missing[@]})); then
    printf 'bindings: missing %s\n' "${missing[*]}"
    exit 77
fi

TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")
OUT=$TARGET/bindings
export CARGO_TARGET_DIR=$TARGET CARGO_TERM_COLOR=never
# The tests provoke panics; their traces would bury everything else.
export RUST_BACKTRACE=0 PYTHONDONTWRITEBYTECODE=1
mkdir -p "$OUT"
PASSED=0 FAILED=0

# step NAME COMMAND…: its output only if it fails.
step() {
    local name=$1 log=$OUT/${1// /-}.log started=$SECONDS status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status)); then
        printf -- '-- %s\n' "$name"
        tail -n 300 "$log" | sed 's/^/   /'
    fi
    printf '== %s (%d s) %s\n' "$name" $((SECONDS - started)) "$( ((status)) && printf FAILED || printf ok)"
    return "$status"
}

# count NAME REPORT…: adds what JUnit reports say; none at all is a failure.
count() {
    local name=$1 passed failed skipped
    shift
    read -r passed failed skipped < <(python3 - "$@" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

total = failed = skipped = 0
for file in sys.argv[1:]:
    for suite in tree.parse(file).getroot().iter("testsuite"):
        total += int(suite.get("tests"))
        failed += int(suite.get("failures")) + int(suite.get("errors"))
        skipped += int(suite.get("skipped") or 0)
print(total - failed - skipped, failed, skipped)
PYTHON
    ) || true
    passed=${passed:-0} failed=${failed:-0} skipped=${skipped:-0}
    ((passed + failed)) || failed=1
    ((skipped == 0)) || printf '%s: %d skipped\n' "$name" "$skipped"
    printf '%s: %d of %d tests\n' "$name" "$passed" $((passed + failed))
    PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
}

finish() {
    printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
    ((FAILED == 0 && PASSED > 0))
}

build() {
    cargo build -p kazasu-ffi --features simulator -p kazasu-bindgen -p kazasu-sandbox --lib --bins --examples
    # Copies: another build in this folder, with other features, would replace them under the tests.
    rm -rf "$OUT/bin"
    mkdir -p "$OUT/bin"
    local file
    for file in libkazasu_ffi.so libkazasu_ffi.dylib kazasu-sandbox uniffi-bindgen uniffi-bindgen-swift examples/native; do
        [[ ! -e $TARGET/debug/$file ]] || cp "$TARGET/debug/$file" "$OUT/bin/"
    done
}

generate() {
    local library=$OUT/bin/libkazasu_ffi.so language
    [[ -e $library ]] || library=$OUT/bin/libkazasu_ffi.dylib
    rm -rf "$OUT/generated"
    for language in kotlin-jvm python; do
        bindings/scripts/generate.sh "$language" "$OUT/generated/$language" "$library"
    done
    cp "$library" "$OUT/generated/python/"
}

kotlin() {
    rm -rf "$OUT/kotlin/surefire-reports" "$OUT/table.md"
    mvn -B -q -f bindings/kotlin/pom.xml test \
        -Dkazasu.build="$OUT/kotlin" -Dkazasu.generated="$OUT/generated/kotlin-jvm" -Dkazasu.library.path="$OUT/bin" \
        -Dkazasu.sandbox="$OUT/bin/kazasu-sandbox" -Dkazasu.native="$OUT/bin/native" -Dkazasu.table="$OUT/table.md"
}

kotlin_android() {
    mvn -B -q -f bindings/kotlin/android/pom.xml compile \
        -Dkazasu.build="$OUT/kotlin-android" -Dkazasu.generated="$OUT/generated/kotlin-jvm"
    [[ -e $OUT/kotlin-android/classes/org/kazasu/IsoDepTransport.class ]]
}

python() {
    local venv=$OUT/venv stamp
    rm -f "$OUT/python.xml"
    stamp=$(sha256sum tests/bindings/python/requirements.txt)
    if [[ ! -f $venv/stamp || $(cat "$venv/stamp") != "$stamp" ]]; then
        rm -rf "$venv"
        python3 -m venv "$venv" || { rm -rf "$venv" && python3 -m virtualenv "$venv"; }
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/bindings/python/requirements.txt
        printf '%s\n' "$stamp" >"$venv/stamp"
    fi
    "$venv/bin/python" -m pytest -p no:cacheprovider -rs --basetemp "$OUT/tmp" --rootdir tests/bindings/python \
        --junitxml "$OUT/python.xml" tests/bindings/python
}

main() {
    export UNIFFI_BINDGEN=$OUT/bin/uniffi-bindgen UNIFFI_BINDGEN_SWIFT=$OUT/bin/uniffi-bindgen-swift
    export KAZASU_BIN=$OUT/bin KAZASU_GENERATED=$OUT/generated
    if ! step build "$SELF" build || ! step generate "$SELF" generate; then
        FAILED=1
        finish
        return
    fi
    local status=0
    step 'kotlin tests' "$SELF" kotlin || status=1
    count kotlin "$OUT"/kotlin/surefire-reports/TEST-*.xml
    [[ ! -f $OUT/table.md ]] || cat "$OUT/table.md"
    if step 'kotlin for android' "$SELF" kotlin_android; then PASSED=$((PASSED + 1)); else FAILED=$((FAILED + 1)); fi
    step 'python tests' "$SELF" python || status=1
    count python "$OUT/python.xml"
    # A tool that failed although no test did.
    ((status == 0 || FAILED > 0)) || FAILED=1
    finish
}

# Each part runs as a process of its own: `set -e` does not hold inside a function that is tested.
case ${1:-main} in
main | build | generate | kotlin | kotlin_android | python) "${1:-main}" ;;
*)
    printf 'tests/bindings/run.sh takes no argument\n' >&2
    exit 2
    ;;
esac
exit $? # the file may change while it runs
