#!/usr/bin/env bash
# Fails unless the given files name no folder of this machine: neither a home folder nor where this repository, cargo's
# crates or its target folder are.
#
#   bindings/scripts/check_folders.sh FILE...
#
# What reproducibly.sh built passes; give the unstripped file, which names most.
set -euo pipefail
export LC_ALL=C

(($#)) || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
folders=("$HOME/" "$root/" "${CARGO_HOME:-$HOME/.cargo}/" "${RUSTUP_HOME:-$HOME/.rustup}/" "${CARGO_TARGET_DIR:-$root/target}/")
status=0
for file in "$@"; do
    # Texts of several paths are joined without a break: what follows shows which.
    if grep -aoE -m 5 "/(home|Users)/[A-Za-z0-9_.-]+/.{0,60}" "$file" || grep -aoF "${folders[@]/#/-e}" "$file" | sort | uniq -c | grep .; then
        printf '%s names folders of this machine\n' "$file" >&2
        status=1
    else
        printf '%s: no folder of this machine\n' "$file"
    fi
done
exit "$status"
