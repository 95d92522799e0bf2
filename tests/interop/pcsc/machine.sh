# shellcheck shell=bash
# A machine with two virtual readers, and what the parts share.

bin=${KAZASU_BIN:-target/debug}
kazasu=${KAZASU_PCSC:-target/test-bin/kazasu-pcsc}
people=tests/people
reader='Virtual PCD 00 00'
empty_reader='Virtual PCD 00 01'
export HOME=$scratch
unset LC_ALL LC_MESSAGES LANG # the default language is Japanese

# OpenSC, looking for its own driver among all of them, or told which one.
printf 'app default { }\n' >"$scratch/all-drivers.conf"
printf 'app default { card_drivers = jpki; }\n' >"$scratch/jpki-driver.conf"
export OPENSC_CONF=$scratch/jpki-driver.conf

# Loopback, an empty /run, pcscd, the sandbox.
start_machine() {
    ip link set lo up
    mount -t tmpfs tmpfs /run
    mkdir /run/pcscd
    pcscd --foreground >"$scratch/pcscd.log" 2>&1 &
    wait_for 20 test -S /run/pcscd/pcscd.comm || { bad 'pcscd starts' "$scratch/pcscd.log"; summary; exit 1; }
    "$bin/kazasu-sandbox" --listen 127.0.0.1:38443 --config-out "$scratch/config.json" >"$scratch/sandbox.log" 2>&1 &
    wait_for 20 test -s "$scratch/sandbox.log" || { bad 'the sandbox starts' "$scratch/sandbox.log"; summary; exit 1; }
}

present() { opensc-tool -l | grep -q "Yes .*$reader"; }
absent() { ! present; }
card_pid=
remove_card() {
    [[ -z $card_pid ]] && return
    kill "$card_pid" 2>/dev/null # a fault may have ended it
    wait "$card_pid" 2>/dev/null
    card_pid=
    wait_for 10 absent
    sleep 0.5 # pcscd polls every 400 ms; a card that is back too soon is taken for the old one
}

# insert_card OPTION…: a new card in place of the one before.
insert_card() {
    remove_card
    "$bin/kazasu-card-sim" --vpcd 127.0.0.1:35963 --trace --state "$scratch/card.json" --reset "$@" >"$scratch/card.log" 2>&1 &
    card_pid=$!
    wait_for 20 present || { bad "the card lies in the reader ($*)" "$scratch/card.log" "$scratch/pcscd.log"; summary; exit 1; }
}

# run NAME STATUS SECRETS ARGUMENT…: one run of kazasu, its output in $scratch/out and $scratch/err.
run() {
    local name=$1 expected=$2 secrets=$3 status
    shift 3
    printf '%s' "$secrets" | "$kazasu" --reader "$reader" "$@" >"$scratch/out" 2>"$scratch/err"
    status=$?
    if [[ $status == "$expected" ]]; then ok "$name"; else bad "$name: exit $status" "$scratch/out" "$scratch/err"; fi
}

# fails NAME CODE SECRETS ARGUMENT…: that run must fail with this code.
fails() {
    local name=$1 code=$2
    shift 2
    run "$name" 1 "$@"
    check "… with $code" equals "$(code)" "$code"
}

# refuses NAME COMMAND…: passes when the command fails.
refuses() {
    local name=$1 out
    shift
    out=$(mktemp)
    if "$@" >"$out" 2>&1; then bad "$name" "$out"; else ok "$name"; fi
    rm -f "$out"
}

code() { grep -o '^KZ-...' "$scratch/err"; }
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$scratch/out"; }

# tries APPLICATION/FILE: as the card keeps them.
tries() { grep -A 3 "\"$1\"" "$scratch/card.json" | sed -n 's/.*"attempts_left": *\([0-9]*\).*/\1/p'; }
pin_entries() { grep '"ins":"20"' "$scratch/card.log" | grep -cvE '"command_len":[45],'; }

# person NUMBER MEMBER: a text of people.json.
person() { sed -n "s/.*{\"number\": $1,.*\"$2\": \"\([^\"]*\)\".*/\1/p" "$people/people.json"; }

# is_png FILE WIDTH HEIGHT
is_png() { python3 tests/interop/is_png.py "$@"; }

# asked SECRET COMMAND…: runs the command on a terminal of its own and types the secret when it is asked for.
asked() { python3 tests/interop/asked.py "$@"; }

# Attributes with the PIN typed on a terminal, which must not show it.
asked_for_attributes() {
    asked 1234 "$kazasu" --reader "$reader" card attributes >"$scratch/out" 2>"$scratch/err" || return 1
    contains "$scratch/out" "$(person 1 name)" && contains "$scratch/err" 券面事項入力補助用 && ! grep -q 1234 "$scratch/err"
}

# Waits in the background for a card that nobody inserts; protocols.sh judges that.
start_patience() {
    (
        started=$SECONDS
        "$kazasu" --reader "$empty_reader" card info >"$scratch/never.out" 2>"$scratch/never.err"
        echo "$? $((SECONDS - started))" >"$scratch/never.status"
    ) &
}
