# shellcheck shell=bash
# T=0 and T=1, and how long a card is waited for.

for options in '--atr 3B888001004B51FFB381D1000F' '--atr 3B888001004B51FFB381D1000F --procedure-bytes'; do
    # shellcheck disable=SC2086
    insert_card $options
    for protocol in t0 t1; do
        [[ $options == *procedure* && $protocol == t1 ]] && continue
        name="$protocol${options#*000F}"
        : >"$scratch/card.log"
        run "card authenticate, $name" 0 1234 card authenticate --challenge 4b617a6173752d31 --pin-stdin --protocol $protocol
        # The signing command ends with Le over T=1 (57 bytes) and not over T=0.
        length=$([[ $protocol == t0 ]] && echo 56 || echo 57)
        check "… the card sees $protocol" grep -q "\"ins\":\"2A\".*\"command_len\":$length," "$scratch/card.log"
        run "card attributes --verify, $name" 0 1234 card attributes --verify --pin-stdin --protocol $protocol
        run "card face --verify, $name" 0 02040520350123 card face --verify -o "$scratch/$protocol.png" --pin-stdin \
            --protocol $protocol
        check '… is whole' is_png "$scratch/$protocol.png" 378 472
        run "card pin-change, $name" 0 $'1234\n7391\n' card pin-change --kind auth --pin-stdin --protocol $protocol
        run "card pin-change back, $name" 0 $'7391\n1234\n' card pin-change --kind auth --pin-stdin --accept-guessable \
            --protocol $protocol
        run "card certificate --kind sign, $name" 0 ABC123 card certificate --kind sign --pin-stdin --protocol $protocol
        run "card doctor, $name" 0 '' card doctor --protocol $protocol
        [[ $protocol == t0 ]] || run "qualify, $name" 0 1234 qualify --config "$scratch/config.json" --pin-stdin --protocol $protocol
    done
done
insert_card --atr contact
run 'a card with T=1 alone takes no T=0' 1 '' card info --protocol t0
run '… and takes T=1' 0 '' card info --protocol t1

# A card that comes late, and one that never comes (begun with the first part).
remove_card
"$kazasu" --reader "$reader" card info --json >"$scratch/late.out" 2>"$scratch/late.err" &
late=$!
check 'without a card, one is asked for' wait_for 5 test -s "$scratch/late.err"
insert_card
check 'a card that comes late is read' wait "$late"
check '… after one request' equals "$(grep -c リーダー "$scratch/late.err")" 1
check '… and answers' contains "$scratch/late.out" '"generation":"my_number_card"'
wait_for 35 test -s "$scratch/never.status"
check 'a card that never comes fails' equals "$(cut -d ' ' -f 1 "$scratch/never.status")" 1
waited=$(cut -d ' ' -f 2 "$scratch/never.status")
check '… within half a minute' test "$waited" -ge 28 -a "$waited" -le 33
check '… with KZ-C02' grep -q '^KZ-C02 ' "$scratch/never.err"
