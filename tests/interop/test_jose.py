"""Assertions and DPoP proofs, judged by jwcrypto and by joserfc; certificates by OpenSSL.

`assertions` (crate kazasu-flows) makes one example for each generation of cards.
"""

import base64
import hashlib
import json
import re
import subprocess
import time

import joserfc.errors
import joserfc.jwk
import joserfc.jws
import jwcrypto.jwk
import jwcrypto.jws
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from conftest import BIN, PEOPLE

PROFILES = {"today": ("RS256", "rsa2048"), "next-p256": ("ES256", "p384"), "next-p384": ("ES384", "p384")}
UUID4 = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
NOTICE = "試験のための表示です。"


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part):
    assert re.fullmatch("[A-Za-z0-9_-]+", part), "not base64url without padding"
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts(token):
    header, payload, signature = token.split(".")
    return json.loads(decoded(header)), json.loads(decoded(payload)), decoded(signature)


@pytest.fixture(scope="module")
def examples():
    done = subprocess.run([str(BIN / "assertions")], stdout=subprocess.PIPE, timeout=120, check=True)
    found = {example["profile"]: example for example in map(json.loads, done.stdout.decode().splitlines())}
    assert found.keys() == PROFILES.keys()
    return found


@pytest.fixture(params=PROFILES)
def example(request, examples):
    return examples[request.param]


@pytest.fixture
def certificate(example):
    return x509.load_der_x509_certificate(base64.b64decode(example["certificate"], validate=True))


def public_pem(key):
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class JwCrypto:
    """jwcrypto as a judge."""

    Refusal = jwcrypto.jws.InvalidJWSSignature

    @staticmethod
    def verify(token, key, algorithm):
        judged = jwcrypto.jws.JWS()
        judged.allowed_algs = [algorithm]
        judged.deserialize(token)
        judged.verify(jwcrypto.jwk.JWK.from_json(key) if isinstance(key, str) else jwcrypto.jwk.JWK.from_pem(public_pem(key)))
        return judged.payload

    @staticmethod
    def thumbprint(key):
        return (jwcrypto.jwk.JWK.from_json(key) if isinstance(key, str) else jwcrypto.jwk.JWK.from_pem(public_pem(key))).thumbprint()


class JoseRfc:
    """joserfc as a judge."""

    Refusal = joserfc.errors.BadSignatureError

    @staticmethod
    def _key(key):
        if isinstance(key, str):
            return joserfc.jwk.ECKey.import_key(json.loads(key))
        kind = joserfc.jwk.RSAKey if isinstance(key, rsa.RSAPublicKey) else joserfc.jwk.ECKey
        return kind.import_key(public_pem(key))

    @classmethod
    def verify(cls, token, key, algorithm):
        registry = joserfc.jws.JWSRegistry(algorithms=[algorithm])
        registry.max_header_length = 8192  # joserfc's 512 bytes hold no certificate
        return joserfc.jws.deserialize_compact(token, cls._key(key), registry=registry).payload

    @classmethod
    def thumbprint(cls, key):
        return cls._key(key).thumbprint()


@pytest.fixture(params=[JwCrypto, JoseRfc], ids=lambda judge: judge.__name__)
def judge(request):
    return request.param


def damaged(token):
    """The same token with one bit of the signature turned."""
    header, payload, signature = token.split(".")
    turned = bytearray(decoded(signature))
    turned[len(turned) // 2] ^= 1
    return f"{header}.{payload}.{unpadded(bytes(turned))}"


def with_payload(token, **changes):
    """The same token with other claims."""
    header, payload, signature = token.split(".")
    claims = json.loads(decoded(payload)) | changes
    return f"{header}.{unpadded(json.dumps(claims).encode())}.{signature}"


# The assertion

def test_assertion_verifies_with_the_key_of_the_certificate(example, certificate, judge):
    algorithm = PROFILES[example["profile"]][0]
    payload = judge.verify(example["assertion"], certificate.public_key(), algorithm)
    assert json.loads(payload) == parts(example["assertion"])[1]


def test_changed_assertion_does_not(example, certificate, judge):
    algorithm = PROFILES[example["profile"]][0]
    for token in (damaged(example["assertion"]), with_payload(example["assertion"], aud="https://elsewhere.example")):
        with pytest.raises(judge.Refusal):
            judge.verify(token, certificate.public_key(), algorithm)


def test_header_has_three_members_and_the_certificate(example, certificate):
    assert example["assertion"].startswith("eyJ")
    header, _, signature = parts(example["assertion"])
    algorithm = PROFILES[example["profile"]][0]
    assert header.keys() == {"alg", "typ", "x5c"}
    assert (header["alg"], header["typ"]) == (algorithm, "card-auth+jwt")
    assert 1 <= len(header["x5c"]) <= 2
    # Standard base64 with padding (RFC 7515, 4.1.6), which is what validate=True takes.
    assert base64.b64decode(header["x5c"][0], validate=True) == base64.b64decode(example["certificate"], validate=True)
    assert len(signature) == {"RS256": 256, "ES256": 64, "ES384": 96}[algorithm]
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey) if algorithm == "RS256" else isinstance(key, ec.EllipticCurvePublicKey)


