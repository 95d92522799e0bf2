# shellcheck shell=bash
# While a key is open nobody else gets at the card, and afterwards the key is closed.

# signs_unasked: whether the card signs with the authentication key for a program that sent no PIN.
signs_unasked() {
    opensc-tool -s 00A4040C0AD392F000260100000001 -s 00A4020C020017 -s 802A008008001122334455667700 >"$scratch/opensc" 2>&1
    grep -A 1 '^Sending: 80 2A' "$scratch/opensc" | grep -q 'SW1=0x90'
}

# The card keeps an open PIN over a warm reset and with the same application: only loss of power closes it.
insert_card --warm-reset-keeps-pins --slow-signature-ms 2500
printf 1234 | "$kazasu" --reader "$reader" card authenticate --challenge 4b617a6173752d31 --pin-stdin \
    >"$scratch/slow.out" 2>"$scratch/slow.err" &
slow=$!
wait_for 5 grep -q '"ins":"20","sw":"9000"' "$scratch/card.log"
check 'the PIN is open and the card signs' kill -0 "$slow"
refuses 'OpenSC is kept out' signs_unasked
check '… since another program holds the card' grep -q 'Reader in use by another application' "$scratch/opensc"
run 'a second kazasu is kept out' 1 '' card info --lang en
check '… and says why' contains "$scratch/err" 'another program'
check '… while the first one still signed' kill -0 "$slow"
check 'the first one ends well' wait "$slow"
refuses 'afterwards the key is closed' signs_unasked
check '… for want of the PIN' grep -q 'SW1=0x69, SW2=0x82' "$scratch/opensc"

# Ended in the middle of a signature, with no time to tidy up: pcscd resets the card, and that closes the key.
free() { opensc-tool -s 00A4040C0AD392F000260100000001; }
insert_card --slow-signature-ms 2000
for signal in INT KILL; do
    before=$(pin_entries)
    printf 1234 | env --default-signal=INT "$kazasu" --reader "$reader" card authenticate --challenge 4b617a6173752d31 \
        --pin-stdin >"$scratch/out" 2>"$scratch/err" &
    pid=$!
    opened() { (($(pin_entries) > before)); }
    wait_for 5 opened
    check "a program that opened the key ends by SIG$signal" kill "-$signal" "$pid"
    wait "$pid" 2>/dev/null
    check '… and did not end well' equals "$?" "$((128 + $(kill -l "$signal")))"
    wait_for 8 free
    refuses '… which leaves the key closed' signs_unasked
    check '… for want of the PIN' grep -q 'SW1=0x69, SW2=0x82' "$scratch/opensc"
done

# Ctrl-C with a card on which nothing but loss of power closes the key.
insert_card --warm-reset-keeps-pins --slow-signature-ms 2000
before=$(pin_entries)
printf 1234 | env --default-signal=INT "$kazasu" --reader "$reader" card authenticate --challenge 4b617a6173752d31 \
    --pin-stdin >"$scratch/out" 2>"$scratch/err" &
pid=$!
wait_for 5 opened
check 'Ctrl-C in the middle of a signature' kill -INT "$pid"
wait "$pid" 2>/dev/null
check '… ends the program as Ctrl-C does' equals "$?" 130
check '… which says so' contains "$scratch/err" KZ-U03
check '… and prints no signature' equals "$(wc -c <"$scratch/out")" 0
wait_for 8 free
refuses '… and leaves the key closed' signs_unasked
