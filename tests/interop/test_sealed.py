"""Sealed answers, judged by jwcrypto and by joserfc: sealed here and opened there, both ways, and a phone written with
jwcrypto that asks the sandbox for one.

`seals` (crate kazasu-flows) is the core's side: it seals and opens what it is told to on stdin.
"""

import base64
import hashlib
import http.client
import json
import ssl
import subprocess
import time
import urllib.parse
import uuid

import joserfc.errors
import joserfc.jwe
import joserfc.jwk
import joserfc.jws
import jwcrypto.common
import jwcrypto.jwe
import jwcrypto.jwk
import jwcrypto.jws
import pytest

from conftest import BIN, PEOPLE, PIN, ROOT, Run, Sandbox

HOST = "fhir.hoken.example"
JTI = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
RESOURCE = '{"resourceType":"Bundle","total":0,"note":"薬剤情報"}'


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def party_v(jkt, jti):
    return unpadded(hashlib.sha256((jkt + jti).encode("ascii")).digest())


def header(**changes):
    """The protected header that the contract wants, without the sender's key, which the libraries add."""
    members = {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT", "apu": unpadded(HOST.encode()), "apv": party_v(JKT, JTI),
               "iat": int(time.time())}
    return members | changes


class JwCrypto:
    """jwcrypto as a judge."""

    Refusal = jwcrypto.common.JWException

    @staticmethod
    def seal(plaintext, to, protected):
        sealed = jwcrypto.jwe.JWE(plaintext.encode(), json.dumps(protected))
        sealed.allowed_algs = [protected["alg"], protected["enc"]]
        sealed.add_recipient(jwcrypto.jwk.JWK.from_json(json.dumps(to)))
        return sealed.serialize(compact=True)

    @staticmethod
    def open(sealed, key):
        opened = jwcrypto.jwe.JWE()
        opened.allowed_algs = ["ECDH-ES", "A256GCM"]
        opened.deserialize(sealed, jwcrypto.jwk.JWK.from_json(json.dumps(key)))
        return opened.payload.decode()

    @staticmethod
    def sign(payload, key, protected):
        signed = jwcrypto.jws.JWS(payload.encode())
        signed.add_signature(jwcrypto.jwk.JWK.from_json(json.dumps(key)), protected=json.dumps(protected))
        return signed.serialize(compact=True)

    @staticmethod
    def verify(token, key):
        judged = jwcrypto.jws.JWS()
        judged.allowed_algs = ["ES256"]
        judged.deserialize(token, jwcrypto.jwk.JWK.from_json(json.dumps(key)))
        return judged.payload.decode()


class JoseRfc:
    """joserfc as a judge."""

    Refusal = joserfc.errors.JoseError

    @staticmethod
    def _registry():
        # It knows `iat` and the like only of JWTs.
        return joserfc.jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM", "A128GCM", "ECDH-ES+A256KW", "DEF"],
                                       strict_check_header=False)

    @classmethod
    def seal(cls, plaintext, to, protected):
        key = joserfc.jwk.ECKey.import_key(to)
        return joserfc.jwe.encrypt_compact(protected, plaintext.encode(), key, registry=cls._registry())

    @classmethod
    def open(cls, sealed, key):
        key = joserfc.jwk.ECKey.import_key(key)
        return joserfc.jwe.decrypt_compact(sealed, key, registry=cls._registry()).plaintext.decode()

    @staticmethod
    def sign(payload, key, protected):
        registry = joserfc.jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
        return joserfc.jws.serialize_compact(protected, payload.encode(), joserfc.jwk.ECKey.import_key(key), registry=registry)

    @staticmethod
    def verify(token, key):
        registry = joserfc.jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
        return joserfc.jws.deserialize_compact(token, joserfc.jwk.ECKey.import_key(key), registry=registry).payload.decode()


@pytest.fixture(params=[JwCrypto, JoseRfc], ids=lambda judge: judge.__name__)
def judge(request):
    return request.param


def new_key():
    """A P-256 key pair as JWK, members only that RFC 7518 requires."""
    key = jwcrypto.jwk.JWK.generate(kty="EC", crv="P-256").export(as_dict=True)
    return {name: key[name] for name in ("kty", "crv", "x", "y", "d")}


def public(key):
    return {name: value for name, value in key.items() if name != "d"}


def thumbprint(key):
    return jwcrypto.jwk.JWK.from_json(json.dumps(key)).thumbprint()