def test_claims_are_those_of_the_contract(example):
    claims = parts(example["assertion"])[1]
    assert claims.keys() - {"chan"} == {"iss", "sub", "aud", "iat", "exp", "jti", "nonce", "cnf", "scope", "purpose"}
    assert claims["aud"] == "https://auth.hoken.example"
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert abs(claims["iat"] - time.time()) < 300
    assert isinstance(claims["iat"], int) and isinstance(claims["exp"], int)
    assert re.fullmatch(UUID4, claims["jti"])
    assert re.fullmatch("[A-Za-z0-9_-]{43,86}", claims["nonce"])
    assert claims["purpose"].keys() == {"code", "notice", "sha256"} and claims["purpose"]["code"] in ("PATRQT", "FAMRQT")
    assert claims["purpose"]["sha256"] == unpadded(hashlib.sha256(NOTICE.encode()).digest())
    assert claims["chan"] == {"kind": "Plain", "chip_proof": "CertKeyChallenge"}
    assert "patient/CoverageEligibilityRequest.c" in claims["scope"].split()


def test_issuer_and_subject_are_the_thumbprint_of_the_certificate_key(example, certificate, judge):
    claims = parts(example["assertion"])[1]
    uri = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:" + judge.thumbprint(certificate.public_key())
    assert claims["iss"] == claims["sub"] == uri


def test_thumbprint_is_the_published_one(example, certificate, judge):
    """The test people's keys are checked in with the thumbprint that a foreign library gave."""
    keys = json.loads((PEOPLE / "keys.json").read_text())["people"]["1"]["authentication"]
    kind = {"today": "rsa2048", "next-p256": "p256", "next-p384": "p384"}[example["profile"]]
    assert judge.thumbprint(certificate.public_key()) == keys[kind]["thumbprint"]


def test_confirmation_is_the_device_key(example, judge):
    claims = parts(example["assertion"])[1]
    thumbprint = judge.thumbprint(json.dumps(example["device_jwk"]))
    assert claims["cnf"] == {"jkt": thumbprint} and example["jkt"] == thumbprint


def test_assertions_share_nothing_that_must_be_fresh(examples):
    claims = [parts(example["assertion"])[1] for example in examples.values()]
    assert len({c["jti"] for c in claims}) == len({c["cnf"]["jkt"] for c in claims}) == len(claims)


# The certificate

def openssl_verify(certificate, authority, tmp_path, *options):
    file = tmp_path / "certificate.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return subprocess.run(["openssl", "verify", *options, "-CAfile", str(PEOPLE / f"ca-{authority}.pem"), str(file)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_openssl_verifies_the_certificate(example, certificate, tmp_path):
    root = PROFILES[example["profile"]][1]
    done = openssl_verify(certificate, f"authentication-{root}", tmp_path)
    assert done.returncode == 0, done.stdout.decode()
    other = {"rsa2048": "p384", "p384": "rsa2048"}[root]
    for wrong in (f"authentication-{other}", f"signature-{root}"):
        assert openssl_verify(certificate, wrong, tmp_path).returncode != 0


def test_certificate_is_the_authentication_one_and_names_nobody(example, certificate):
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    text = base64.b64decode(example["certificate"])
    for person in json.loads((PEOPLE / "people.json").read_text())["people"]:
        for name in person["name"].split("\u3000"):
            assert name.encode() not in text


# DPoP

@pytest.fixture(params=["dpop_token_proof", "dpop_resource_proof"])
def proof(request, example):
    return example[request.param]


def test_proof_verifies_with_the_key_inside(example, proof, judge):
    jwk = json.dumps(parts(proof)[0]["jwk"])
    judge.verify(proof, jwk, "ES256")
    assert judge.thumbprint(jwk) == example["jkt"]
    for token in (damaged(proof), with_payload(proof, htm="GET")):
        with pytest.raises(judge.Refusal):
            judge.verify(token, jwk, "ES256")


def test_proof_has_the_form_of_rfc_9449(example, proof):
    header, claims, signature = parts(proof)
    assert header.keys() == {"typ", "alg", "jwk"} and (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
    assert header["jwk"] == example["device_jwk"] and header["jwk"].keys() == {"kty", "crv", "x", "y"}
    assert len(signature) == 64
    assert claims["htm"] == "POST" and claims["htu"].startswith("https://")
    assert "?" not in claims["htu"] and "#" not in claims["htu"]
    assert abs(claims["iat"] - time.time()) < 300 and len(claims["jti"]) >= 16


def test_token_proof_carries_the_nonce_and_no_token_hash(example):
    claims = parts(example["dpop_token_proof"])[1]
    assert claims.keys() == {"jti", "htm", "htu", "iat", "nonce"}
    assert (claims["htu"], claims["nonce"]) == ("https://auth.hoken.example/token", "server-nonce")


def test_resource_proof_carries_the_hash_of_the_token(example):
    claims = parts(example["dpop_resource_proof"])[1]
    assert claims.keys() == {"jti", "htm", "htu", "iat", "ath"}
    assert claims["htu"] == "https://fhir.hoken.example/r4/Coverage/_search"
    assert claims["ath"] == unpadded(hashlib.sha256(example["access_token"].encode()).digest())
    # The example token is RFC 9449's, whose hash is printed there (section 7).
    assert claims["ath"] == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_no_two_proofs_are_the_same(examples):
    proofs = [parts(example[name])[1]["jti"] for example in examples.values() for name in ("dpop_token_proof", "dpop_resource_proof")]
    assert len(set(proofs)) == len(proofs)
