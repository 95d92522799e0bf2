# shellcheck shell=bash
# jpki-cli, unchanged, on the simulated card. It sends every command twice and exits 0 whatever happens: its output tells.

jpki=${JPKI_CLI:-}
if [[ -z $jpki ]]; then
    echo 'not run: jpki-cli (JPKI_CLI is not set)'
    return
fi
unset LOCALE RUST_LOG
number_b=02040520350123
# quiet COMMAND…: jpki-cli without a secret. typed DOCUMENT SECRET COMMAND…: with both typed on its terminal: it cannot
# ask for a secret while standard input is a file.
quiet() { timeout 20 "$jpki" "$@" </dev/null >"$scratch/out" 2>"$scratch/err"; }
typed() {
    local document=$1 secret=$2
    shift 2
    ASKED_ON_STDIN=$document asked "$secret" "$jpki" "$@" >"$scratch/out" 2>"$scratch/err"
}
says() { equals "$(cat "$scratch/out")" "$1" || { cat "$scratch/err"; return 1; }; }

insert_card
document='signed by another foreign program'
printf '%s\n' "$document" >"$scratch/data"
printf 'not this\n' >"$scratch/other"
quiet crypto --auth stat
check 'jpki-cli sees 3 tries' says 3
check '… and sends every command twice' equals "$(grep -c '"ins":"A4"' "$scratch/card.log") $(grep -c '"ins":"20"' "$scratch/card.log")" '4 2'
quiet crypto stat
check 'jpki-cli sees 5 tries of the signature password' says 5
quiet support stat
check 'jpki-cli sees 3 tries of the text-input PIN' says 3
for number in a b; do
    quiet surface stat "$number"
    check "jpki-cli sees 10 tries of number ${number^}" says 10
done

quiet crypto --auth read-certificate
cp "$scratch/out" "$scratch/auth.der"
check 'jpki-cli reads an authentication certificate that verifies' \
    openssl verify -CAfile "$people/ca-authentication-rsa2048.pem" "$scratch/auth.der"
quiet crypto --auth --ca read-certificate
openssl x509 -inform DER -in "$scratch/out" -out "$scratch/ca.pem"
check 'jpki-cli reads its authority' cmp "$scratch/ca.pem" "$people/ca-authentication-rsa2048.pem"
typed "" ABC123 crypto read-certificate
cp "$scratch/out" "$scratch/sign.der"
check 'jpki-cli reads a signature certificate that verifies' \
    openssl verify -CAfile "$people/ca-signature-rsa2048.pem" "$scratch/sign.der"
run 'card certificate --kind sign, beside jpki-cli' 0 ABC123 card certificate --kind sign -o "$scratch/cli.der" --pin-stdin
check 'it is the one that kazasu reads' cmp "$scratch/sign.der" "$scratch/cli.der"

for kind in auth sign; do
    options=() secret=ABC123
    [[ $kind == auth ]] && options=(--auth) secret=1234
    openssl x509 -inform DER -in "$scratch/$kind.der" -noout -pubkey >"$scratch/$kind.pub"
    rm -f "$scratch/sig"
    typed "$document" "$secret" crypto "${options[@]}" sign "$scratch/sig"
    check "OpenSSL verifies jpki-cli's signature, $kind" \
        openssl dgst -sha1 -verify "$scratch/$kind.pub" -signature "$scratch/sig" "$scratch/data"
    refuses '… not for another document' openssl dgst -sha1 -verify "$scratch/$kind.pub" -signature "$scratch/sig" "$scratch/other"
done

typed "" "$number_b" surface get photo
check 'jpki-cli reads the photo' cmp "$scratch/out" "$people/photo.jp2"
typed "" "$number_b" surface get name
check 'jpki-cli reads the printed name' is_png "$scratch/out" 216 12
typed "" "$number_b" surface get date-of-birth
check 'jpki-cli reads the birth date' says 19900405
typed "" 1234 support get attributes
check 'jpki-cli reads the attributes' contains "$scratch/out" "$(person 1 name)" "$(person 1 address)" 19900405 Female
typed "" 1234 support get my-number
number=$(sed -n '/"1": {/,/}/s/.*"my_number": "\([0-9]*\)".*/\1/p' "$people/printed.json" | head -n 1)
check 'jpki-cli reads the number of a person who does not exist' says "$number"
check 'right PINs cost nothing' equals "$(tries jpki/0018) $(tries jpki/001B) $(tries text-input/0011) $(tries surface/0012)" '3 5 3 10'
typed "$document" 9876 crypto --auth sign "$scratch/none"
check 'one wrong entry costs jpki-cli two tries' equals "$(tries jpki/0018)" 1
fails 'kazasu then guards the last one' KZ-C09 1234 card authenticate --challenge 4b617a6173752d31 --pin-stdin
