"""What the Python tests share: the generated binding, a sandbox, a device key."""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("KAZASU_BIN", ROOT / "target/bindings/bin")).resolve()
GENERATED = pathlib.Path(os.environ.get("KAZASU_GENERATED", ROOT / "target/bindings/generated")).resolve()

sys.path.insert(0, str(GENERATED / "python"))
import kazasu_ffi as kz  # noqa: E402


class Sandbox:
    """A `kazasu-sandbox` of its own on a free port, over real TLS, and the configuration that fits it."""

    def __init__(self, folder, *switches):
        self.file = folder / "client.json"
        command = [BIN / "kazasu-sandbox", "--config-out", self.file]
        for switch in switches:
            command += ["--switch", switch]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert self._process.stdout.readline(), "the sandbox did not start"
        threading.Thread(target=self._process.stdout.read, daemon=True).start()
        self.config = read_config(self.file)

    def stop(self):
        self._process.terminate()
        self._process.wait(5)


def read_config(file):
    """The configuration of the FFI from the file of the command line."""
    settings = json.loads(file.read_text())
    notice = settings.pop("notice")
    for name in ("tls_roots", "card_roots"):
        settings[name] = [der(file.parent / root) for root in settings[name]]
    return kz.BackendConfig(notice_id=notice["id"], notice_text=notice["text"], **settings)


def der(file):
    return base64.b64decode(re.sub(r"-----[^-]+-----|\s", "", file.read_text()))


class DeviceKey(kz.DeviceKey):
    """A key on this side of the FFI."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())

    def public_key(self):
        form = serialization.PublicFormat.UncompressedPoint
        return self._key.public_key().public_bytes(serialization.Encoding.X962, form)

    def sign_sha256(self, message):
        return self._key.sign(message, ec.ECDSA(hashes.SHA256()))


class Link(kz.CardTransport):
    """A link on this side of the FFI, over a simulated card."""

    def __init__(self, card, before=lambda exchange: None):
        self._card = card
        self._before = before
        self.exchanges = 0

    def transceive(self, command):
        self._before(self.exchanges)
        self.exchanges += 1
        return self._card.transceive(command)

    def limits(self):
        return self._card.limits()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def client(sandbox):
    return kz.QualifyClient(sandbox.config, kz.Language.JAPANESE)


@pytest.fixture
def begin(client):
    """Begins a session, with a device key of its own."""

    def begin(certificate=None, device_key=None):
        member = kz.Member(certificate=certificate, purpose=kz.Purpose.OWN)
        session = client.session(member, device_key or DeviceKey())
        session.begin()
        return session

    return begin
