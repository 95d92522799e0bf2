# shellcheck shell=bash
# Eligibility over PC/SC, with the cards and accidents that a tap has to live with.

insert_card
timeout 20 "$kazasu" --reader list >"$scratch/out" 2>"$scratch/err"
check 'readers are listed' contains "$scratch/out" "$reader" "$empty_reader"
run 'qualify over PC/SC' 0 1234 qualify --config "$scratch/config.json" --pin-stdin
check 'validity, copay and limit are printed' contains "$scratch/out" 有効 '30 %' 区分ウ
run 'qualify --json over PC/SC' 0 1234 --json qualify --config "$scratch/config.json" --pin-stdin
check 'one object holds the answer' contains "$scratch/out" '"validity":"valid"' '"copay_percent":30'
check 'the sandbox accepted two assertions' equals "$(grep -c '^POST /token 200 ' "$scratch/sandbox.log")" 2
check 'the card was sent two PINs' equals "$(pin_entries)" 2
printf 1234 | "$kazasu" --reader 'No such reader' card info >"$scratch/out" 2>"$scratch/err"
check 'an unknown reader is KZ-C08' equals "$(code)" KZ-C08

for options in '--atr contactless' '--no-extended --no-sfi' --first-command-6f00 '--profile next-p256' '--profile next-p384' '--profile phone'; do
    # shellcheck disable=SC2086
    insert_card $options
    run "qualify with a card ${options#--}" 0 1234 --json qualify --config "$scratch/config.json" --pin-stdin
    check "… ${options#--}: valid" contains "$scratch/out" '"validity":"valid"'
done
# As cards and readers refuse what they do not carry, and end their files.
for options in '--fault every-extended:status=6F00' '--fault every-extended:status=6B00 --fault every-short-ef:status=6D00' \
    '--end-of-file warned' '--end-of-file refused'; do
    # shellcheck disable=SC2086
    insert_card $options
    run "qualify with ${options#--}" 0 1234 --json qualify --config "$scratch/config.json" --pin-stdin
    check "… ${options#--}: valid" contains "$scratch/out" '"validity":"valid"'
    check "… ${options#--}: one PIN" equals "$(pin_entries)" 1
done
insert_card --fault every-extended:drop
run 'a reader that breaks at extended lengths, with --short-apdu' 0 1234 --short-apdu --json qualify --config "$scratch/config.json" --pin-stdin
check '… valid' contains "$scratch/out" '"validity":"valid"'
fails '… and without it' KZ-C01 1234 qualify --config "$scratch/config.json" --pin-stdin
check '… the PIN was not sent again' equals "$(pin_entries)" 1

insert_card --fault ins=2A:drop
fails 'a card taken away while signing fails' KZ-C01 1234 qualify --config "$scratch/config.json" --pin-stdin
check '… and one PIN was sent' equals "$(pin_entries)" 1
insert_card --profile not-jpki
fails 'another card fails' KZ-C03 1234 qualify --config "$scratch/config.json" --pin-stdin
check '… and no PIN was sent' equals "$(pin_entries)" 0
