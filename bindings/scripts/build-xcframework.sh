#!/usr/bin/env bash
# Builds KazasuFFI.xcframework and the Swift sources that belong to it. Runs on a Mac with Xcode 16 or later.
#
#   bindings/scripts/build-xcframework.sh                for a release
#   bindings/scripts/build-xcframework.sh --simulator    debug libraries with the simulated card; never publish them
#
# Needs: rustup target add aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios
# Writes into bindings/swift: KazasuFFI.xcframework, Sources/KazasuFFI/KazasuFFI.swift, and for a release
# KazasuFFI.xcframework.zip, whose checksum is printed for the two Package.swift, and KazasuFFI.cdx.json: what is in the
# library for devices, with licences (CycloneDX).
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.."
TARGET=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
SWIFT=bindings/swift
WORK=$TARGET/xcframework
MODULE=kazasu_ffiFFI
export IPHONEOS_DEPLOYMENT_TARGET=15.0

command -v xcodebuild >/dev/null || { printf 'this needs a Mac with Xcode\n' >&2; exit 77; }

# The library is the whole program's Rust here, so it may choose the level of the log.
features=log/release_max_level_info
folder=mobile options=(--profile mobile --features "$features") build=("$HERE/reproducibly.sh" cargo)
if [[ ${1:-} == --simulator ]]; then
    # A debugger is to find the sources where they are.
    folder=debug options=(--features simulator) build=(cargo)
elif (($#)); then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi

rm -rf "$WORK" "$SWIFT/KazasuFFI.xcframework" "$SWIFT/KazasuFFI.xcframework.zip"
mkdir -p "$WORK/device" "$WORK/simulator" "$WORK/Headers/$MODULE"

triples=(aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios)
for triple in "${triples[@]}"; do
    "${build[@]}" rustc --locked -p kazasu-ffi --lib --crate-type staticlib --target "$triple" "${options[@]}"
done
built() { printf '%s/%s/%s/libkazasu_ffi.a' "$TARGET" "$1" "$folder"; }

# From a library that is not stripped yet: stripping may remove what the generator reads.
"$HERE/generate.sh" swift "$WORK/generated" "$(built aarch64-apple-ios)"
cp "$WORK/generated/KazasuFFI.swift" "$SWIFT/Sources/KazasuFFI/"

cp "$(built aarch64-apple-ios)" "$WORK/device/libkazasu_ffi.a"
lipo -create "$(built aarch64-apple-ios-sim)" "$(built x86_64-apple-ios)" -output "$WORK/simulator/libkazasu_ffi.a"
strip -S "$WORK/device/libkazasu_ffi.a" "$WORK/simulator/libkazasu_ffi.a"

# A folder named after the module lets two such frameworks live in one app. The module map is written here: the
# generator's is for framework bundles, and names the module after the crate.
cp "$WORK/generated/$MODULE.h" "$WORK/Headers/$MODULE/"
printf 'module %s {\n    header "%s.h"\n    export *\n}\n' "$MODULE" "$MODULE" >"$WORK/Headers/$MODULE/module.modulemap"

xcodebuild -create-xcframework \
    -library "$WORK/device/libkazasu_ffi.a" -headers "$WORK/Headers" \
    -library "$WORK/simulator/libkazasu_ffi.a" -headers "$WORK/Headers" \
    -output "$SWIFT/KazasuFFI.xcframework"

if [[ $folder == debug ]]; then
    printf 'debug build with the simulated card: set KAZASU_SIMULATOR in the app, and never publish it\n'
else
    "$HERE/check_folders.sh" "$WORK/device/libkazasu_ffi.a" "$WORK/simulator/libkazasu_ffi.a"
    # One order and one time, so that the same libraries make the same file.
    export TZ=UTC LC_ALL=C
    find "$SWIFT/KazasuFFI.xcframework" -exec touch -t 198001010000 {} +
    (cd "$SWIFT" && find KazasuFFI.xcframework -type f | sort | zip -q -X -@ KazasuFFI.xcframework.zip)
    "$HERE/reproducibly.sh" "$HERE/sbom.py" "$WORK/device/libkazasu_ffi.a" -p kazasu-ffi --target aarch64-apple-ios \
        --features "$features" >"$SWIFT/KazasuFFI.cdx.json"
    printf 'checksum: %s\n' "$(swift package compute-checksum "$SWIFT/KazasuFFI.xcframework.zip")"
fi
