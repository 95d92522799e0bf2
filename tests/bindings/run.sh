#!/usr/bin/env bash
# Builds the library with the simulated card, generates the bindings, runs the Kotlin and Python tests, counts.
#
#   tests/bindings/run.sh
#
# Needs Rust, a JDK (17 or newer), Maven or npm, and Python 3 with venv; all else is fetched by these. Exits with 77, and
# without a count, when one of them is missing. The last line is the count; lines with `not run: ` tell what is not in it.
#
# Kotlin is compiled with Maven. Where Maven or its repository is missing, the compiler from npm takes its place.
#   KAZASU_KOTLINC=npm    only the compiler from npm
#   KAZASU_KOTLINC=both   that one too
set -euo pipefail
SELF=$(realpath "${BASH_SOURCE[0]}")
cd "$(dirname "$SELF")/../.."

missing=()
for tool in cargo java python3; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
command -v mvn >/dev/null || command -v npm >/dev/null || missing+=('mvn or npm')
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
NOT_RUN=77 # what a part exits with when it cannot be run here; the last line of its output says why

# step NAME COMMAND…: its output only if it fails.
step() {
    local name=$1 log=$OUT/${1//[ ,]/-}.log started=$SECONDS status=0 result=ok
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status == NOT_RUN)); then
        result="not run: $(tail -n 1 "$log")"
    elif ((status)); then
        result=FAILED
        printf -- '-- %s\n' "$name"
        tail -n 300 "$log" | sed 's/^/   /'
    fi
    printf '== %s (%d s) %s\n' "$name" $((SECONDS - started)) "$result"
    return "$status"
}

not_run() { printf 'not run: %s\n' "$1"; }

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

# Half a minute without an answer is enough. Maven 3.8 would wait for half an hour; it and later ones heed different limits.
TIMEOUTS=(-Daether.connector.connectTimeout=30000 -Daether.connector.requestTimeout=30000 -Dmaven.wagon.rto=30000)

# maven ARGUMENT…: tells a repository out of reach, at once, from a failure.
maven() {
    local log=$OUT/maven.log status=0
    command -v mvn >/dev/null || {
        printf 'Maven is missing\n'
        return "$NOT_RUN"
    }
    mvn -B -q "${TIMEOUTS[@]}" "$@" >"$log" 2>&1 || status=$?
    cat "$log"
    if ((status)) && grep -qE 'Could not transfer|failed to transfer|offline mode' "$log"; then
        printf '\nMaven does not reach its repository\n'
        return "$NOT_RUN"
    fi
    return "$status"
}

kotlin() {
    # A test that was taken away would still be found among the classes.
    rm -rf "$OUT/kotlin/surefire-reports" "$OUT/kotlin/test-classes" "$OUT/table.md"
    maven -f bindings/kotlin/pom.xml test \
        -Dkazasu.build="$OUT/kotlin" -Dkazasu.generated="$OUT/generated/kotlin-jvm" -Dkazasu.library.path="$OUT/bin" \
        -Dkazasu.sandbox="$OUT/bin/kazasu-sandbox" -Dkazasu.native="$OUT/bin/native" -Dkazasu.table="$OUT/table.md"
}

kotlin_npm() {
    rm -rf "$OUT/kotlin-npm/reports" "$OUT/table.md"
    tests/bindings/kotlin-npm/run.sh "$OUT/kotlin-npm" "$OUT/generated/kotlin-jvm" \
        -Djna.library.path="$OUT/bin" -Dkazasu.library.path="$OUT/bin" -Dkazasu.root="$PWD" \
        -Dkazasu.sandbox="$OUT/bin/kazasu-sandbox" -Dkazasu.native="$OUT/bin/native" -Dkazasu.table="$OUT/table.md"
}

kotlin_android() {
    maven -f bindings/kotlin/android/pom.xml compile \
        -Dkazasu.build="$OUT/kotlin-android" -Dkazasu.generated="$OUT/generated/kotlin-jvm" || return $?
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

# Every test of Kotlin, with the compilers that were asked for. Sets STATUS when a tool failed.
kotlin_parts() {
    local choice=${KAZASU_KOTLINC:-maven} maven=$NOT_RUN npm=0
    if [[ $choice != npm ]]; then
        maven=0
        step 'kotlin tests' "$SELF" kotlin || maven=$?
    fi
    if ((maven == NOT_RUN)); then
        printf 'Kotlin: the compiler from npm in place of Maven\n'
        not_run 'Kotlin for Android: the classes of Android come with Maven only'
    else
        STATUS=$((maven ? 1 : STATUS))
        count kotlin "$OUT"/kotlin/surefire-reports/TEST-*.xml
        table
        android_part
        [[ $choice == both ]] || return 0
    fi
    step 'kotlin tests, npm compiler' "$SELF" kotlin_npm || npm=$?
    if ((npm == NOT_RUN)); then
        not_run "Kotlin with the compiler from npm: $(tail -n 1 "$OUT/kotlin-tests--npm-compiler.log")"
    else
        STATUS=$((npm ? 1 : STATUS))
        count 'kotlin, npm compiler' "$OUT"/kotlin-npm/reports/TEST-*.xml
        ((maven != NOT_RUN)) || table # one of them is enough
    fi
}

table() { [[ ! -f $OUT/table.md ]] || cat "$OUT/table.md"; }

android_part() {
    local status=0
    step 'kotlin for android' "$SELF" kotlin_android || status=$?
    case $status in
    0) PASSED=$((PASSED + 1)) ;;
    "$NOT_RUN") not_run 'Kotlin for Android: Maven does not reach its repository' ;;
    *) FAILED=$((FAILED + 1)) ;;
    esac
}

main() {
    export UNIFFI_BINDGEN=$OUT/bin/uniffi-bindgen UNIFFI_BINDGEN_SWIFT=$OUT/bin/uniffi-bindgen-swift
    export KAZASU_BIN=$OUT/bin KAZASU_GENERATED=$OUT/generated
    if ! step build "$SELF" build || ! step generate "$SELF" generate; then
        FAILED=1
        finish
        return
    fi
    STATUS=0
    kotlin_parts
    step 'python tests' "$SELF" python || STATUS=1
    count python "$OUT/python.xml"
    # A tool that failed although no test did.
    ((STATUS == 0 || FAILED > 0)) || FAILED=1
    finish
}

# Each part runs as a process of its own: `set -e` does not hold inside a function that is tested.
case ${1:-main} in
main | build | generate | kotlin | kotlin_npm | kotlin_android | python) "${1:-main}" ;;
*)
    printf 'tests/bindings/run.sh takes no argument\n' >&2
    exit 2
    ;;
esac
exit $? # the file may change while it runs
