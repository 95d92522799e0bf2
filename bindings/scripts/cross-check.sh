#!/usr/bin/env bash
# Compiles kazasu-ffi for phones on a Debian machine that has no vendor SDK, and judges the outcome.
#
#   bindings/scripts/cross-check.sh                 all stages
#   bindings/scripts/cross-check.sh android ios     only these: simulator host android ios
#
# Checks: the feature `simulator` does not compile in a release profile; the stripped libraries of phones keep the size budget;
# undefined symbols are on the allow-lists symbols-{android,ios}.txt; 64-bit segments are aligned to 16 KB; no library names a
# folder of this machine.
# The libraries are for these checks only: they are linked against empty stubs and never belong in an app.
# Exits 1 on a violation, 77 when this machine cannot do it.
set -euo pipefail
export LC_ALL=C # comm and sort agree

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.."
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")
WORK=$TARGET/cross-check
BUDGET=3500000 # bytes, stripped, per ABI
NOT_RUN=77
PACKAGES=(rustc-web cargo-web rust-web-src libstd-rust-web-dev clang lld llvm)
FAILED=0

fail() {
    printf 'FAILED: %s\n' "$1" >&2
    FAILED=1
}

not_run() {
    printf 'not run: %s\n' "$1" >&2
    exit "$NOT_RUN"
}

# Debian's own toolchain carries the sources of the standard library, which is built for the phone along the way.
need_debian_toolchain() {
    local missing=() package
    command -v dpkg-query >/dev/null || not_run 'no Debian'
    for package in "${PACKAGES[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    if ((${#missing[@]})); then
        ((EUID == 0)) || not_run "missing packages: ${missing[*]}"
        { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$WORK/apt.log" 2>&1 ||
            not_run "apt-get could not install ${missing[*]} (see $WORK/apt.log)"
    fi
}

# phone_cargo TRIPLE CRATE_TYPE: kazasu-ffi as one crate type, standard library included.
phone_cargo() {
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_DIR=$WORK/build "$HERE/reproducibly.sh" \
        /usr/bin/cargo rustc --locked -p kazasu-ffi --lib --profile mobile --target "$1" --crate-type "$2" \
        --features log/release_max_level_info -Zbuild-std=std,panic_abort
}

# What ring's C code wants to include; a phone's SDK has the real ones.
write_headers() {
    local folder=$WORK/include
    mkdir -p "$folder"
    printf '#define assert(x) ((void)0)\n' >"$folder/assert.h"
    cat >"$folder/string.h" <<'C'
#include <stddef.h>
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *);
C
    cat >"$folder/stdlib.h" <<'C'
#include <stddef.h>
void abort(void);
void *malloc(size_t);
void free(void *);
C
    cat >"$folder/TargetConditionals.h" <<'C'
#define TARGET_OS_IPHONE 1
#define TARGET_OS_MAC 1
#define TARGET_OS_OSX 0
C
}

# size_within NAME FILE: prints the size and compares it with the budget.
size_within() {
    local bytes
    bytes=$(stat -c %s "$2")
    printf '%-34s %9d bytes stripped, %d %% of the budget of %d\n' "$1" "$bytes" $((bytes * 100 / BUDGET)) "$BUDGET"
    ((bytes <= BUDGET)) || fail "$1 is over the budget by $((bytes - BUDGET)) bytes"
}

# symbols_allowed NAME LIST FILE: the symbols in FILE, one a line, are all in LIST (comments and blanks aside).
symbols_allowed() {
    local extra
    extra=$(comm -23 <(sort -u "$3") <(sed 's/[[:space:]]*#.*//; /^$/d' "$2" | sort -u))
    printf '%-34s %9d undefined symbols\n' "$1" "$(sort -u "$3" | grep -c . || true)"
    [[ -s $3 ]] || fail "$1: no symbol was found, so the check is broken"
    if [[ -n $extra ]]; then
        fail "$1 wants symbols that $(basename "$2") does not allow:"
        printf '%s\n' "$extra" >&2
    fi
}

stage_simulator() {
    local log=$WORK/simulator.log
    if CARGO_TARGET_DIR=$WORK/host cargo check --locked -p kazasu-ffi --profile mobile --features simulator >"$log" 2>&1; then
        fail 'the simulated card compiles in a release profile'
    elif ! grep -q 'never belongs in a release build' "$log"; then
        fail "the check with the simulated card failed for another reason (see $log)"
    else
        printf '%-34s refused by the compiler, as it must be\n' 'simulator in a release profile'
    fi
}

