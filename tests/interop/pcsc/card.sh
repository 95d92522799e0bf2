# shellcheck shell=bash
# What needs no PIN, and the two certificates and keys, as OpenSSL sees them.

insert_card
run 'card info' 0 '' card info --json
check 'card info tells the generation' contains "$scratch/out" '"generation"' JPKIAPICCTOKEN2
run 'card pin-status' 0 '' card pin-status
check 'card pin-status tells the tries of five PINs' equals \
    "$(grep -oE '[0-9]+ / [0-9]+' "$scratch/out" | xargs)" '3 / 3 5 / 5 3 / 3 10 / 10 10 / 10'
check '… without sending one' equals "$(pin_entries)" 0

run 'card certificate' 0 '' card certificate
cp "$scratch/out" "$scratch/auth.pem"
check 'OpenSSL verifies the certificate' openssl verify -CAfile "$people/ca-authentication-rsa2048.pem" "$scratch/auth.pem"
refuses 'OpenSSL refuses it under the other authority' \
    openssl verify -CAfile "$people/ca-signature-rsa2048.pem" "$scratch/auth.pem"
run 'card certificate --kind sign' 0 ABC123 card certificate --kind sign --pin-stdin
check 'it says beside the result what the certificate discloses' contains "$scratch/err" 氏名 住所 生年月日 性別
cp "$scratch/out" "$scratch/sign.pem"
check 'OpenSSL verifies the signature certificate' \
    openssl verify -CAfile "$people/ca-signature-rsa2048.pem" "$scratch/sign.pem"
openssl x509 -in "$scratch/sign.pem" -outform DER -out "$scratch/sign.der"
check 'it carries the name' grep -qaF "$(person 1 name)" "$scratch/sign.der"
openssl x509 -in "$scratch/auth.pem" -outform DER -out "$scratch/auth.der"
refuses 'the authentication certificate does not' grep -qaF "$(person 1 name)" "$scratch/auth.der"
run 'card certificate --kind sign --ca needs no password' 0 '' card certificate --kind sign --ca -o "$scratch/ca.pem"
check 'it is the authority of signatures' cmp "$scratch/ca.pem" "$people/ca-signature-rsa2048.pem"

openssl x509 -in "$scratch/auth.pem" -noout -pubkey >"$scratch/public.pem"
run 'card authenticate' 0 1234 --json card authenticate --challenge 4b617a6173752d31 --pin-stdin
printf 'Kazasu-1' >"$scratch/challenge"
printf '%s==' "$(member signature | tr _- /+)" | base64 -d >"$scratch/signature"
check 'OpenSSL verifies the signature of card authenticate' \
    openssl dgst -sha256 -verify "$scratch/public.pem" -signature "$scratch/signature" "$scratch/challenge"
printf 'Kazasu-2' >"$scratch/challenge"
refuses 'OpenSSL refuses it for another challenge' \
    openssl dgst -sha256 -verify "$scratch/public.pem" -signature "$scratch/signature" "$scratch/challenge"

# The report for bugs: nothing of the person, read by a foreign program from the same card.
select_jpki=00A4040C0AD392F000260100000001
select_common=00A4040C0AD3921000310001010100
# received FIRST LENGTH: these characters of what opensc-tool received last.
received() {
    local hex
    hex=$(sed '1,/^Sending: 00 B/d' "$scratch/opensc" | grep -oE '^([0-9A-F]{2} )+' | tr -d ' \n')
    # shellcheck disable=SC2059
    printf "$(sed 's/../\\x&/g' <<<"${hex:$1 * 2:$2 * 2}")"
}
opensc-tool -s "$select_jpki" -s 00A4020C020006 -s 00B00000A0 >"$scratch/opensc" 2>"$scratch/err"
serial=$(received 80 16)
check 'OpenSC reads a serial number in the token information' grep -qE '^[0-9A-Z]{16}$' <<<"$serial"
opensc-tool -s "$select_common" -s 00B2010C00 >"$scratch/opensc" 2>"$scratch/err"
card_number=$(received 2 15)
check 'OpenSC reads a number in the common application' grep -qE '^[0-9]{15}$' <<<"$card_number"
run 'card doctor --yes -o' 0 '' card doctor --yes -o "$scratch/report.json"
check 'it shows the same as it saves' equals \
    "$(grep -oE '"name": "[a-z_]+"' "$scratch/report.json" | grep -oE '[a-z_]+"$' | tr -d '"' | sort)" \
    "$(grep -oE '^  [a-z_]+ +[0-9A-F]{2} ' "$scratch/out" | grep -oE '[a-z]+_[a-z_]+' | sort)"
cat "$scratch/out" "$scratch/err" "$scratch/report.json" >"$scratch/everything"
check 'the report is JSON and asks some twenty things' python3 -c \
    'import json, sys; assert 15 < len(json.load(open(sys.argv[1]))["probes"]) < 30' "$scratch/report.json"
check 'the report tells nothing of the person' python3 tests/interop/nothing_of.py "$scratch/everything" \
    "$serial" "$card_number" "$(person 1 name)" "$(person 1 address)" "$(person 1 birth_date)" 見本 花子 \
    "@$scratch/auth.der" "@$scratch/sign.der"
refuses '… which would be noticed: a name' python3 tests/interop/nothing_of.py "$people/people.json" 花子
openssl x509 -in "$scratch/sign.pem" -out "$scratch/everything"
refuses '… a certificate' python3 tests/interop/nothing_of.py "$scratch/everything" "@$scratch/sign.der"
