"""Servers that must not be trusted, played by OpenSSL (`s_server` and Python's `ssl`) and tlslite-ng.

The authority is the configured one unless the case says otherwise, so that each case has one thing wrong.
"""

import base64
import datetime
import hashlib
import ipaddress
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest
import tlslite.api as tlslite
import tlslite.errors as tlslite_errors
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from conftest import PEOPLE, PIN, Run, row, trace

DAY = datetime.timedelta(days=1)
HERE = "127.0.0.1"


def pem_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def pin(key):
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A TLS authority. Two of one name differ in nothing but the key."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = named("Interop TLS authority")
        now = datetime.datetime.now(datetime.timezone.utc)
        self.certificate = (
            x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
            .sign(self.key, hashes.SHA256()))

    def issue(self, key, host=HERE, begins=-1, ends=1):
        """A server certificate for `host`, valid from and to so many days from now."""
        now = datetime.datetime.now(datetime.timezone.utc)
        try:
            name = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        return (
            x509.CertificateBuilder().subject_name(named("server")).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now + begins * DAY).not_valid_after(now + ends * DAY)
            .add_extension(x509.SubjectAlternativeName([name]), False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .sign(self.key, hashes.SHA256()))


class Server:
    """A TLS server that keeps what arrives after the handshake and answers 404."""

    def __init__(self, folder, key, certificate, highest=ssl.TLSVersion.TLSv1_3):
        (folder / "server.pem").write_bytes(pem(certificate) + pem_key(key))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.pem")
        self.context.maximum_version = highest
        self.connections = 0
        self.versions = []
        self.received = b""
        self.listener = socket.create_server((HERE, 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._answer, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _answer(self, connection):
        connection.settimeout(10)
        try:
            with self.context.wrap_socket(connection, server_side=True) as link:
                self.versions.append(link.version())
                while data := link.recv(4096):
                    self.received += data
                    if self.received.endswith(b"\r\n\r\n"):
                        link.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            pass

    def stop(self):
        # A listener that is only closed leaves its accept waiting; shutting it down ends that.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(15)


@pytest.fixture
def world(tmp_path):
    """An authority, a pinned key and a backup key, and the configuration that trusts them."""

    class World:
        authority, key, backup = Authority(), *(ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        folder, trace = tmp_path, tmp_path / "trace.jsonl"

        def config(self, port, host=HERE, **changes):
            (tmp_path / "tls-root.pem").write_bytes(pem(self.authority.certificate))
            settings = {
                "issuer": f"https://{host}:{port}", "fhir_base": f"https://{host}:{port}/r4", "client_id": "interop",
                "tls_roots": ["tls-root.pem"], "card_roots": [str(PEOPLE / "ca-authentication-rsa2048.pem")],
                "pins": [pin(self.key), pin(self.backup)], "pins_not_after": "2099-12-31",
                "notice": {"id": "1", "text": "通信の試験"}}
            (tmp_path / "config.json").write_text(json.dumps(settings | changes))
            return tmp_path / "config.json"

        def qualify(self, port, **changes):
            return Run("qualify", "--config", self.config(port, **changes), "--pin-stdin", "--sim", "today",
                       "--trace", self.trace, secrets=PIN)

        def meet(self, key, certificate, **changes):
            """Meets a server with this key and certificate; both have stopped when it returns."""
            server = Server(tmp_path, key, certificate)
            try:
                return self.qualify(server.port, **changes), server
            finally:
                server.stop()

    return World()


def told(case, done, server=None):
    row(case, done.code or "-", "-" if server is None else f"{server.connections} connections, {len(server.received)} bytes of HTTP")


def refused(world, case, done, server, code="KZ-T03"):
    told(case, done, server)
    done.failed_with(code)
    assert server.received == b"", "the server was told something before it was proven"
    assert trace(world.trace) == [], "the card was touched"


def accepted(world, case, done, server):
    """TLS went well: the server got a request, and what it lacks is not trust."""
    told(case, done, server)
    assert done.status != 0 and done.code is not None and not done.code.startswith("KZ-T"), done.err
    assert server.received.startswith(b"GET /") and set(server.versions) == {"TLSv1.3"}
    assert b"authorization" not in server.received.lower() and PIN.encode() not in server.received
    assert trace(world.trace) == [], "the card was touched before the server had spoken"


def test_pinned_key_is_accepted(world):
    accepted(world, "pinned key", *world.meet(world.key, world.authority.issue(world.key)))


def test_backup_pin_is_accepted(world):
    accepted(world, "backup key", *world.meet(world.backup, world.authority.issue(world.backup)))


def test_pin_of_the_authority_is_accepted(world):
    """A pin may name any certificate of the validated path."""
    other = ec.generate_private_key(ec.SECP256R1())
    pins = [pin(world.authority.key), pin(world.backup)]
    accepted(world, "pinned authority", *world.meet(other, world.authority.issue(other), pins=pins))


def test_key_that_is_not_pinned_is_refused(world):
    other = ec.generate_private_key(ec.SECP256R1())
    refused(world, "key not pinned", *world.meet(other, world.authority.issue(other)))


def test_pinned_certificate_merely_sent_along_is_refused(world):
    """Only certificates of the validated path count."""
    other = ec.generate_private_key(ec.SECP256R1())
    server = Server(world.folder, other, world.authority.issue(other))
    chain = pem(world.authority.issue(other)) + pem(world.authority.issue(world.key)) + pem_key(other)
    (world.folder / "server.pem").write_bytes(chain)
    server.context.load_cert_chain(world.folder / "server.pem")
    try:
        done = world.qualify(server.port)
    finally:
        server.stop()
    refused(world, "pinned certificate only sent along", done, server)


@pytest.mark.parametrize("case, wrong", [
    ("wrong host name", {"host": "other.example"}), ("expired", {"begins": -3, "ends": -1}),
    ("not valid yet", {"begins": 1, "ends": 3})])
def test_wrong_certificate_for_the_pinned_key_is_refused(world, case, wrong):
    refused(world, case, *world.meet(world.key, world.authority.issue(world.key, **wrong)))


def test_unknown_authority_of_the_same_name_is_refused(world):
    refused(world, "unknown authority", *world.meet(world.key, Authority().issue(world.key)))


def test_self_signed_certificate_with_the_pinned_key_is_refused(world):
    lone = Authority()
    lone.key = world.key
    refused(world, "self-signed", *world.meet(world.key, lone.issue(world.key)))


def test_name_of_the_host_is_checked_and_not_its_address(world):
    refused(world, "name instead of address", *world.meet(world.key, world.authority.issue(world.key), host="localhost"))
    accepted(world, "name", *world.meet(world.key, world.authority.issue(world.key, host="localhost"), host="localhost"))


def test_expired_pin_set_connects_to_nobody(world):
    done, server = world.meet(world.key, world.authority.issue(world.key), pins_not_after="2020-01-01")
    refused(world, "pin set expired", done, server, "KZ-T04")
    assert server.connections == 0


def test_one_pin_is_not_enough(world):
    done, server = world.meet(world.key, world.authority.issue(world.key), pins=[pin(world.key)] * 2)
    refused(world, "one pin, twice", done, server, "KZ-U01")
    assert server.connections == 0


def test_python_server_without_tls_1_3_is_refused(world):
    server = Server(world.folder, world.key, world.authority.issue(world.key), ssl.TLSVersion.TLSv1_2)
    try:
        done = world.qualify(server.port)
    finally:
        server.stop()
    refused(world, "TLS 1.2 (Python)", done, server, "KZ-T02")
    assert server.versions == []


@pytest.mark.parametrize("option, code", [("-tls1_2", "KZ-T02"), ("-tls1_3", None)])
def test_openssl_s_server(world, option, code):
    """`s_server` with TLS 1.2 alone is refused; the same server with TLS 1.3 gets its request."""
    (world.folder / "s.pem").write_bytes(pem(world.authority.issue(world.key)) + pem_key(world.key))
    with socket.create_server((HERE, 0)) as probe:
        port = probe.getsockname()[1]
    command = ["openssl", "s_server", "-accept", f"{HERE}:{port}", "-cert", world.folder / "s.pem", "-key", world.folder / "s.pem",
               option, "-www"]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        while b"ACCEPT" not in (line := server.stdout.readline()):
            assert line, "s_server did not start"
        started = time.monotonic()
        done = world.qualify(port)
        assert time.monotonic() - started < 20
    finally:
        server.terminate()
        server.wait(10)
    told(f"openssl s_server {option}", done)
    if code:
        done.failed_with(code)
    else:
        assert done.status != 0 and done.code and not done.code.startswith("KZ-T"), done.err
    assert trace(world.trace) == []


@pytest.mark.parametrize("owns_key", [False, True])
def test_certificate_is_worth_nothing_without_its_key(world, owns_key):
    """Anyone can copy the pinned certificate. OpenSSL would not serve it with a foreign key; tlslite-ng does."""
    key = world.key if owns_key else ec.generate_private_key(ec.SECP256R1())
    certificate = tlslite.X509()
    certificate.parse(pem(world.authority.issue(world.key)).decode())
    chain = tlslite.X509CertChain([certificate])
    settings = tlslite.HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 4)
    received = []
    listener = socket.create_server((HERE, 0))
    listener.settimeout(20)

    def answer():
        try:
            link = tlslite.TLSConnection(listener.accept()[0])
            listener.close()  # one connection is enough
            link.sock.settimeout(10)
            private = tlslite.parsePEMKey(pem_key(key).decode(), private=True)
            link.handshakeServer(certChain=chain, privateKey=private, settings=settings, alpn=[b"http/1.1"])
            received.append(bytes(link.recv(4096)))
            link.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            link.close()
        except (OSError, tlslite_errors.TLSError):
            pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        done = world.qualify(listener.getsockname()[1])
    finally:
        listener.close()
        thread.join(25)
    told("pinned certificate, " + ("its key" if owns_key else "another key"), done)
    assert done.status != 0 and trace(world.trace) == []
    if owns_key:
        assert received and received[0].startswith(b"GET /"), done.err
    else:
        assert received == [], "a server that cannot sign with the pinned key was told something"
        assert done.code == "KZ-T03", done.err


def test_plain_http_behind_the_port_is_no_server(world):
    listener = socket.create_server((HERE, 0))

    def answer():
        listener.settimeout(20)
        try:
            while True:
                connection, _ = listener.accept()
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                connection.close()
        except OSError:
            pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        done = world.qualify(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
    told("plain HTTP", done)
    assert done.status != 0 and done.code and done.code.startswith("KZ-T"), done.err