def core(**asked):
    """One question to the core."""
    done = subprocess.run([str(BIN / "seals")], input=json.dumps(asked).encode() + b"\n", stdout=subprocess.PIPE, timeout=60,
                          check=True)
    return json.loads(done.stdout)


class Exchange:
    """A request of the core and the keys around it."""

    def __init__(self):
        self.key, self.signer = new_key(), new_key()
        self.kid = thumbprint(self.signer)
        self.jwks = {"keys": [public(new_key()) | {"kid": "other"}, public(self.signer) | {"kid": self.kid, "use": "sig"}]}

    def jws(self, judge, protected, without=(), **changes):
        """What the server signs for the seal with this protected header."""
        signed_for = {name: protected[name] for name in ("apv", "iat")}
        members = {"alg": "ES256", "kid": self.kid, "cty": "fhir+json"} | signed_for | changes
        return judge.sign(RESOURCE, self.signer, {name: value for name, value in members.items() if name not in without})

    def open(self, sealed, **changes):
        asked = {"jwe": sealed, "d": self.key["d"], "host": HOST, "jkt": JKT, "jti": JTI, "now": int(time.time()),
                 "jwks": self.jwks, "pinned": [self.kid]}
        return core(**asked | changes)


@pytest.fixture
def exchange():
    return Exchange()


# Sealed by the core, opened by others

def test_what_the_core_seals_others_open(judge):
    key = new_key()
    sealed = core(to=public(key), host=HOST, jkt=JKT, jti=JTI, iat=1795137306, plaintext=RESOURCE)["jwe"]
    assert judge.open(sealed, key) == RESOURCE
    protected, encrypted_key, iv, _, tag = sealed.split(".")
    members = json.loads(decoded(protected))
    assert members.keys() == {"alg", "enc", "epk", "apu", "apv", "cty", "iat"} and encrypted_key == ""
    assert members["epk"].keys() == {"kty", "crv", "x", "y"}
    assert (len(decoded(iv)), len(decoded(tag))) == (12, 16)
    with pytest.raises(judge.Refusal):
        judge.open(sealed, new_key())


# Sealed by others, opened by the core

def test_what_others_sign_and_seal_the_core_opens(exchange, judge):
    for signing in (JwCrypto, JoseRfc):
        protected = header()
        sealed = judge.seal(exchange.jws(signing, protected), public(exchange.key), protected)
        assert exchange.open(sealed) == {"resource": RESOURCE}
        token = judge.seal(exchange.jws(signing, protected, cty="json"), public(exchange.key), protected)
        assert exchange.open(token, cty="json") == {"resource": RESOURCE}
        assert exchange.open(token) == {"code": "KZ-X01"}, "a token is no resource"
        assert exchange.open(sealed, cty="json") == {"code": "KZ-X01"}, "nor the other way about"


def test_the_core_refuses_what_is_for_another_request(exchange, judge):
    for protected in (header(apv=party_v(JKT, str(uuid.uuid4()))), header(apv=party_v("x", JTI)), header(iat=int(time.time()) - 90)):
        assert exchange.open(judge.seal(exchange.jws(judge, protected), public(exchange.key), protected)) == {"code": "KZ-X02"}


def test_the_core_refuses_what_was_signed_for_another_request(exchange, judge):
    """The seal is right, and made by whoever was given the signed answer."""
    now = int(time.time())
    for without, changes in ((), {"apv": party_v(JKT, "x")}), ((), {"apv": party_v("x", JTI)}), ((), {"iat": now - 61}), \
            ((), {"iat": now - 1}), (("apv",), {}), (("iat",), {}), (("apv", "iat"), {}):
        protected = header(iat=now)
        signed = exchange.jws(judge, protected, without, **changes)
        answer = exchange.open(judge.seal(signed, public(exchange.key), protected))
        assert answer == {"code": "KZ-X02"}, (without, changes)


def test_the_core_refuses_other_algorithms(exchange, judge):
    for changes in ({"alg": "ECDH-ES+A256KW"}, {"enc": "A128GCM"}, {"zip": "DEF"}):
        jws = exchange.jws(judge, header())
        sealed = judge.seal(jws, public(exchange.key), header(**changes))
        assert exchange.open(sealed) == {"code": "KZ-X01"}, changes


