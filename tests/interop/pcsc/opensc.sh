# shellcheck shell=bash
# OpenSC, unchanged, on the simulated card: with all its drivers (without a configuration, as installed) and with its own alone.

printf 'signed by a foreign program\n' >"$scratch/data"
openssl dgst -sha256 -binary "$scratch/data" >"$scratch/hash"
{ printf '\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20' && cat "$scratch/hash"; } >"$scratch/digest-info"
verified() { openssl dgst -sha256 -verify "$1" -signature "$2" "$scratch/data"; }
# signs KEY PIN MECHANISM INPUT: pkcs11-tool signs with key 1 or 2, each in a slot of its own.
signs() {
    rm -f "$scratch/sig"
    pkcs11-tool --slot-index "$(($1 - 1))" --login --pin "$2" --sign --id "0$1" -m "$3" -i "$4" -o "$scratch/sig" &&
        verified "$scratch/$1.pub" "$scratch/sig"
}

# configuration of OpenSC, card
for case in 'none --atr=contact' 'all-drivers --profile=strict' 'jpki-driver --atr=contactless' 'jpki-driver --profile=strict'; do
    drivers=${case% *} option=${case#* }
    insert_card "$option"
    export OPENSC_CONF=$scratch/$drivers.conf
    name="OpenSC ($drivers, ${option#--})"
    pkcs15-tool -D >"$scratch/out" 2>"$scratch/err"
    check "$name lists 4 certificates and 2 PINs" equals \
        "$(grep -c '^X.509 Certificate \[' "$scratch/out") $(grep -c '^PIN \[' "$scratch/out")" '4 2'
    check "$name sees 3 and 5 tries" equals "$(sed -n 's/.*Tries left *: //p' "$scratch/out" | xargs)" '3 5'
    pkcs15-tool --read-certificate 1 >"$scratch/1.pem" 2>"$scratch/err"
    check "$name reads an authentication certificate that verifies" \
        openssl verify -CAfile "$people/ca-authentication-rsa2048.pem" "$scratch/1.pem"
    run "card certificate, beside $name" 0 '' card certificate -o "$scratch/cli.pem"
    check "$name reads the certificate that kazasu reads" equals \
        "$(openssl x509 -in "$scratch/1.pem" -outform DER | sha256sum)" "$(openssl x509 -in "$scratch/cli.pem" -outform DER | sha256sum)"
    refuses "$name gets no signature certificate without the password" bash -c \
        "pkcs15-tool --read-certificate 2 </dev/null | openssl x509"
    pkcs15-tool --read-certificate 2 --verify-pin --auth-id 2 --pin ABC123 >"$scratch/2.pem" 2>"$scratch/err"
    check "$name reads a signature certificate that verifies" \
        openssl verify -CAfile "$people/ca-signature-rsa2048.pem" "$scratch/2.pem"
    for id in 3 4; do pkcs15-tool --read-certificate "$id" >"$scratch/$id.pem" 2>"$scratch/err"; done
    check "$name reads the authority of authentication" cmp "$scratch/3.pem" "$people/ca-authentication-rsa2048.pem"
    check "$name reads the authority of signatures" cmp "$scratch/4.pem" "$people/ca-signature-rsa2048.pem"
    for id in 1 2; do openssl x509 -in "$scratch/$id.pem" -noout -pubkey >"$scratch/$id.pub" 2>/dev/null; done

    check "pkcs11-tool with $name: RSA-PKCS, authentication" signs 1 1234 RSA-PKCS "$scratch/digest-info"
    check "pkcs11-tool with $name: RSA-PKCS, signature" signs 2 ABC123 RSA-PKCS "$scratch/digest-info"
    check "pkcs11-tool with $name: SHA256-RSA-PKCS, signature" signs 2 ABC123 SHA256-RSA-PKCS "$scratch/data"
    pkcs15-crypt --sign --key 1 --pin 1234 --pkcs1 --sha-256 -i "$scratch/hash" -o "$scratch/sig" --raw >"$scratch/err" 2>&1
    check "pkcs15-crypt with $name: authentication" verified "$scratch/1.pub" "$scratch/sig"
    refuses "… not with the other key" verified "$scratch/2.pub" "$scratch/sig"
    check "$name cost no try" equals "$(tries jpki/0018) $(tries jpki/001B)" '3 5'
done
refuses 'a wrong PIN signs nothing' signs 1 9876 RSA-PKCS "$scratch/digest-info"
check '… and costs OpenSC one try' equals "$(tries jpki/0018)" 2
export OPENSC_CONF=$scratch/jpki-driver.conf
