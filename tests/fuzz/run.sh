#!/usr/bin/env bash
# Fuzzes everything that comes from the card, and answers of the server, with libFuzzer, on the stable toolchain.
#
#   tests/fuzz/run.sh                         each target for 20 seconds
#   tests/fuzz/run.sh --seconds 600 apdu tlv  only these targets, longer
#   tests/fuzz/run.sh --list                  the targets
#   tests/fuzz/run.sh --build                 builds them and prints the folder of the programs
#   tests/fuzz/run.sh --seeds                 writes the seeds in corpus/ anew
#
# Needs Rust and g++; exits with 77 where g++ is missing. Starts from corpus/TARGET, which it never changes: what it finds
# lies below the target folder, and a failure prints the input that crashed. The last line is the count.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.."

TARGETS=(apdu tlv attributes face photo photo_sizes cv_certificate certificate sealed views json errors notice_import store_file)
# Longest input of each target, in bytes. A face has 17,003 and a flow reads two files at most.
declare -A MAX_LEN=([apdu]=24000 [tlv]=4096 [attributes]=1024 [face]=20000 [photo]=16384 [photo_sizes]=4096 [cv_certificate]=2048 [certificate]=4096 [sealed]=4096 [views]=8192 [json]=8192 [errors]=2048 [notice_import]=4096 [store_file]=150000)
# Seconds that one input may take: a store is opened, written, renewed, compacted and looked through; a picture of a megapixel
# is decoded, on a machine that does other things as well.
declare -A SECONDS_EACH=([store_file]=60 [photo]=60 [photo_sizes]=60)

# What cargo-fuzz passes with `--sanitizer none`; libFuzzer finds its counters and comparisons by these.
FLAGS=(
    --cfg fuzzing
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0
    -Coverflow-checks
    -Ccodegen-units=1
)

usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$HERE/run.sh"; }

seconds=20 action=fuzz chosen=()
while (($#)); do
    case $1 in
    --seconds)
        seconds=${2:-}
        [[ $seconds =~ ^[1-9][0-9]*$ ]] || { printf 'run.sh: --seconds wants a number\n' >&2; exit 2; }
        shift
        ;;
    --build | --seeds) action=${1#--} ;;
    --list)
        printf '%s\n' "${TARGETS[@]}"
        exit
        ;;
    -h | --help)
        usage
        exit
        ;;
    *)
        [[ -n ${MAX_LEN[$1]:-} ]] || { printf 'run.sh: no target %s; --list names them\n' "$1" >&2; exit 2; }
        chosen+=("$1")
        ;;
    esac
    shift
done
((${#chosen[@]})) || chosen=("${TARGETS[@]}")

if ! command -v g++ >/dev/null; then
    printf 'not run: fuzzing needs g++\n'
    exit 77
fi

TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
HOST=$(rustc -vV | sed -n 's/^host: //p')
BIN=$TARGET/$HOST/release
export CARGO_TARGET_DIR=$TARGET CARGO_TERM_COLOR=never CXX=${CXX:-g++}
mkdir -p "$TARGET"

# build ARGUMENT…: with --target, so that build scripts and macros are left alone.
build() {
    RUSTFLAGS="${FLAGS[*]}${RUSTFLAGS:+ $RUSTFLAGS}" \
        cargo build --manifest-path tests/fuzz/Cargo.toml --release --target "$HOST" "$@" >"$TARGET/build.log" 2>&1 </dev/null ||
        { tail -n 100 "$TARGET/build.log"; printf '0 passed, 1 failed\n'; exit 1; }
}

if [[ $action == seeds ]]; then
    # An ordinary program: nothing of libFuzzer is in it.
    RUSTFLAGS='--cfg fuzzing' cargo run --manifest-path tests/fuzz/Cargo.toml --release --target-dir "$TARGET/seeds" \
        --features seeds --bin seeds
    exit
fi

build --bins
if [[ $action == build ]]; then
    printf '%s\n' "$BIN"
    exit
fi

# last LOG FIELD: the number behind `FIELD:` in the last line of libFuzzer that has one.
last() { sed -nE "s/^(.*[ :])?$2: *([0-9]+).*/\2/p" "$1" | tail -n 1; }

# fuzz TARGET: one line about it; fails when an input crashed, took too long or too much memory.
fuzz() {
    local target=$1 folder=$TARGET/run/$1 status=0 log found seeds
    log=$folder/log
    rm -rf "$folder"
    mkdir -p "$folder/found" "$folder/crashes"
    # A copy, as a build beside this one replaces the program.
    cp "$BIN/$target" "$folder/program"
    RUST_BACKTRACE=1 "$folder/program" "$folder/found" "tests/fuzz/corpus/$target" \
        -artifact_prefix="$folder/crashes/" -max_total_time="$seconds" -max_len="${MAX_LEN[$target]}" \
        -rss_limit_mb=512 -timeout="${SECONDS_EACH[$target]:-10}" -print_final_stats=1 >"$log" 2>&1 </dev/null &
    local program=$!
    wait "$program" || status=$?
    # libFuzzer ends the process at once: what it had on the disk is left to us.
    rm -rf "/dev/shm/kazasu-fuzz-$program-"* "${TMPDIR:-/tmp}/kazasu-fuzz-$program-"*
    found=$(find "$folder/crashes" -type f ! -name 'slow-unit-*' | wc -l)
    ((status == 0 || found > 0)) || found=1
    seeds=$(sed -n 's/.*INITED cov: \([0-9]*\).*/\1/p' "$log")
    printf '%-14s %10s executions %7s exec/s   cov %5s -> %5s  ft %6s   %d crashes\n' "$target" \
        "$(last "$log" stat::number_of_executed_units)" "$(last "$log" stat::average_exec_per_sec)" \
        "${seeds:-?}" "$(last "$log" cov)" "$(last "$log" ft)" "$found"
    if ((found)); then
        grep -aE '^thread .* panicked|ERROR: libFuzzer' -A 1 "$log" | grep -av '^--' | head -n 8 | cut -c 1-200 | sed 's/^/   /' || true
        find "$folder/crashes" -type f ! -name 'slow-unit-*' -printf '   reproduce: '"$folder/program"' %p\n'
        return 1
    fi
}

# Two at a time; each tells its line when it is done.
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for target in "${chosen[@]}"; do
    while (($(jobs -rp | wc -l) >= 2)); do wait -n || true; done
    {
        if fuzz "$target" >"$results/$target"; then touch "$results/$target.passed"; fi
        cat "$results/$target"
    } &
done
wait
passed=0 failed=0
for target in "${chosen[@]}"; do
    if [[ -e $results/$target.passed ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
