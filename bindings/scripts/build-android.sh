#!/usr/bin/env bash
# Builds the libraries of the AAR and the Kotlin sources that belong to them.
#
#   bindings/scripts/build-android.sh [OUT]      OUT: target/android unless given
#
# Needs: NDK r28 or later in ANDROID_NDK_HOME, cargo-ndk, and
#   rustup target add aarch64-linux-android armv7-linux-androideabi x86_64-linux-android
#
# OUT/jniLibs/ABI/libkazasu_ffi.so   stripped, for the AAR
# OUT/sbom/ABI.cdx.json              what is in it, with licences (CycloneDX): publish it beside the AAR
# OUT/kotlin                         sources generated from those very libraries
# OUT/symbols.zip                    the unstripped libraries, for crash reports: publish it beside the AAR
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=$(realpath -m "${1:-$HERE/../../target/android}")
cd "$HERE/../.."
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")
API=26
declare -A TRIPLES=(
    [arm64-v8a]=aarch64-linux-android
    [armeabi-v7a]=armv7-linux-androideabi
    [x86_64]=x86_64-linux-android
)

missing() {
    printf '%s\n' "$1" >&2
    exit 77
}

command -v cargo-ndk >/dev/null || missing 'cargo-ndk is missing: cargo install cargo-ndk'
[[ -d ${ANDROID_NDK_HOME:-} ]] || missing 'ANDROID_NDK_HOME names no NDK'
release=$(sed -n 's/^Pkg.Revision *= *\([0-9]*\).*/\1/p' "$ANDROID_NDK_HOME/source.properties")
((release >= 28)) || missing "NDK r28 or later is needed for 16 KB pages, this is r$release"
strip=$(compgen -G "$ANDROID_NDK_HOME/toolchains/llvm/prebuilt/*/bin/llvm-strip" | head -n 1)

targets=()
for abi in "${!TRIPLES[@]}"; do targets+=(-t "$abi"); done
# The library is the whole program here, so it may choose the level of the log.
features=log/release_max_level_info
"$HERE/reproducibly.sh" cargo ndk "${targets[@]}" --platform "$API" build --locked --profile mobile -p kazasu-ffi --features "$features"

rm -rf "$OUT"
for abi in "${!TRIPLES[@]}"; do
    built=$TARGET/${TRIPLES[$abi]}/mobile/libkazasu_ffi.so
    mkdir -p "$OUT/jniLibs/$abi" "$OUT/symbols/$abi" "$OUT/sbom"
    cp "$built" "$OUT/symbols/$abi/"
    "$strip" -o "$OUT/jniLibs/$abi/libkazasu_ffi.so" "$built"
    "$HERE/check_folders.sh" "$built"
    "$HERE/reproducibly.sh" "$HERE/sbom.py" "$OUT/jniLibs/$abi/libkazasu_ffi.so" -p kazasu-ffi --target "${TRIPLES[$abi]}" \
        --features "$features" >"$OUT/sbom/$abi.cdx.json"
    printf '%-12s %9d bytes stripped\n' "$abi" "$(stat -c %s "$OUT/jniLibs/$abi/libkazasu_ffi.so")"
done
python3 "$HERE/check_elf_align.py" "$OUT"/jniLibs/*/libkazasu_ffi.so

# From the unstripped library: stripping removes what the generator reads.
"$HERE/generate.sh" kotlin-android "$OUT/kotlin" "$OUT/symbols/arm64-v8a/libkazasu_ffi.so"
# One order and one time, so that the same libraries make the same file.
export TZ=UTC LC_ALL=C
(cd "$OUT/symbols" && find . -type f -exec touch -t 198001010000 {} + && find . -type f | sort | zip -q -X -@ ../symbols.zip)
printf 'done: %s\n' "$OUT"
