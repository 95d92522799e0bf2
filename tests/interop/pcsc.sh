#!/usr/bin/env bash
# The whole flow over PC/SC with a virtual reader, and OpenSC, unchanged, on the simulated card.
#
# Takes kazasu-card-sim and kazasu-sandbox from KAZASU_BIN, and `kazasu` built with the feature pcsc from KAZASU_PCSC.
# Runs pcscd in namespaces of its own, with its own loopback interface: no reader of this machine is seen and every process
# ends with the script. Exits 77 where namespaces are refused.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
source tests/interop/checks.sh

if [[ ${1:-} != --inside ]]; then
    namespaces=(--mount --net --pid --fork --kill-child --mount-proc)
    if ! unshare "${namespaces[@]}" true 2>/dev/null; then
        namespaces=(--user --map-root-user "${namespaces[@]}")
        if ! unshare "${namespaces[@]}" true; then
            echo 'not run: this machine refuses namespaces (unshare)'
            exit 77
        fi
    fi
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    unshare "${namespaces[@]}" bash "$PWD/tests/interop/pcsc.sh" --inside "$scratch"
    exit $?
fi

scratch=$2
bin=${KAZASU_BIN:-target/debug}
kazasu=${KAZASU_PCSC:-target/test-bin/kazasu-pcsc}
people=tests/people
reader='Virtual PCD 00 00'
export HOME=$scratch
unset LC_ALL LC_MESSAGES LANG # the default language is Japanese

# The machine: loopback, an empty /run, pcscd, the sandbox.
ip link set lo up
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
pcscd --foreground >"$scratch/pcscd.log" 2>&1 &
wait_for 20 test -S /run/pcscd/pcscd.comm || { bad 'pcscd starts' "$scratch/pcscd.log"; summary; exit 1; }
"$bin/kazasu-sandbox" --listen 127.0.0.1:38443 --config-out "$scratch/config.json" >"$scratch/sandbox.log" 2>&1 &
wait_for 20 test -s "$scratch/sandbox.log" || { bad 'the sandbox starts' "$scratch/sandbox.log"; summary; exit 1; }

card_pid=
remove_card() {
    [[ -z $card_pid ]] && return
    kill "$card_pid" 2>/dev/null # a fault may have ended it
    wait "$card_pid" 2>/dev/null
    card_pid=
    wait_for 10 absent
    sleep 1 # pcscd polls every 400 ms; a card that is back too soon is taken for the old one
}
present() { opensc-tool -l | grep -q "Yes .*$reader"; }
absent() { ! present; }

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
tries() { grep -A 3 "\"jpki/$1\"" "$scratch/card.json" | sed -n 's/.*"attempts_left": *\([0-9]*\).*/\1/p'; }
pin_entries() { grep '"ins":"20"' "$scratch/card.log" | grep -cvE '"command_len":[45],'; }
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$scratch/out"; }

# The flow.
insert_card
timeout 20 "$kazasu" --reader list >"$scratch/out" 2>"$scratch/err"
check 'readers are listed' contains "$scratch/out" "$reader" 'Virtual PCD 00 01'
run 'qualify over PC/SC' 0 1234 qualify --config "$scratch/config.json" --pin-stdin
check 'validity, copay and limit are printed' contains "$scratch/out" 有効 '30 %' 区分ウ
run 'qualify --json over PC/SC' 0 1234 --json qualify --config "$scratch/config.json" --pin-stdin
check 'one object holds the answer' contains "$scratch/out" '"validity":"valid"' '"copay_percent":30'
check 'the sandbox accepted two assertions' equals "$(grep -c '^POST /token 200 ' "$scratch/sandbox.log")" 2
check 'the card was sent two PINs' equals "$(pin_entries)" 2

