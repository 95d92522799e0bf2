#!/usr/bin/env bash
# Compiles generated Kotlin, facade and tests with the Kotlin compiler from npm and runs the tests: for machines without
# Maven, or where its repository is out of reach.
#
#   tests/bindings/kotlin-npm/run.sh OUT GENERATED PROPERTY…
#
# OUT        where everything goes; OUT/reports has the JUnit reports
# GENERATED  the Kotlin of generate.sh kotlin-jvm
# PROPERTY   -Dname=value for the JVM of the tests
#
# The compiler brings standard library and coroutines (1.8). JUnit, JNA and Gson are Debian's: the installed packages, or
# the same ones unpacked into OUT, which needs no rights. Exits with 77 when one of them cannot be had.
set -euo pipefail
(($# >= 2)) || {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
}
OUT=$(realpath -m "$1") GENERATED=$(realpath -e "$2")
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

# The version that Maven compiles with.
VERSION=$(sed -n 's:.*<kotlin.version>\(.*\)</kotlin.version>.*:\1:p' bindings/kotlin/pom.xml)
KOTLINC=$OUT/kotlinc-$VERSION
PACKAGES=(junit5 libjna-java libjna-jni libgoogle-gson-java)
JARS=(junit-platform-console-standalone.jar jna.jar gson.jar)

# lacking WHAT: the reason stands in the last line.
lacking() {
    printf '%s\n' "$1"
    exit 77
}

compiler() {
    [[ ! -e $KOTLINC ]] || return 0
    command -v npm >/dev/null || lacking 'npm is missing'
    rm -rf "$OUT/unpacked"
    mkdir -p "$OUT/unpacked"
    npm pack --silent --pack-destination "$OUT/unpacked" "kotlin-compiler@$VERSION" &&
        tar -xzf "$OUT/unpacked/kotlin-compiler-$VERSION.tgz" -C "$OUT/unpacked" ||
        lacking "npm cannot fetch kotlin-compiler $VERSION"
    mv "$OUT/unpacked/package" "$KOTLINC"
    rm -rf "$OUT/unpacked"
}

# complete ROOT: whether all of Debian's files are below it.
complete() {
    local jar
    for jar in "${JARS[@]}"; do [[ -e $1/usr/share/java/$jar ]] || return 1; done
    compgen -G "$1/usr/lib/*/jni/libjnidispatch.system.so" >/dev/null
}

libraries() {
    DEBIAN=
    ! complete '' || return 0
    DEBIAN=$OUT/debian
    ! complete "$DEBIAN" || return 0
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        lacking "there are no Debian packages here: ${PACKAGES[*]}"
    fi
    rm -rf "$DEBIAN"
    mkdir -p "$DEBIAN/packages"
    download || { ((EUID == 0)) && apt-get update && download; } || lacking "apt-get cannot download ${PACKAGES[*]}"
    local package
    for package in "$DEBIAN"/packages/*.deb; do dpkg-deb -x "$package" "$DEBIAN"; done
    complete "$DEBIAN" || lacking "Debian's packages here have other files: ${PACKAGES[*]}"
}

download() { (cd "$DEBIAN/packages" && apt-get download "${PACKAGES[@]}"); }

# Debian's JNA looks for its native half only where Debian's Java does; where JNA's own jar has it, any Java finds it.
native_half() {
    local folder=$OUT/native/com/sun/jna/linux-$1
    mkdir -p "$folder"
    cp "$DEBIAN"/usr/lib/*/jni/libjnidispatch.system.so "$folder/libjnidispatch.so"
}

compiler
libraries
machine=$(uname -m)
native_half "${machine//_/-}"

classpath=$KOTLINC/lib/kotlin-stdlib.jar:$KOTLINC/lib/kotlinx-coroutines-core-jvm.jar
for jar in "${JARS[@]}"; do classpath+=:$DEBIAN/usr/share/java/$jar; done

rm -rf "$OUT/classes" "$OUT/reports"
# One module: what is internal is for the tests too, as in Maven.
bash "$KOTLINC/bin/kotlinc" -J-Xmx1g -no-stdlib -no-reflect -jvm-target 17 -cp "$classpath" -d "$OUT/classes" \
    "$GENERATED" bindings/kotlin/src/main/kotlin tests/bindings/kotlin tests/bindings/kotlin-npm
timeout 240 java "$@" -cp "$OUT/classes:$OUT/native:$classpath" org.junit.platform.console.ConsoleLauncher \
    --disable-banner --disable-ansi-colors --details=tree --include-engine=junit-jupiter --fail-if-no-tests \
    --scan-classpath="$OUT/classes" --reports-dir="$OUT/reports"
