# shellcheck shell=bash
# New PINs: the new one works, the old one is wrong, in the eyes of OpenSC too.

# opensc_pin ID PIN: whether OpenSC may log in.
opensc_pin() { pkcs15-tool --verify-pin --auth-id "$1" --pin "$2"; }

insert_card
fails 'a wrong current PIN changes nothing' KZ-C04 $'9876\n7391\n' card pin-change --kind auth --pin-stdin
check '… and costs one try' equals "$(tries jpki/0018)" 2
run 'card pin-change --kind auth' 0 $'1234\n7391\n' card pin-change --kind auth --pin-stdin
check '… says what was changed' contains "$scratch/out" 利用者証明用
check '… and all tries are back' equals "$(tries jpki/0018)" 3
run 'the new PIN works' 0 7391 card authenticate --challenge 4b617a6173752d31 --pin-stdin
check '… with OpenSC too' opensc_pin 1 7391
refuses 'the old one does not with OpenSC' opensc_pin 1 1234
check '… and cost it a try' equals "$(tries jpki/0018)" 2
fails '… nor with kazasu' KZ-C04 1234 card authenticate --challenge 4b617a6173752d31 --pin-stdin

run 'card pin-change --kind sign' 0 $'abc123\nk4z4su9xyz\n' card pin-change --kind sign --pin-stdin --json
check '… says what was changed' contains "$scratch/out" '{"changed":"signature"}'
check 'the new password works with OpenSC, in upper case' opensc_pin 2 K4Z4SU9XYZ
refuses 'the old one does not' opensc_pin 2 ABC123
check '… and cost a try' equals "$(tries jpki/001B)" 4
run 'the new password works with kazasu' 0 k4z4su9xyz card certificate --kind sign --pin-stdin
check '… and gives the tries back' equals "$(tries jpki/001B)" 5

run 'card pin-change --kind text' 0 $'1234\n8013\n' card pin-change --kind text --pin-stdin
run 'the new PIN opens the attributes' 0 8013 card attributes --pin-stdin
check '… which are the same' contains "$scratch/out" "$(person 1 name)"
fails 'the old one does not' KZ-C04 1234 card attributes --pin-stdin
check '… and cost a try' equals "$(tries text-input/0011)" 2

before=$(pin_entries)
fails 'a PIN that is easy to guess is refused' KZ-U01 $'8013\n2222\n' card pin-change --kind text --pin-stdin
check '… before anything was sent' equals "$(($(pin_entries) - before))" 0

insert_card --fault ins=24:drop-after
fails 'a card taken away during the change' KZ-C13 $'1234\n7391\n' card pin-change --kind auth --pin-stdin
check '… is told to try the new PIN first' contains "$scratch/err" 新しい番号、前の番号の順に
