"""The page of `kazasu report`: whole, offline, and unbroken by what it shows."""

import base64
import copy
import hashlib
import html.parser
import json
import pathlib
import re
import stat
import xml.etree.ElementTree as ET

import pytest

from conftest import Run

SAMPLE = json.loads((pathlib.Path(__file__).parent / "report.json").read_text())
HUGE = 2**63 - 1
NUMBERS = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points", "transform", "viewbox"}


class Page(html.parser.HTMLParser):
    """Tags, attributes and texts as a browser sees them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def report(tmp_path):
    def make(changes=None, lang="ja"):
        (tmp_path / "in.json").write_text(json.dumps(SAMPLE | (changes or {}), ensure_ascii=False))
        out = tmp_path / "out.html"
        Run("--lang", lang, "report", "--from", tmp_path / "in.json", "-o", out).succeeded()
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        text = out.read_text()
        page = Page(text)
        assert page.open == [], f"never closed: {page.open}"
        ET.fromstring(text.removeprefix("<!DOCTYPE html>"))
        allowed = {"html", "head", "meta", "title", "style", "body", "header", "main", "section", "article", "footer", "h1",
                   "h2", "h3", "h4", "p", "ul", "li", "div", "span", "strong", "br", "dl", "dt", "dd", "figure", "table",
                   "caption", "thead", "tbody", "tr", "th", "td", "svg", "desc", "text", "line", "rect", "circle",
                   "polygon", "polyline"}
        assert set(page.tags) <= allowed, set(page.tags) - allowed
        names = {name for name, _ in page.attributes}
        assert not any(re.search("nan|inf", str(value).lower()) for name, value in page.attributes if name in NUMBERS)
        assert not {name for name in names if name.startswith("on")} | names & {"href", "src", "style", "xmlns"}
        assert not re.search(r"https?:|//|url\(|@import", text.split("<body>")[1])
        return text, page

    return make


def drawings(text):
    """Every drawing, parsed; its title, description and numbers checked."""
    found = [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]
    ids = [element.get("id") for svg in found for element in svg.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for svg in found:
        labels = [svg.find("title"), svg.find("desc")]
        assert all(label.text for label in labels)
        assert svg.get("aria-labelledby") == " ".join(label.get("id") for label in labels)
        width, height = map(float, svg.get("viewBox").split()[2:])
        for element in svg.iter():
            for name in ("x", "x1", "x2", "cx"):
                assert 0 <= float(element.get(name, 0)) <= width, ET.tostring(element)
            for name in ("y", "y1", "y2", "cy"):
                assert 0 <= float(element.get(name, 0)) <= height, ET.tostring(element)
            assert float(element.get("width", 0)) >= 0 and float(element.get("height", 0)) >= 0
    return found


@pytest.mark.parametrize("lang", ["ja", "en", "easy"])
def test_the_sample_is_whole(report, lang):
    text, page = report(lang=lang)
    assert len(drawings(text)) == len(SAMPLE["years"]) + sum(bool(item["unit"]) for item in SAMPLE["checkups"])
    assert "重複の可能性があります。医師・薬剤師に見せてください" in text
    assert "試算" in text and "医療費通知" in text and "データ時点" in text
    assert f'<html lang="{"en" if lang == "en" else "ja"}">' in text
    assert page.tags.count("table") > page.tags.count("svg"), "a table beside every chart"


def test_the_policy_allows_this_style_and_nothing_else(report):
    text, page = report()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert ("content", policy) in page.attributes
    assert not re.search(r"url\(|@import", style)


def test_hostile_names_are_only_text(report):
    hostile = "<script>alert(1)</script>\"'&<!--]]>\u202e\u0000"
    checkups = copy.deepcopy(SAMPLE["checkups"])
    for item in checkups:
        item["item"] = item["unit"] = item["points"][0]["value"] = hostile
        for line in item["lines"]:
            line["words"] = hostile
    duplicates = copy.deepcopy(SAMPLE["duplicates"])
    duplicates["pairs"][0]["first"]["name"] = duplicates["pairs"][0]["likeness"] = hostile
    duplicates["sources"][0]["name"] = hostile
    text, page = report({"people": [hostile, "寿" * 300, hostile], "checkups": checkups, "duplicates": duplicates,
                         "notes": [hostile, "<img src=x onerror=alert(1)>"]})
    assert "script" not in page.tags and "寿" * 300 in text and "\u202e" not in text
    assert any("<script>alert(1)</script>\"'&<!--]]>" in data for data in page.texts)
    drawings(text)


def test_nothing_and_one_value_and_much(report):
    nothing = dict.fromkeys(["people", "coverages", "years", "deductions", "checkups", "notes"], []) | {"duplicates": None}
    text, _ = report(nothing)
    assert drawings(text) == []
    one = {"person": 0, "item": "LDL", "unit": "mg/dL", "points": [{"date": "2026-06-10", "value": "118"}]}
    (svg,) = drawings(report(nothing | {"checkups": [one]})[0])
    assert len(svg.findall("circle")) == 1 and svg.find("polyline") is None
    rows = [{"person": p, "kind": "pharmacy", "sum_yen": HUGE, "count": 2**32 - 1} for p in range(5)]
    years = [{"year": y, "months": [HUGE, -HUGE, 0, None, {"partial": -5}, 1] * 2, "rows": rows} for y in range(2017, 2027)]
    strange = one | {"points": [{"date": f"20{n:02}-01-01", "value": v} for n, v in
                                enumerate(["NaN", "inf", "-1e400", "1e14", "-1e14", "0", "1e-9", "", "<5"], 10)]}
    people = [f"見本 {n}" for n in range(5)]
    text, _ = report(nothing | {"people": people, "years": years, "checkups": [strange]})
    assert len(drawings(text)) == 11 and "9,223,372,036,854,775,807" in text


def test_a_month_that_has_not_come_is_not_nothing(report):
    text, _ = report({"years": [{"year": 2026, "months": [1000, 0, None] + [1] * 9}]})
    (svg,) = [svg for svg in drawings(text) if "月別医療費" in svg.find("title").text]
    kinds = [rect.get("class") for rect in svg.findall("rect")]
    assert kinds.count("ghost") == 1 and kinds.count("now") == 11
    assert "2月 0円、3月 未着" in svg.find("desc").text
    assert re.search(r"3月</th><td[^>]*>未着</td>", text) and re.search(r"2月</th><td[^>]*>0</td>", text)


def test_files_that_are_no_reports_are_refused(tmp_path):
    for name, changes in {"date": {"generated_at": "today"}, "field": {"pin": "1234"}, "kind": {"years": [
            {"year": 2026, "months": [0] * 12, "rows": [{"person": 0, "kind": "x", "sum_yen": 1, "count": 1}]}]},
            "months": {"years": [{"year": 2026, "months": [0] * 11}]}}.items():
        (tmp_path / name).write_text(json.dumps(SAMPLE | changes))
        Run("report", "--from", tmp_path / name, "-o", tmp_path / "out.html").failed_with("KZ-U01")
        assert not (tmp_path / "out.html").exists()
    Run("report", "--from", tmp_path / "none", "-o", tmp_path / "out.html").failed_with("KZ-U01")


def test_safety_counts_what_is_known_in_each_language(tmp_path):
    nothing = Run("--json", "safety").succeeded().json
    assert (nothing["passed"], nothing["known"], nothing["unknown"]) == (0, 0, 10)
    (tmp_path / "facts.json").write_text('{"reads": 10, "broken_reads": 4, "pins_differ": true}')
    for lang, action in {"ja": "背面中央", "en": "middle of the back", "easy": "うらの中ほど"}.items():
        told = Run("--lang", lang, "--json", "safety", "--facts", tmp_path / "facts.json").succeeded().json
        assert (told["passed"], told["known"], told["unknown"]) == (1, 2, 8)
        case = told["findings"][6]
        assert case["outcome"] == "warn" and action in case["action"]
    (tmp_path / "facts.json").write_text('{"pin": "1234"}')
    refused = Run("--lang", "easy", "safety", "--facts", tmp_path / "facts.json").failed_with("KZ-U01")
    assert "入れたものを、もういちど見てください" in refused.err and "1234" not in refused.err