def test_the_core_refuses_what_is_not_signed_by_a_pinned_key(exchange, judge):
    protected = header()
    jws = exchange.jws(judge, protected)
    good = judge.seal(jws, public(exchange.key), protected)
    assert exchange.open(good, pinned=["other"]) == {"code": "KZ-X01"}
    assert exchange.open(good, jwks={"keys": []}) == {"code": "KZ-X01"}
    swapped = {"keys": [public(new_key()) | {"kid": exchange.kid}]}
    assert exchange.open(good, jwks=swapped) == {"code": "KZ-X01"}, "another key under the pinned name"
    for plaintext in (RESOURCE, jws[:-4] + "AAAA", exchange.jws(judge, protected, cty="json")):
        assert exchange.open(judge.seal(plaintext, public(exchange.key), protected)) == {"code": "KZ-X01"}


def test_the_vector_opens_everywhere(judge):
    vectors = json.loads((ROOT / "tests/vectors/jose.json").read_text())
    assert judge.open(vectors["V13"]["jwe"], vectors["V12"]["bob"]) == '{"status":"ok"}'
    assert party_v(vectors["V15"]["jkt"], vectors["V15"]["nonce"]) == vectors["V15"]["apv"]
    for name, nonce, content_type in (("V16", vectors["V15"]["nonce"], "fhir+json"), ("V17", vectors["V17"]["nonce"], "json")):
        vector = vectors[name]
        jws = judge.open(vector["jwe"], vectors["V12"]["bob"])
        assert json.loads(decoded(jws.split(".")[0])) == {
            "alg": "ES256", "kid": thumbprint(vectors["V12"]["alice"]), "cty": content_type,
            "apv": party_v(vectors["V15"]["jkt"], nonce), "iat": vector["iat"]}
        assert judge.verify(jws, public(vectors["V12"]["alice"])) == vector["content"]


# The sandbox

class Phone:
    """The phone of person 1 with its card, written with jwcrypto from the contract."""

    def __init__(self, server):
        config = json.loads(server.config.read_text())
        self.issuer, self.base = config["issuer"], config["fhir_base"]
        context = ssl.create_default_context(cafile=str(server.config.parent / config["tls_roots"][0]))
        url = urllib.parse.urlsplit(self.issuer)
        self.connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=30)
        self.key = new_key()
        self.jkt = thumbprint(self.key)

    def ask(self, method, url, body=b"", **headers):
        path = url.removeprefix(self.issuer)
        self.connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = self.connection.getresponse()
        return reply.status, reply.getheader("content-type"), reply.read().decode()

    def proof(self, url, **claims):
        protected = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public(self.key)}
        claims = {"jti": str(uuid.uuid4()), "htm": "POST", "htu": url, "iat": int(time.time())} | claims
        return claims["jti"], JwCrypto.sign(json.dumps(claims), self.key, protected)

    def assertion(self, nonce, scope):
        card = json.loads((PEOPLE / "keys.json").read_text())["people"]["1"]["authentication"]["rsa2048"]
        pem = f"-----BEGIN PRIVATE KEY-----\n{card['pkcs8']}\n-----END PRIVATE KEY-----\n"
        key = jwcrypto.jwk.JWK.from_pem(pem.encode())
        name = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:" + key.thumbprint()
        now = int(time.time())
        claims = {"iss": name, "sub": name, "aud": self.issuer, "iat": now, "exp": now + 180, "jti": str(uuid.uuid4()),
                  "nonce": nonce, "cnf": {"jkt": self.jkt}, "scope": scope,
                  "purpose": {"code": "PATRQT", "notice": "1", "sha256": unpadded(hashlib.sha256(b"").digest())}}
        signed = jwcrypto.jws.JWS(json.dumps(claims).encode())
        # The certificate of that key, which the card holds.
        made = subprocess.run([str(BIN / "assertions")], stdout=subprocess.PIPE, timeout=120, check=True).stdout.decode()
        certificate = next(e["certificate"] for e in map(json.loads, made.splitlines()) if e["profile"] == "today")
        signed.add_signature(key, protected=json.dumps({"alg": "RS256", "typ": "card-auth+jwt", "x5c": [certificate]}))
        return signed.serialize(compact=True)

    def ask_for_token(self, form, judge):
        """A token sealed to a new key: its claims, the header of the seal and the id of the proof."""
        key = new_key()
        jti, proof = self.proof(f"{self.issuer}/token", enc_jwk=public(key))
        status, kind, sealed = self.ask("POST", f"{self.issuer}/token", urllib.parse.urlencode(form | {"client_id": "jp.example.kazasu-demo"}),
                                        DPoP=proof, Accept="application/jose", Content_Type="application/x-www-form-urlencoded")
        assert (status, kind) == (200, "application/jose"), sealed
        token, _, members = self.unsealed(sealed, key, judge, "json")
        return token, members, jti

    def token(self, scope, judge):
        _, _, nonce = self.ask("POST", f"{self.issuer}/nonce")
        nonce = json.loads(nonce)["nonce"]
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": self.assertion(nonce, scope)}
        token, members, _ = self.ask_for_token(form, judge)
        assert members["apv"] == party_v(self.jkt, nonce), "bound to what the card signed"
        return token

    def unsealed(self, sealed, key, judge, content_type):
        """The JSON in a sealed answer, with the headers of its JWS and of its JWE; both judged by others."""
        members = json.loads(decoded(sealed.split(".")[0]))
        jws = judge.open(sealed, key)
        named = json.loads(decoded(jws.split(".")[0]))
        keys = json.loads(self.ask("GET", f"{self.issuer}/jwks.json")[2])["keys"]
        signer = next(k for k in keys if k["kid"] == named["kid"])
        assert named == {"alg": "ES256", "kid": thumbprint(signer), "cty": content_type, "apv": members["apv"], "iat": members["iat"]}
        assert abs(members["iat"] - time.time()) < 60
        return json.loads(judge.verify(jws, {name: signer[name] for name in ("kty", "crv", "x", "y")})), named, members