stage_host() {
    CARGO_TARGET_DIR=$WORK/host "$HERE/reproducibly.sh" cargo rustc --locked -p kazasu-ffi --lib --profile mobile \
        --crate-type cdylib --features log/release_max_level_info
    CARGO_TARGET_DIR=$WORK/host "$HERE/check_folders.sh" "$WORK/host/mobile/libkazasu_ffi.so" || fail 'names in the library'
    strip -o "$WORK/host-stripped.so" "$WORK/host/mobile/libkazasu_ffi.so"
    # The budget is that of phones' own processors; this figure is for comparing with the ones before.
    printf '%-34s %9d bytes stripped\n' "$(uname -m) linux, this machine" "$(stat -c %s "$WORK/host-stripped.so")"
}

stage_android() {
    local triple=aarch64-linux-android clang_target=aarch64-linux-android26 stubs=$WORK/stubs library
    need_debian_toolchain
    write_headers
    mkdir -p "$stubs"
    for library in c m dl log; do
        clang --target="$clang_target" -fuse-ld=lld -shared -nostdlib -Wl,-soname,"lib$library.so" \
            -x c /dev/null -o "$stubs/lib$library.so"
    done
    rm -f "$stubs/libunwind.a"
    llvm-ar rc "$stubs/libunwind.a"
    CC_aarch64_linux_android=clang AR_aarch64_linux_android=llvm-ar \
        CFLAGS_aarch64_linux_android="--target=$clang_target -ffreestanding -nostdlibinc -I$WORK/include" \
        CARGO_TARGET_AARCH64_LINUX_ANDROID_LINKER=clang \
        RUSTFLAGS="-L $stubs -C link-arg=--target=$clang_target -C link-arg=-fuse-ld=lld -C link-arg=-nostartfiles -C link-arg=-nodefaultlibs -C link-arg=-Wl,-z,max-page-size=16384" \
        phone_cargo "$triple" cdylib
    llvm-strip -o "$WORK/android-stripped.so" "$WORK/build/$triple/mobile/libkazasu_ffi.so"
    CARGO_TARGET_DIR=$WORK/build "$HERE/check_folders.sh" "$WORK/build/$triple/mobile/libkazasu_ffi.so" ||
        fail 'names in the android library'
    size_within 'aarch64 android' "$WORK/android-stripped.so"
    llvm-nm -D --undefined-only --format=just-symbols "$WORK/android-stripped.so" | sed 's/@.*//' >"$WORK/android-symbols"
    symbols_allowed 'aarch64 android' "$HERE/symbols-android.txt" "$WORK/android-symbols"
    python3 "$HERE/check_elf_align.py" "$WORK/android-stripped.so" || fail 'segments of the android library'
}

stage_ios() {
    local triple=aarch64-apple-ios archive
    need_debian_toolchain
    write_headers
    mkdir -p "$WORK/sdk"
    SDKROOT=$WORK/sdk IPHONEOS_DEPLOYMENT_TARGET=15.0 \
        CC_aarch64_apple_ios=clang AR_aarch64_apple_ios=llvm-ar \
        CFLAGS_aarch64_apple_ios="--target=arm64-apple-ios15.0 -ffreestanding -nostdlibinc -I$WORK/include" \
        phone_cargo "$triple" staticlib
    archive=$WORK/build/$triple/mobile/libkazasu_ffi.a
    CARGO_TARGET_DIR=$WORK/build "$HERE/check_folders.sh" "$archive" || fail 'names in the ios library'
    printf '%-34s %9d bytes, a static library (no budget: the app links a part of it)\n' 'aarch64 ios' \
        "$(stat -c %s "$archive")"
    # A static library's members may need one another: what none of them defines is the system's. One member of the
    # standard library, compiler_builtins, is bitcode that an older llvm-nm cannot read; symbols-ios.txt knows of it.
    comm -23 <(llvm-nm --undefined-only --format=just-symbols --quiet "$archive" 2>"$WORK/ios-nm.log" | symbol_names) \
        <(llvm-nm --defined-only --extern-only --format=just-symbols --quiet "$archive" 2>/dev/null | symbol_names) >"$WORK/ios-symbols"
    symbols_allowed 'aarch64 ios' "$HERE/symbols-ios.txt" "$WORK/ios-symbols"
}

# Names only: without blank lines and the headings of archive members.
symbol_names() { sed '/:$/d; /^$/d' | sort -u; }

main() {
    local stages=("$@") stage
    ((${#stages[@]})) || stages=(simulator host android ios)
    mkdir -p "$WORK"
    for stage in "${stages[@]}"; do
        declare -F "stage_$stage" >/dev/null || { printf 'no stage %s\n' "$stage" >&2; exit 2; }
        "stage_$stage"
    done
    ((FAILED == 0)) || exit 1
    printf 'cross-check: all kept\n'
}

main "$@"
