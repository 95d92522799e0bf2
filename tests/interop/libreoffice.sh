#!/usr/bin/env bash
# LibreOffice Calc as reader of the tables: a cell of text that looks like a formula stays text, numbers stay numbers.
#
#   tests/interop/libreoffice.sh   with the program `exports` in KAZASU_BIN, or target/debug
#
# Needs libreoffice-calc and python3 and installs nothing; exits with 77 where one is missing. The last line is the count.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
BIN=${KAZASU_BIN:-${CARGO_TARGET_DIR:-target}/debug}

for program in soffice python3; do
    command -v "$program" >/dev/null || { printf 'not run: %s is missing\n' "$program"; exit 77; }
done
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
"$BIN/exports" "$WORK/in"

# convert CHARSET FILE…: with formulas let in, which is token 12 of the filter's options.
convert() {
    local charset=$1
    shift
    timeout 300 soffice -env:UserInstallation="file://$WORK/profile" --headless \
        --infilter="CSV:44,34,$charset,1,,1041,false,true,false,false,0,true" \
        --convert-to fods --outdir "$WORK/out" "$@" >"$WORK/log" 2>&1 || { cat "$WORK/log"; exit 1; }
}
# 76 is UTF-8, 64 Windows-932.
convert 76 "$WORK"/in/{history,money-forward}.utf-8-bom.csv
convert 64 "$WORK"/in/{history,money-forward}.cp932.csv
# The same text without the guard, to see that this would show it.
printf 'a,"=HYPERLINK(""http://x"",""y"")"\r\n' >"$WORK/unguarded.csv"
convert 76 "$WORK/unguarded.csv"

python3 - "$WORK/out" <<'PYTHON'
import pathlib
import sys
import xml.etree.ElementTree as ET

TABLE, OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}", "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def cells(file):
    for cell in ET.parse(file).iter(f"{TABLE}table-cell"):
        text = "\n".join("".join(part.itertext()) for part in cell.iter(f"{TEXT}p"))
        yield cell.get(f"{TABLE}formula"), cell.get(f"{OFFICE}value-type"), cell.get(f"{OFFICE}value"), text


passed = failed = 0


def check(what, holds):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print("ok    " if holds else "FAILED", what)


folder = pathlib.Path(sys.argv[1])
for name in ("history.utf-8-bom", "history.cp932", "money-forward.utf-8-bom", "money-forward.cp932"):
    found = list(cells(folder / f"{name}.fods"))
    check(f"{name}: no formula among {len(found)} cells", found and all(formula is None for formula, *_ in found))
    check(f"{name}: =HYPERLINK(…) is text", any(kind == "string" and text == "'=HYPERLINK(\"http://x\",\"y\")"
                                               for _, kind, _, text in found))
    if name.startswith("money"):
        check(f"{name}: amounts are numbers", any(kind in ("float", "currency") and value == "-1785"
                                                 for _, kind, value, _ in found))
    check(f"{name}: Japanese is read", any("①㈱髙﨑～医院" in text for *_, text in found))
check("the same text without its guard is a formula", any(f for f, *_ in cells(folder / "unguarded.fods")))
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
PYTHON
