#!/usr/bin/env python3
"""Draws the key pairs of the ten synthetic people and of the JPKI-SIM authorities into keys.json and *.pem.

Run once; the result is checked in so that the simulated card and the sandbox, which share no code, agree.
Needs: cryptography, jwcrypto. Running it again replaces every key.
"""
import base64, datetime, json, pathlib
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwcrypto import jwk

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {"rsa2048": lambda: rsa.generate_private_key(65537, 2048), "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
         "p384": lambda: ec.generate_private_key(ec.SECP384R1())}
PURPOSES = {"authentication": ("JPKI for user authentication", "公的個人認証サービス利用者証明用（模擬）"),
            "signature": ("JPKI for digital signature", "公的個人認証サービス署名用（模擬）")}

def pkcs8(key):
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return base64.b64encode(der).decode()

def thumbprint(key):
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return jwk.JWK.from_pem(pem).thumbprint()

def authority(purpose, key):
    """A self-signed authority in the shape of the JPKI roots: KU, SAN dirName, BC, CDP, SKI, no AKI."""
    unit, japanese = PURPOSES[purpose]
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in (
        (NameOID.COUNTRY_NAME, "JP"), (NameOID.ORGANIZATION_NAME, "JPKI-SIM"), (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Kazasu simulated authority"))])
    native = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "公的個人認証サービス（模擬）"),
                        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, japanese)])
    utc = datetime.timezone.utc
    digest = hashes.SHA384() if isinstance(key, ec.EllipticCurvePrivateKey) else hashes.SHA256()
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(int.from_bytes(b"SIM" + purpose[:1].encode() + (b"E" if digest.name == "sha384" else b"R"), "big"))
            .not_valid_before(datetime.datetime(2026, 1, 1, tzinfo=utc)).not_valid_after(datetime.datetime(2046, 1, 1, tzinfo=utc))
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
            .add_extension(x509.SubjectAlternativeName([x509.DirectoryName(native)]), False)
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(x509.CRLDistributionPoints([x509.DistributionPoint([x509.DirectoryName(name)], None, None, None)]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, digest))

def main():
    out = {"note": "Synthetic test keys, published on purpose. Never use them for anything else.", "authorities": {}, "people": {}}
    for purpose in PURPOSES:
        for kind in ("rsa2048", "p384"):
            key = KINDS[kind]()
            name = f"{purpose}-{kind}"
            out["authorities"][name] = {"pkcs8": pkcs8(key), "certificate": f"ca-{name}.pem"}
            (HERE / f"ca-{name}.pem").write_bytes(authority(purpose, key).public_bytes(serialization.Encoding.PEM))
    for number in range(1, 11):
        person = {}
        for purpose in PURPOSES:
            person[purpose] = {}
            for kind, draw in KINDS.items():
                key = draw()
                person[purpose][kind] = {"pkcs8": pkcs8(key), "thumbprint": thumbprint(key)}
        out["people"][str(number)] = person
    (HERE / "keys.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")

main()