def test_others_open_what_the_sandbox_seals(tmp_path, judge):
    server = Sandbox(tmp_path, "--seal", "required")
    try:
        phone, key = Phone(server), new_key()
        token = phone.token("patient/Immunization.rs offline_access", judge)
        assert token["token_type"] == "DPoP"
        renewed, members, jti = phone.ask_for_token({"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}, judge)
        assert members["apv"] == party_v(phone.jkt, jti), "bound to the proof"
        assert renewed["patient"] == token["patient"]
        token = renewed
        url = f"{phone.base}/Immunization/_search"
        jti, proof = phone.proof(url, enc_jwk=public(key), ath=unpadded(hashlib.sha256(token["access_token"].encode()).digest()))
        status, kind, sealed = phone.ask("POST", url, f"patient=Patient/{token['patient']}", DPoP=proof, Accept="application/jose",
                                         Authorization=f"DPoP {token['access_token']}", Content_Type="application/x-www-form-urlencoded")
        assert (status, kind) == (200, "application/jose"), sealed
        bundle, named, members = phone.unsealed(sealed, key, judge, "fhir+json")
        assert members["apu"] == unpadded(b"127.0.0.1") and members["apv"] == party_v(phone.jkt, jti)
        assert named["kid"] in json.loads(server.config.read_text())["signer_kids"]
        assert bundle["resourceType"] == "Bundle" and bundle["entry"]
    finally:
        server.stop()


# The command line

def qualify(server, **settings):
    """The main job against a sandbox, its configuration changed by `settings`."""
    file = server.config.with_name("changed.json")
    file.write_text(json.dumps(json.loads(server.config.read_text()) | settings))
    return Run("--sim", "today", "--json", "qualify", "--config", file, "--pin-stdin", secrets=PIN)


@pytest.mark.parametrize("mode", ["off", "optional", "required"])
def test_the_command_line_says_sealed_only_if_it_was(tmp_path, mode):
    server = Sandbox(tmp_path, "--seal", mode)
    try:
        assert qualify(server).succeeded().json.get("sealed") == (True if mode == "required" else None)
        demanded = qualify(server, payload_encryption="require")
        if mode == "off":
            demanded.failed_with("KZ-U01")
        else:
            assert demanded.succeeded().json["sealed"] is True
        refused = qualify(server, payload_encryption="off")
        if mode == "required":
            refused.failed_with("KZ-U01")
        else:
            assert "sealed" not in refused.succeeded().json
        qualify(server, payload_encryption="sometimes").failed_with("KZ-U01")
    finally:
        log = server.stop()
    assert (", sealed" in log) == (mode != "off")


@pytest.mark.parametrize("switch, code", [("seal-plain", "KZ-X01"), ("seal-other-request", "KZ-X02"), ("seal-no-apv", "KZ-X02"),
                                          ("seal-signed-before", "KZ-X02")])
def test_the_command_line_tells_what_is_wrong_with_a_seal(tmp_path, switch, code):
    server = Sandbox(tmp_path, "--seal", "required", "--switch", switch)
    try:
        qualify(server).failed_with(code)
    finally:
        server.stop()
