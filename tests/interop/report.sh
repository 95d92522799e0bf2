#!/usr/bin/env bash
# `kazasu report` as a browser shows it: pictures to look at, and a page that is as wide as its window.
#
#   tests/interop/report.sh [FOLDER]    where the pictures go; default a temporary folder
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
source tests/interop/checks.sh
kazasu=${KAZASU_BIN:-target/debug}/kazasu
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo 'chromium is missing'; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
pictures=${1:-$scratch/pictures}
mkdir -p "$pictures"

browse() {
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$scratch/profile" "$@" \
        2>>"$scratch/log"
}

for lang in ja en; do
    page=$pictures/report-$lang.html
    check "page in $lang" "$kazasu" --lang "$lang" report --from tests/interop/report.json -o "$page"
    for width in 360 1000; do
        for scheme in light dark; do
            picture=$pictures/report-$lang-$width-$scheme.png
            settings=()
            [[ $scheme == light ]] || settings=(--blink-settings=preferredColorScheme=0)
            browse "${settings[@]}" --screenshot="$picture" --window-size="$width,3000" "$page"
            check "$lang, $width px, $scheme" python3 tests/interop/is_png.py "$picture" "$width" 3000
        done
    done
    browse --no-pdf-header-footer --print-to-pdf="$pictures/report-$lang.pdf" "$page"
    check "$lang on paper" grep -q '^%PDF' "$pictures/report-$lang.pdf"
    # The policy refuses what the page does not need; here it must have refused nothing.
    browse --enable-logging=stderr --dump-dom "$page" >"$scratch/dom"
    check "$lang is whole in the browser" contains "$scratch/dom" '<svg' '</footer>'
done
check 'no policy was violated' equals "$(grep -c 'Content Security Policy' "$scratch/log")" 0
summary
