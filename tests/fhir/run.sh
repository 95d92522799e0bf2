#!/usr/bin/env bash
# Records what client and sandbox say to each other, has two foreign judges read it, and counts.
#
#   tests/fhir/run.sh
#
# Needs Rust, Python 3 with venv for the one judge, a JDK (17 or newer) and Maven for the other. Lines with `not run: ` tell
# which judge could not be had; exits with 77 when neither could. The last lines are the counts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")
OUT=$TARGET/fhir
RECORD=$OUT/record
export CARGO_TARGET_DIR=$TARGET CARGO_TERM_COLOR=never PYTHONDONTWRITEBYTECODE=1
NOT_RUN=77
mkdir -p "$OUT"

# step NAME COMMAND…: its output only if it fails.
step() {
    local log=$OUT/$1.log status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    ((status == 0 || status == NOT_RUN)) || tail -n 300 "$log"
    return "$status"
}

not_run() {
    printf 'not run: %s\n' "$1"
    return "$NOT_RUN"
}

# What the client sends to the sandbox and gets, what the sandbox serves besides, what the contract prints.
record() {
    # One chain: `step` looks at the status, so that `set -e` does nothing here.
    rm -rf "$RECORD" && mkdir -p "$RECORD" &&
        cargo build -p kazasu-cli -p kazasu-sandbox --bins &&
        python3 tests/fhir/collect.py "$TARGET/debug" "$RECORD" &&
        KAZASU_RECORD=$RECORD/flow cargo test -p kazasu-sandbox --test wire recorded:: &&
        compgen -G "$RECORD/flow/*.json"
}

packages() {
    local venv=$OUT/venv stamp
    stamp=$(sha256sum tests/fhir/requirements.txt)
    [[ -f $venv/stamp && $(cat "$venv/stamp") == "$stamp" ]] && return 0
    rm -rf "$venv"
    python3 -m venv "$venv" || { rm -rf "$venv" && python3 -m virtualenv "$venv"; } || return "$NOT_RUN"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/fhir/requirements.txt || return "$NOT_RUN"
    printf '%s\n' "$stamp" >"$venv/stamp"
}

fhir_resources() {
    step packages packages || not_run 'FHIR, judged by fhir.resources: its packages cannot be installed' || return
    "$OUT/venv/bin/python" tests/fhir/validate.py good "$RECORD" broken tests/fhir/broken/both
}

# As in tests/bindings/run.sh: half a minute without an answer is enough.
TIMEOUTS=(-Daether.connector.connectTimeout=30000 -Daether.connector.requestTimeout=30000 -Dmaven.wagon.rto=30000)

compile_hapi() {
    local status=0
    mvn -B -q "${TIMEOUTS[@]}" -f tests/fhir/hapi/pom.xml compile -Dkazasu.build="$OUT/hapi" || status=$?
    if ((status)) && grep -qE 'Could not transfer|failed to transfer|offline mode' "$OUT/hapi.log"; then
        return "$NOT_RUN"
    fi
    return "$status"
}

hapi() {
    command -v java >/dev/null && command -v mvn >/dev/null ||
        not_run 'FHIR, judged by HAPI: a JDK (17 or newer) or Maven is missing' || return
    local status=0
    step hapi compile_hapi || status=$?
    ((status != NOT_RUN)) || not_run 'FHIR, judged by HAPI: Maven does not reach its repository' || return
    ((status == 0)) || return "$status"
    # The judge is a short run on two cores: other collectors gain nothing.
    java -XX:+UseSerialGC -Xmx2g -cp "$OUT/hapi/classes:$(cat "$OUT/hapi/classpath")" org.kazasu.fhir.Main \
        tests/fhir/definitions.json tests/fhir/exceptions.json good "$RECORD" broken tests/fhir/broken
}

main() {
    step record record
    local judge status failed=0 missing=0
    for judge in fhir_resources hapi; do
        status=0
        "$judge" || status=$?
        case $status in
        0) ;;
        "$NOT_RUN") missing=$((missing + 1)) ;;
        *) failed=1 ;;
        esac
    done
    ((failed == 0)) || return 1
    ((missing < 2)) || return "$NOT_RUN"
}

main "$@"; exit $? # on one line: the file may change while it runs