# The card alone.
run 'card info' 0 '' card info --json
check 'card info tells the generation' contains "$scratch/out" '"generation"' JPKIAPICCTOKEN2
run 'card pin-status' 0 '' card pin-status
check 'card pin-status tells the tries' contains "$scratch/out" '3 / 3' '5 / 5'
run 'card certificate' 0 '' card certificate
cp "$scratch/out" "$scratch/cli.pem"
check 'OpenSSL verifies the certificate' openssl verify -CAfile "$people/ca-authentication-rsa2048.pem" "$scratch/cli.pem"
check 'OpenSSL refuses it under the other authority' bash -c \
    "! openssl verify -CAfile $people/ca-signature-rsa2048.pem '$scratch/cli.pem'"
openssl x509 -in "$scratch/cli.pem" -noout -pubkey >"$scratch/public.pem"
run 'card authenticate' 0 1234 --json card authenticate --challenge 4b617a6173752d31 --pin-stdin
printf 'Kazasu-1' >"$scratch/challenge"
printf '%s==' "$(member signature | tr _- /+)" | base64 -d >"$scratch/signature"
check 'OpenSSL verifies the signature of card authenticate' \
    openssl dgst -sha256 -verify "$scratch/public.pem" -signature "$scratch/signature" "$scratch/challenge"
printf 'Kazasu-2' >"$scratch/challenge"
check 'OpenSSL refuses it for another challenge' bash -c \
    "! openssl dgst -sha256 -verify '$scratch/public.pem' -signature '$scratch/signature' '$scratch/challenge'"

# One wrong PIN is one try, on the card, in the text and in OpenSC's eyes.
before=$(pin_entries)
run 'a wrong PIN fails' 1 9876 card authenticate --challenge 4b617a6173752d31 --pin-stdin
check 'it is KZ-C04 with two tries left' contains "$scratch/err" 'KZ-C04 ' 残り2回
check 'it was sent once' equals "$(($(pin_entries) - before))" 1
check 'it cost one try' equals "$(tries 0018)" 2
pkcs15-tool --list-pins >"$scratch/out" 2>&1
check 'OpenSC sees two tries' contains "$scratch/out" 'Tries left     : 2'
run 'a PIN of the wrong form fails' 1 12345 card authenticate --challenge 4b617a6173752d31 --pin-stdin
check 'it is KZ-C11 and costs nothing' equals "$(grep -o '^KZ-...' "$scratch/err") $(tries 0018)" 'KZ-C11 2'
printf 1234 | "$kazasu" --reader 'No such reader' card info >"$scratch/out" 2>"$scratch/err"
check 'an unknown reader is KZ-C08' contains "$scratch/err" 'KZ-C08 '

# Other cards and readers: what a tap has to live with.
for options in '--atr contactless' '--no-extended --no-sfi' --first-command-6f00 '--profile next-p256' '--profile next-p384' '--profile phone'; do
    # shellcheck disable=SC2086
    insert_card $options
    run "qualify with a card ${options#--}" 0 1234 --json qualify --config "$scratch/config.json" --pin-stdin
    check "… ${options#--}: valid" contains "$scratch/out" '"validity":"valid"'
done
insert_card --fault ins=2A:drop
run 'a card taken away while signing fails' 1 1234 qualify --config "$scratch/config.json" --pin-stdin
check 'it is KZ-C01 and one PIN was sent' equals "$(grep -o '^KZ-...' "$scratch/err") $(pin_entries)" 'KZ-C01 1'
insert_card --profile not-jpki
run 'another card fails' 1 1234 qualify --config "$scratch/config.json" --pin-stdin
check 'it is KZ-C03 and no PIN was sent' equals "$(grep -o '^KZ-...' "$scratch/err") $(pin_entries)" 'KZ-C03 0'

