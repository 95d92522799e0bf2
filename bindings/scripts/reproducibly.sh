#!/usr/bin/env bash
# Runs a build whose outcome tells nothing of this machine, and is the same on the next one with the same compilers.
#
#   bindings/scripts/reproducibly.sh cargo build --locked --release ...
#
# Panics and debug information name source files. Without this they begin with the builder's home folder; with it:
#
#   /kazasu   this repository             /target   where cargo builds
#   /crates   what the registry brought   /cargo    the rest of CARGO_HOME, such as git dependencies
#   /rust     the toolchain
#
# RUSTFLAGS and CFLAGS of the caller are kept. Flags of one target belong into RUSTFLAGS here: cargo reads one source only.
set -euo pipefail

(($#)) || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# As cargo names them, links not followed.
target=${CARGO_TARGET_DIR:-$root/target}
[[ $target == /* ]] || target=$PWD/$target
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# The compiler takes the last one that fits, so the longer stand below.
places=("$cargo_home=/cargo" "$("${RUSTC:-rustc}" --print sysroot)=/rust")
# The folder of a registry is named after it; it comes with the first download.
[[ -d $cargo_home/registry/src ]] || cargo fetch --manifest-path "$root/Cargo.toml" --locked --quiet
for registry in "$cargo_home"/registry/src/*/; do
    [[ ! -d $registry ]] || places+=("${registry%/}=/crates")
done
places+=("$root=/kazasu" "$target=/target")

separator=$'\x1f'
flags=${CARGO_ENCODED_RUSTFLAGS:-}
[[ -n $flags || -z ${RUSTFLAGS:-} ]] || flags=$(tr -s ' ' "$separator" <<<"$RUSTFLAGS" | tr -d '\n')
for place in "${places[@]}"; do
    flags+=${flags:+$separator}--remap-path-prefix=$place
    CFLAGS="${CFLAGS:-} $(printf %q "-ffile-prefix-map=$place")"
done
unset RUSTFLAGS
# Folders may have spaces.
export CARGO_ENCODED_RUSTFLAGS=$flags CFLAGS CC_SHELL_ESCAPED_FLAGS=1
# For tools that write a time: that of the commit.
if [[ -z ${SOURCE_DATE_EPOCH:-} ]]; then
    SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct 2>/dev/null || printf 0)
fi
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C
exec "$@"
