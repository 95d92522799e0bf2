#!/usr/bin/env bash
# `kazasu demo` asks nothing and answers each of the ten people as the table of answers says.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
source tests/interop/checks.sh
kazasu=${KAZASU_BIN:-target/debug}/kazasu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tmp"; export TMPDIR=$scratch/tmp # so that it shows what a demo leaves
unset LC_ALL LC_MESSAGES LANG # the default language is Japanese

# README's first command, word for word.
cargo run -q -p kazasu-cli -- demo </dev/null >"$scratch/out" 2>"$scratch/err"
status=$?
check 'demo ends well' equals "$status" 0
[[ $status == 0 ]] || cat "$scratch/err"
check 'demo shows validity, copay, limit and what the sandbox counted' \
    contains "$scratch/out" 有効 '30 %' 区分ウ '受理した署名 2'
check 'demo leaves nothing behind' equals "$(ls "$TMPDIR")" ""
check 'demo shows a registration and a suspension' contains "$scratch/out" '登録完了' 'accepted→matching' '停止しました'
check 'demo is silent on stderr' equals "$(cat "$scratch/err")" ''

# How many records there are and by how many days two prescriptions overlap is a matter of the day.
keeps_what_it_shows() {
    contains "$scratch/out" 家族の保存 2人 改ざんなし 重複の可能性があります || return 1
    grep -qE '同一成分・同一規格 · [1-9][0-9]* 日間重なる' "$scratch/out" || { echo 'no overlap'; return 1; }
    local shown kept
    shown=$(sed -nE 's/^  … ([0-9]+) 件$/\1/p' "$scratch/out")
    kept=$(sed -nE 's/^  記録 +([0-9]+)件$/\1/p' "$scratch/out")
    equals "$shown" "$kept" && [[ $shown -ge 200 ]]
}
check 'demo keeps a family, writes a table, verifies the log and finds a duplicate pair' keeps_what_it_shows
if cc -shared -fPIC -o "$scratch/clock.so" tests/interop/clock.c; then
    # The turn of a month and of a year, the days on which prescriptions become known, a leap day, in Japan.
    for day in 2026-12-01 2026-12-31 2027-01-01 2027-01-08 2027-01-09 2028-02-29 2028-03-01; do
        LD_PRELOAD=$scratch/clock.so CLOCK_OFFSET_S=$(($(date -d "$day 00:05 +0900" +%s) - $(date +%s))) \
            "$kazasu" demo </dev/null >"$scratch/out" 2>"$scratch/err"
        check "demo on $day" contains "$scratch/out" "確認時点              $day" '受理した署名 2'
        check "demo on $day keeps what it shows" keeps_what_it_shows
    done
else
    bad 'a clock to be moved'
fi

# person, exit code, text on stdout, code on stderr
answer() {
    local person=$1 expected=$2 text=$3 code=${4:-}
    "$kazasu" demo --person "$person" </dev/null >"$scratch/out" 2>"$scratch/err"
    local status=$?
    cat "$scratch/err" >>"$scratch/all"
    if [[ $status == "$expected" ]] && contains "$scratch/out" "$text" >/dev/null &&
        { [[ -z $code ]] || grep -q "^$code " "$scratch/err"; }; then
        ok "person $person: exit $expected, ${text:-nothing}${code:+, $code on stderr}"
    else
        bad "person $person: exit $status instead of $expected, or not \"$text\" and \"$code\"" "$scratch/out" "$scratch/err"
    fi
}
: >"$scratch/all"
answer 1 0 区分ウ
answer 2 0 KZ-Q04
answer 3 0 KZ-Q05
answer 4 0 KZ-Q02
answer 5 0 KZ-Q03
answer 6 0 未登録
answer 7 0 処理中
answer 8 1 '' KZ-Q01
answer 9 0 有効
answer 10 0 有効

if "$kazasu" demo --person 11 </dev/null >"$scratch/out" 2>&1; then bad 'an eleventh person is refused'; else ok 'an eleventh person is refused'; fi

for profile in next-p256 next-p384 phone; do
    "$kazasu" --sim "$profile" demo </dev/null >"$scratch/out" 2>"$scratch/err"
    check "demo with the card $profile" contains "$scratch/out" 有効 '受理した署名 2'
done

# One object, and nothing else, for machines.
"$kazasu" demo --json </dev/null >"$scratch/out" 2>"$scratch/err"
check 'demo --json is one object' equals "$(wc -l <"$scratch/out") $(head -c 1 "$scratch/out")" '1 {'
check 'demo --json holds the answer' contains "$scratch/out" '"validity":"valid"' '"copay_percent":30' '"assertions_accepted":2' '"members":2' '"confirmed":true' '"same_strength"'

if grep -qE '見本|SAMPLE|p-[0-9a-f]{6}|MII' "$scratch/all" "$scratch/err"; then
    bad 'nothing personal on stderr' "$scratch/all" "$scratch/err"
else
    ok 'nothing personal on stderr'
fi
summary