# OpenSC, unchanged: once looking for its own driver, once told.
printf 'app default { }\n' >"$scratch/all-drivers.conf"
printf 'app default { card_drivers = jpki; }\n' >"$scratch/jpki-driver.conf"
printf 'signed by a foreign program\n' >"$scratch/data"
openssl dgst -sha256 -binary "$scratch/data" >"$scratch/hash"
{ printf '\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20' && cat "$scratch/hash"; } >"$scratch/digest-info"
verified() { openssl dgst -sha256 -verify "$1" -signature "$2" "$scratch/data"; }
for drivers in all-drivers jpki-driver; do
    insert_card
    export OPENSC_CONF=$scratch/$drivers.conf
    pkcs15-tool -D >"$scratch/out" 2>"$scratch/err"
    check "OpenSC ($drivers) lists 4 certificates and 2 PINs" equals \
        "$(grep -c '^X.509 Certificate \[' "$scratch/out") $(grep -c '^PIN \[' "$scratch/out")" '4 2'
    check "OpenSC ($drivers) sees 3 and 5 tries" equals "$(sed -n 's/.*Tries left *: //p' "$scratch/out" | xargs)" '3 5'
    pkcs15-tool --read-certificate 1 >"$scratch/1.pem" 2>"$scratch/err"
    check "OpenSC ($drivers) reads an authentication certificate that verifies" \
        openssl verify -CAfile "$people/ca-authentication-rsa2048.pem" "$scratch/1.pem"
    run "card certificate, beside OpenSC ($drivers)" 0 '' card certificate -o "$scratch/cli.pem"
    check "OpenSC ($drivers) reads the certificate that kazasu reads" equals \
        "$(openssl x509 -in "$scratch/1.pem" -outform DER | sha256sum)" "$(openssl x509 -in "$scratch/cli.pem" -outform DER | sha256sum)"
    pkcs15-tool --read-certificate 2 --verify-pin --auth-id 2 --pin ABC123 >"$scratch/2.pem" 2>"$scratch/err"
    check "OpenSC ($drivers) reads a signature certificate that verifies" \
        openssl verify -CAfile "$people/ca-signature-rsa2048.pem" "$scratch/2.pem"
    for id in 1 2; do openssl x509 -in "$scratch/$id.pem" -noout -pubkey >"$scratch/$id.pub" 2>/dev/null; done

    rm -f "$scratch"/*.sig
    pkcs11-tool --slot-index 0 --login --pin 1234 --sign --id 01 -m RSA-PKCS -i "$scratch/digest-info" -o "$scratch/a.sig" >"$scratch/err" 2>&1
    check "pkcs11-tool ($drivers) RSA-PKCS, authentication key" verified "$scratch/1.pub" "$scratch/a.sig"
    pkcs11-tool --slot-index 0 --login --pin 1234 --sign --id 01 -m SHA256-RSA-PKCS -i "$scratch/data" -o "$scratch/b.sig" >"$scratch/err" 2>&1
    check "pkcs11-tool ($drivers) SHA256-RSA-PKCS, authentication key" verified "$scratch/1.pub" "$scratch/b.sig"
    pkcs11-tool --slot-index 1 --login --pin ABC123 --sign --id 02 -m SHA256-RSA-PKCS -i "$scratch/data" -o "$scratch/c.sig" >"$scratch/err" 2>&1
    check "pkcs11-tool ($drivers) SHA256-RSA-PKCS, signature key" verified "$scratch/2.pub" "$scratch/c.sig"
    pkcs15-crypt --sign --key 1 --pin 1234 --pkcs1 --sha-256 -i "$scratch/hash" -o "$scratch/d.sig" --raw >"$scratch/err" 2>&1
    check "pkcs15-crypt ($drivers), authentication key" verified "$scratch/1.pub" "$scratch/d.sig"
    check "pkcs15-crypt ($drivers): another key is refused" bash -c \
        "! openssl dgst -sha256 -verify '$scratch/2.pub' -signature '$scratch/d.sig' '$scratch/data'"
    check "OpenSC ($drivers) cost no try" equals "$(tries 0018) $(tries 001B)" '3 5'
done
remove_card
summary
