"""The whole job through tinyproxy, Debian's: TLS and pins unchanged, refusals told as the proxy's, the environment not asked."""

import json
import shutil
import socket
import subprocess
import time

import pytest

from conftest import PIN, Run, Sandbox, row

HERE = "127.0.0.1"
TINYPROXY = shutil.which("tinyproxy", path="/usr/bin:/usr/sbin:/usr/local/bin")


def free_port():
    with socket.create_server((HERE, 0)) as probe:
        return probe.getsockname()[1]


class Proxy:
    """tinyproxy on loopback, for one port of servers."""

    def __init__(self, folder, server_port, *lines):
        self.port = free_port()
        self.at = f"{HERE}:{self.port}"
        self.log = folder / f"proxy-{self.port}.log"
        config = folder / f"proxy-{self.port}.conf"
        config.write_text("\n".join([
            f"Port {self.port}", f"Listen {HERE}", f"Allow {HERE}", "Timeout 60", f'LogFile "{self.log}"', "LogLevel Connect",
            f"ConnectPort {server_port}", *lines, ""]))
        self.process = subprocess.Popen([TINYPROXY, "-d", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection((HERE, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("tinyproxy did not start")

    def asked(self):
        """The request lines that the proxy has seen."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.split("): ", 1)[1] for line in lines if "): " in line and " Request (file descriptor" in line]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def stage(tmp_path):
    """A sandbox, proxies for it, and the main job."""
    if not TINYPROXY:
        pytest.skip("tinyproxy is missing")

    class Stage:
        server, proxies = Sandbox(tmp_path), []
        port = server.issuer.rsplit(":", 1)[1]

        def proxy(self, *lines, port=None):
            self.proxies.append(Proxy(tmp_path, port or self.port, *lines))
            return self.proxies[-1]

        def qualify(self, *arguments, env=None, **changes):
            config = tmp_path / "changed.json"
            config.write_text(json.dumps(json.loads(self.server.config.read_text()) | changes))
            return Run("qualify", "--config", config, "--sim", "today", "--pin-stdin", "--lang", "ja", *arguments,
                       secrets=PIN, env=env)

        def run(self, *arguments):
            return Run("--config", self.server.config, "--sim", "today", "--pin-stdin", *arguments, secrets=PIN)

    made = Stage()
    yield made
    for proxy in made.proxies:
        proxy.stop()
    made.server.stop()


def test_the_main_job_goes_through_the_proxy(stage, tmp_path):
    proxy = stage.proxy()
    answer = stage.qualify("--proxy", proxy.at, "--json").succeeded().json
    assert answer["validity"] == "valid" and answer["pinning"] == "checked"
    connects = proxy.asked()
    assert set(connects) == {f"CONNECT {HERE}:{stage.port} HTTP/1.1"}, connects
    row("main job through tinyproxy", f"{len(connects)} CONNECT", "handled")
    # Each other command that has a server, and the setting in the file.
    kept = tmp_path / "kept.json"
    commands = [("qualify", "--keep", kept), ("records", "--keep", kept), ("consent", "list", "--keep", kept),
                ("register", "--yes", "--keep", kept), ("suspend", "--yes", "--keep", kept)]
    for command in commands:
        before = len(proxy.asked())
        stage.run("--proxy", proxy.at, *command).succeeded()
        assert len(proxy.asked()) > before, command
    assert stage.qualify(proxy=proxy.at, env={"NO_PROXY": "*"}).code in (None, "KZ-S01")
    assert set(proxy.asked()) == {f"CONNECT {HERE}:{stage.port} HTTP/1.1"}
    seen = proxy.log.read_text()
    assert "eyJ" not in seen and "/r4" not in seen and "POST" not in seen, "the proxy learns host and port"


def test_the_command_line_goes_before_the_file(stage):
    proxy = stage.proxy()
    stage.qualify("--proxy", proxy.at, proxy=f"{HERE}:{free_port()}").succeeded()


@pytest.mark.parametrize("switch, code", [("tls-other-key", "KZ-T03"), ("tls-untrusted", "KZ-T03"),
                                          ("tls-wrong-name", "KZ-T03"), ("tls-backup-key", None)])
def test_the_server_is_proven_as_without_a_proxy(tmp_path, stage, switch, code):
    folder = tmp_path / "wrong"
    folder.mkdir()
    server = Sandbox(folder, "--switch", switch)
    try:
        proxy = stage.proxy(port=server.issuer.rsplit(":", 1)[1])
        done = Run("qualify", "--config", server.config, "--sim", "today", "--pin-stdin", "--proxy", proxy.at, secrets=PIN)
        row(f"{switch}, through tinyproxy", "-", done.code or "handled")
        done.failed_with(code) if code else done.succeeded()
        assert len(proxy.asked()) > 0
    finally:
        server.stop()


def refused(stage, case, at, detail, **keywords):
    done = stage.qualify("--proxy", at, **keywords).failed_with("KZ-T01")
    row(case, "-", done.code)
    assert "プロキシ" in done.err and "電波" not in done.err and detail in done.err, done.err
    assert all(len(line.encode("cp932")) <= 80 for line in done.err.splitlines()), done.err


def test_refusals_are_told_as_the_proxys(stage):
    refused(stage, "tinyproxy wants a password", stage.proxy("BasicAuth hanako s3cret").at, "407")
    refused(stage, "tinyproxy refuses the port", stage.proxy(port=free_port()).at, "403")
    refused(stage, "no proxy there", f"{HERE}:{free_port()}", "proxy")
    dead = free_port()
    gone = stage.proxy(port=dead)
    refused(stage, "no server behind tinyproxy", gone.at, "50", issuer=f"https://{HERE}:{dead}",
            fhir_base=f"https://{HERE}:{dead}/r4")


@pytest.mark.parametrize("given", ["hanako:s3cret@127.0.0.1:8888", "http://hanako:s3cret@127.0.0.1:8888",
                                   "http://127.0.0.1:8888", "127.0.0.1", "127.0.0.1:x"])
def test_what_is_no_host_and_port_is_refused(stage, given):
    for done in (stage.qualify("--proxy", given), stage.qualify(proxy=given)):
        done.failed_with("KZ-U01")
        assert "s3cret" not in done.out + done.err and "hanako" not in done.out + done.err


def test_the_environment_is_not_asked(stage):
    proxy = stage.proxy()
    names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"]
    stage.qualify(env={name: f"http://{proxy.at}" for name in names}).succeeded()
    stage.qualify(env={name: f"http://{HERE}:{free_port()}" for name in names}).succeeded()
    assert proxy.asked() == []


def test_time_limits_are_read_and_checked(stage):
    stage.qualify(time_limits={"connect_ms": 2000, "tls_ms": 3000, "answer_ms": 1000, "total_ms": 8000}).succeeded()
    for wrong in ({"connect_ms": 0}, {"total_ms": 300_001}, {"tls_ms": 99}, {"answer_ms": -1}, {"total": 15}, {"total_ms": "15"}):
        stage.qualify(time_limits=wrong).failed_with("KZ-U01")
    with socket.create_server((HERE, 0)) as silent:  # takes connections and says nothing
        at = f"https://{HERE}:{silent.getsockname()[1]}"
        started = time.monotonic()
        stage.qualify(issuer=at, fhir_base=f"{at}/r4", time_limits={"tls_ms": 300}).failed_with("KZ-T05")
        row("TLS never answers, limit 0.3 s", f"{time.monotonic() - started:.2f} s", "KZ-T05")
