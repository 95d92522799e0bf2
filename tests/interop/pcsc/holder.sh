# shellcheck shell=bash
# What the holder opens: attributes, face, birth date, and a signature on a document.

insert_card
run 'card attributes --verify' 0 1234 card attributes --verify --pin-stdin
check 'the attributes are the person'\''s' contains "$scratch/out" "$(person 1 name)" "$(person 1 address)" 1990-04-05 女
check '… and proven' contains "$scratch/out" '確認済み（市区町村コード 13101、テスト用カード）'
run 'card attributes --verify --json' 0 1234 card attributes --verify --pin-stdin --json
check 'one object holds them and the proof' contains "$scratch/out" '"birth_date":"1990-04-05"' '"sex":"female"' \
    '"genuine":true' '"municipality":"13101"' '"test_card":true'
run 'card attributes without --verify' 0 1234 card attributes --pin-stdin --json
check '… claims no proof' contains "$scratch/out" '"genuine":false'
check 'asked for on the terminal, without an echo' asked_for_attributes

number_b=02040520350123 # birth date in the Japanese era, year of expiry, security code
run 'card face -o' 0 "$number_b" card face -o "$scratch/photo.png" --pin-stdin
check 'the photo is a PNG of 378 × 472' is_png "$scratch/photo.png" 378 472
run 'card face --verify with the printed name and address' 0 "$number_b" card face --verify --pin-stdin \
    -o "$scratch/verified.png" --name-image "$scratch/name.png" --address-image "$scratch/address.png"
check '… is proven' contains "$scratch/out" '確認済み（市区町村コード 13101、テスト用カード）'
check '… is the same photo' cmp "$scratch/photo.png" "$scratch/verified.png"
check 'the printed name is a PNG' is_png "$scratch/name.png" 216 12
check 'the printed address is a PNG' is_png "$scratch/address.png" 288 12
refuses '… another size would be noticed' is_png "$scratch/address.png" 216 12
run 'card birth-date' 0 020405 card birth-date --pin-stdin --json
check '… is proven' contains "$scratch/out" '"birth_date":"1990-04-05"' '"genuine":true'

run 'the authority of signatures' 0 '' card certificate --kind sign --ca -o "$scratch/ca.pem"
printf 'Kazasu signs this.\nAnd this.\n' >"$scratch/document"
verify_cms() { openssl cms -verify -binary -inform DER -CAfile "$scratch/ca.pem" -purpose any -out "$scratch/content" "$@"; }
run 'card sign' 0 abc123 card sign "$scratch/document" -o "$scratch/document.p7s" --pin-stdin
check 'it says that the signature discloses name and address' contains "$scratch/err" 氏名 住所
check 'OpenSSL verifies the signature' verify_cms -in "$scratch/document.p7s" -content "$scratch/document"
check '… also as CAdES' verify_cms -cades -in "$scratch/document.p7s" -content "$scratch/document"
refuses '… not without the document' verify_cms -in "$scratch/document.p7s"
refuses '… not under the other authority' openssl cms -verify -binary -inform DER -purpose any -out /dev/null \
    -CAfile "$people/ca-authentication-rsa2048.pem" -in "$scratch/document.p7s" -content "$scratch/document"
sed 's/And/and/' "$scratch/document" >"$scratch/changed"
refuses '… not for a changed document' verify_cms -in "$scratch/document.p7s" -content "$scratch/changed"
run 'card sign --attached' 0 ABC123 card sign "$scratch/document" -o "$scratch/attached.p7s" --attached --pin-stdin
rm -f "$scratch/content"
check 'OpenSSL verifies the attached signature' verify_cms -in "$scratch/attached.p7s"
check '… which holds the document' cmp "$scratch/content" "$scratch/document"
sed 's/And this/and this/' "$scratch/attached.p7s" >"$scratch/changed.p7s"
refuses '… not when it was changed' verify_cms -in "$scratch/changed.p7s"
check 'all this cost no try' equals \
    "$(tries jpki/001B) $(tries text-input/0011) $(tries surface/0012) $(tries surface/0011)" '5 3 10 10'
