"""What the Python tests share: the programs, a sandbox, a table printed at the end."""

import collections
import json
import os
import pathlib
import re
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KAZASU_BIN", ROOT / "target/debug")).resolve()
PEOPLE = ROOT / "tests/people"
PIN = "1234"  # person 1, synthetic
PASSWORD = "ABC123"
TRACE_MEMBERS = {"n", "ins", "sw", "error", "command_len", "response_len", "micros"}  # and never a body

_table: list[tuple[str, ...]] = []


class Run:
    """One run of `kazasu`: exit code, stdout, stderr."""

    def __init__(self, *arguments, secrets=None, cwd=None, env=None):
        environment = {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "LC_MESSAGES", "LANG")}
        environment.update(env or {})
        done = subprocess.run(
            [str(BIN / "kazasu"), *map(str, arguments)], input=("" if secrets is None else secrets).encode(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=environment, timeout=120)
        self.status = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()

    @property
    def json(self):
        """The one object on stdout; more or less than one fails."""
        value, end = json.JSONDecoder().raw_decode(self.out)
        assert self.out[end:].strip() == "", f"more than one object: {self.out}"
        assert isinstance(value, dict)
        return value

    @property
    def code(self):
        """The code that the last error on stderr begins with; None without one."""
        codes = re.findall(r"^(KZ-[A-Z]\d\d) ", self.err, re.MULTILINE)
        return codes[-1] if codes else None

    def failed_with(self, code):
        """Asserts a failure with `code`."""
        __tracebackhide__ = True
        assert (self.status != 0, self.code) == (True, code), f"exit {self.status}\n{self.out}\n{self.err}"
        return self

    def succeeded(self):
        """Asserts success."""
        __tracebackhide__ = True
        assert (self.status, self.code) == (0, None), f"exit {self.status}\n{self.out}\n{self.err}"
        return self


class Sandbox:
    """`kazasu-sandbox` on a free port of the loopback interface."""

    def __init__(self, folder, *arguments):
        self.config = folder / "config.json"
        self.lines = []
        self.process = subprocess.Popen(
            [str(BIN / "kazasu-sandbox"), "--config-out", str(self.config), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        first = self.process.stdout.readline()
        assert first, "the sandbox did not start"
        self.issuer = json.loads(first)["issuer"]
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self._reader.start()

    def stop(self):
        """Ends it and returns its log."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        self._reader.join(5)
        return "".join(self.lines)


@pytest.fixture
def card(tmp_path):
    """`--sim today` that keeps its tries and PINs, and a trace that starts anew with each run."""
    file = tmp_path / "trace.jsonl"

    def run(*arguments, secrets=None, profile="today", **keywords):
        file.unlink(missing_ok=True)
        done = Run("--sim", profile, "--sim-state", tmp_path / "card.json", "--trace", file, *arguments, secrets=secrets,
                   **keywords)
        done.exchanges = trace(file)
        return done

    return run


@pytest.fixture
def sandbox(tmp_path):
    server = Sandbox(tmp_path)
    yield server
    server.stop()


def trace(file):
    """The exchanges in a `--trace` file; a missing file has none."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def pin_entries(exchanges):
    """VERIFY commands that carried a PIN: the query for tries has no data."""
    return [e for e in exchanges if e["ins"] == "20" and e["command_len"] > 5]


def notice(lines=3, institution="みほん内科クリニック", year=2025):
    """The expense notice of a year, as users download it. Everybody in it is fictitious."""
    details, sums = [], [0, 0, 0, 0]
    for number in range(lines):
        amounts = [5950 + number * 10, 4165 + number * 7, 0, 1785 + number * 3]
        sums = [total + amount for total, amount in zip(sums, amounts)]
        details += [f"診療年月,{year}年{number % 12 + 1}月", f"診療区分,{'調剤' if number % 2 else '医科外来'}", "日数,1",
                    f"医療機関等名称,{institution}", *_amounts(amounts)]
    totals = [f"期間,{year}年1月～{year}年12月", *_amounts(sums)]
    return "\r\n".join([
        "わたしの情報", "医療費通知情報", "", "項目名,内容", f"作成日,{year + 1}年2月23日", "資格情報", "氏名カナ,ミホンハナコ",
        "氏名,見本　花子", "生年月日,1990年1月1日", "性別,女", "保険者等番号,06139992", "被保険者証等記号,７７０１",
        "被保険者証等番号,００１２３４", "枝番,01", "医療費明細一覧の概要", "医療費の合計", *totals, "年間の合計", *totals,
        "医療費情報明細", *details, "保険者情報", "保険者の名称,見本健康保険組合", ""])


def _amounts(amounts):
    names = ("医療費の総額（円）", "保険者の負担額（円）", "その他の公費の負担額（円）", "窓口相当負担額（円）")
    return [f'{name},"{amount:,}"' if amount > 999 else f"{name},{amount}" for name, amount in zip(names, amounts)]


def row(*cells):
    """A line of the table printed at the end."""
    _table.append(tuple(map(str, cells)))


def pytest_terminal_summary(terminalreporter):
    seconds = collections.Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                seconds[report.nodeid.split("::")[0]] += report.duration
    for file, taken in seconds.most_common():
        terminalreporter.write_line(f"| {file:<44} | {taken:6.1f} s |")
    widths = [max(map(len, column)) for column in zip(*_table)]
    for cells in _table:
        terminalreporter.write_line("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |")
