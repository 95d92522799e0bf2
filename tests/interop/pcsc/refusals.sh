# shellcheck shell=bash
# Wrong PINs, last tries, blocked PINs, other cards, and cards that leave.

authenticate=(card authenticate --challenge 4b617a6173752d31 --pin-stdin)
insert_card
before=$(pin_entries)
fails 'a wrong PIN fails' KZ-C04 9876 "${authenticate[@]}"
check 'it tells two tries left' contains "$scratch/err" 残り2回
check 'it was sent once' equals "$(($(pin_entries) - before))" 1
check 'it cost one try' equals "$(tries jpki/0018)" 2
pkcs15-tool --list-pins >"$scratch/out" 2>&1
check 'OpenSC sees two tries' contains "$scratch/out" 'Tries left     : 2'
fails 'a PIN of the wrong form fails' KZ-C11 12345 "${authenticate[@]}"
check 'it costs nothing' equals "$(tries jpki/0018)" 2

fails 'a wrong text-input PIN fails' KZ-C04 9876 card attributes --pin-stdin
fails 'a second one' KZ-C04 9876 card attributes --pin-stdin
before=$(pin_entries)
fails 'the last try is guarded' KZ-C09 1234 card attributes --pin-stdin
check '… nothing was sent' equals "$(($(pin_entries) - before)) $(tries text-input/0011)" '0 1'
check '… and says how to permit it' contains "$scratch/err" --allow-last-try
fails 'permitted and wrong, it blocks' KZ-C05 9876 card attributes --pin-stdin --allow-last-try
before=$(pin_entries)
fails 'a blocked PIN is told' KZ-C05 1234 card attributes --pin-stdin --allow-last-try
check '… and not sent' equals "$(($(pin_entries) - before)) $(tries text-input/0011)" '0 0'
fails '… nor for a change of it' KZ-C05 $'1234\n8013\n' card pin-change --kind text --pin-stdin --allow-last-try
run 'card pin-status tells the blocked one' 0 '' card pin-status
check '… as 0 of 3' contains "$scratch/out" '2 / 3' '0 / 3'
fails 'a wrong number B fails' KZ-C04 02040520350124 card face -o "$scratch/none.png" --pin-stdin
check '… and leaves no photo' test ! -e "$scratch/none.png"
fails 'a wrong birth date fails' KZ-C04 020406 card birth-date --pin-stdin
fails 'a wrong signature password fails' KZ-C04 WRONG99 card sign "$0" -o "$scratch/none.p7s" --pin-stdin
check '… and leaves no signature' equals "$(tries jpki/001B) $(compgen -G "$scratch/none*")" '4 '

insert_card --person 10
run 'card info with a child'\''s card' 0 '' card info --json
check '… has no signature certificate' contains "$scratch/out" '"signature":false' '"user_authentication":true'
run 'card attributes with a child'\''s card' 0 1024 card attributes --verify --pin-stdin
check '… are the child'\''s' contains "$scratch/out" "$(person 10 name)"
for command in 'certificate --kind sign' "sign $0 -o $scratch/none.p7s"; do
    # shellcheck disable=SC2086
    fails "card ${command%% *} with a signature password it does not have" KZ-C10 ABC123 card $command --pin-stdin
    check '… says why' contains "$scratch/err" 署名用電子証明書がありません
    check '… sends it nowhere' equals "$(pin_entries)" 1
done

insert_card --profile phone
run 'card pin-status with a phone' 0 '' card pin-status --json
check '… knows two PINs' contains "$scratch/out" '"text_input":null' '"user_authentication":{"attempts_left":3'
run 'card certificate with a phone' 0 1234 card certificate --pin-stdin
check '… asks for the PIN' equals "$(pin_entries)" 1
cp "$scratch/out" "$scratch/phone.pem"
check '… and verifies' openssl verify -CAfile "$people/ca-authentication-rsa2048.pem" "$scratch/phone.pem"
fails 'card attributes with a phone' KZ-C03 1234 card attributes --pin-stdin
fails 'card face with a phone' KZ-C03 02040520350123 card face -o "$scratch/none.png" --pin-stdin
run 'card doctor with a phone' 0 '' card doctor --json
check '… tells the phone' contains "$scratch/out" '"generation":"android_phone"'

# The face is long: the card leaves in the middle of it.
insert_card --no-extended --fault exchange=9:drop
fails 'a card taken away while the face is read' KZ-C01 02040520350123 card face -o "$scratch/none.png" --pin-stdin
check '… leaves no photo' test ! -e "$scratch/none.png"
check '… and was being read' grep -q '"ins":"B0","sw":"9000"' "$scratch/card.log"
insert_card --fault ins=20:drop-after
fails 'a card taken away while the PIN is asked' KZ-C01 1234 card attributes --pin-stdin

# A municipality's certificate by an authority that nobody knows, and one that was changed.
# changed APPLICATION-ID OFFSET BYTE: the card's file 0004 with another byte there, in $scratch/changed.cv.
changed() {
    opensc-tool -s "00A4040C0A$1" -s 00A4020C020004 -s 00B0000000 -s 00B0010000 -s 00B0020000 >"$scratch/opensc" 2>"$scratch/err"
    # shellcheck disable=SC2059
    printf "$(sed '1,/^Sending: 00 A4 02/d' "$scratch/opensc" | grep -oE '^([0-9A-F]{2} )+' | tr -d ' \n' | sed 's/../\\x&/g')" >"$scratch/changed.cv"
    equals "$(stat -c %s "$scratch/changed.cv")" 568 && printf "\\x$3" | dd of="$scratch/changed.cv" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
# Offset 10 is the first digit of the authority's name, 400 lies in the signature.
insert_card
for case in 'unknown 10 37' 'forged 400 00'; do
    read -r kind offset byte <<<"$case"
    check "a $kind certificate of a municipality" changed D3921000310001010408 "$offset" "$byte"
    mv "$scratch/changed.cv" "$scratch/$kind.cv"
done
for kind in unknown forged; do
    insert_card --file "text-input/0004=$scratch/$kind.cv" --file "surface/0004=$scratch/$kind.cv"
    fails "attributes with a $kind certificate are not proven" KZ-C10 1234 card attributes --verify --pin-stdin
    check '… and the text says whom to ask' contains "$scratch/err" 市区町村窓口
    refuses '… and not shown' grep -qF "$(person 1 name)" "$scratch/out" "$scratch/err"
    fails "the face with a $kind certificate is not proven" KZ-C10 02040520350123 card face --verify -o "$scratch/none.png" --pin-stdin
    check '… and not written' test ! -e "$scratch/none.png"
    fails "nor is the birth date" KZ-C10 020405 card birth-date --pin-stdin
    run 'without --verify they are read' 0 1234 card attributes --pin-stdin
    check '… and called unproven' contains "$scratch/out" 未確認
done
