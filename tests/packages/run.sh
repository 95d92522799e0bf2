#!/usr/bin/env bash
# What is packaged, built twice: in folders of other names and lengths, for users with other homes.
#
#   tests/packages/run.sh
#
# The command line, and the library for phones as a library of this machine. Judged: both builds are equal bit for bit; no
# file names a folder; the list of contents (SBOM) is the same, valid by CycloneDX's own schema, and has every crate that the
# unstripped file names. Takes the working tree without what git ignores. Needs binutils, Python 3, and pip for the schema.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/interop/checks.sh

WORK=$(realpath -m "${CARGO_TARGET_DIR:-target}")/test-packages
CYCLONEDX='cyclonedx-python-lib[json-validation]==11.12.0'
REGISTRY=${CARGO_HOME:-$HOME/.cargo}/registry
export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

# build_as NAME FOLDER: everything, with a home and a copy of the sources in FOLDER; the outcome stands in $WORK/NAME.
build_as() {
    local out=$WORK/$1 home=$2/home sources=$2/sources
    mkdir -p "$home/.cargo" "$sources" "$out"
    ln -sfn "$REGISTRY" "$home/.cargo/registry"
    cp -a "$WORK/sources/." "$sources"
    (
        export HOME=$home CARGO_HOME=$home/.cargo CARGO_TARGET_DIR=$2/built
        "$sources/bindings/scripts/build-cli.sh" "$out"
        cp "$2"/built/*/release/kazasu "$out/kazasu-unstripped"
        cd "$sources"
        ffi=(-p kazasu-ffi --features log/release_max_level_info)
        bindings/scripts/reproducibly.sh cargo rustc --locked --lib --profile mobile --crate-type cdylib,staticlib "${ffi[@]}"
        cp "$CARGO_TARGET_DIR"/mobile/libkazasu_ffi.{so,a} "$out/"
        bindings/scripts/check_folders.sh "$out"/libkazasu_ffi.{so,a}
        bindings/scripts/reproducibly.sh bindings/scripts/sbom.py "$out/libkazasu_ffi.so" "${ffi[@]}" \
            --target "$(rustc -vV | sed -n 's/^host: //p')" >"$out/libkazasu_ffi.so.cdx.json"
    )
    rm -rf "$2"
}

# same FILE: both builds of it; where they differ, in which sections.
same() {
    local one=$WORK/one/$1 two=$WORK/two/$1 section
    cmp "$one" "$two" && return 0
    for section in $(readelf -SW "$one" 2>/dev/null | sed -n 's/^ *\[ *[0-9]*\] \([^ ]*\).*/\1/p'); do
        [[ $(sum_of "$section" "$one") == "$(sum_of "$section" "$two")" ]] || printf 'differs in %s\n' "$section"
    done
    return 1
}

# sum_of SECTION FILE
sum_of() {
    objcopy -O binary --only-section="$1" --set-section-flags "$1=alloc" "$2" "$WORK/section" 2>/dev/null
    sha256sum <"$WORK/section"
}

# The schema, as the makers of the format ship it.
judge() {
    [[ -x $WORK/venv/bin/python ]] || python3 -m venv "$WORK/venv"
    "$WORK/venv/bin/python" -m pip install --quiet "$CYCLONEDX"
}

main() {
    if [[ ${1:-} == --build ]]; then
        build_as "$2" "$3"
        return
    fi
    rm -rf "$WORK"/{one,two,sources}
    mkdir -p "$WORK/sources"
    # Once: somebody may be working here.
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$WORK/sources"
    # Programs of their own: a function that is judged would go on after a failure.
    check 'built' tests/packages/run.sh --build one "$WORK/a"
    check 'built again, elsewhere' tests/packages/run.sh --build two "$WORK/in another/folder-of-a-longer-name"
    ((failed == 0)) || { summary; return 1; }
    local file
    for file in kazasu kazasu-unstripped kazasu.cdx.json libkazasu_ffi.so libkazasu_ffi.a libkazasu_ffi.so.cdx.json; do
        check "$file is the same" same "$file"
    done
    local python=python3
    if judge >"$WORK/pip.log" 2>&1; then python=$WORK/venv/bin/python; else printf 'not run: schema of the SBOM: no %s\n' "$CYCLONEDX"; fi
    check 'the list of the command line' "$python" tests/packages/contents.py "$WORK/one/kazasu.cdx.json" "$WORK/one/kazasu-unstripped"
    check 'the list of the library' "$python" tests/packages/contents.py "$WORK/one/libkazasu_ffi.so.cdx.json" "$WORK/one/libkazasu_ffi.so"
    printf '| %-18s | %9d bytes | %s |\n' kazasu "$(stat -c %s "$WORK/one/kazasu")" "$(sha256sum "$WORK/one/kazasu" | cut -c1-16)…"
    summary
}

main "$@"; exit $? # on one line: the file may change while it runs
