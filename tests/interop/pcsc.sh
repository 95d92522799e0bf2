#!/usr/bin/env bash
# The command line over PC/SC with a virtual reader, and foreign programs, unchanged, on the simulated card.
#
#   pcsc.sh [PART…]    all parts, or only these: files in the folder pcsc
#
# Takes kazasu-card-sim and kazasu-sandbox from KAZASU_BIN, `kazasu` built with the feature pcsc from KAZASU_PCSC, and
# jpki-cli from JPKI_CLI, whose part is left out without it. Runs pcscd in namespaces of its own, with its own loopback
# interface: no reader of this machine is seen and every process ends with the script. Exits 77 where namespaces are refused.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
source tests/interop/checks.sh

if [[ ${1:-} != --inside ]]; then
    namespaces=(--mount --net --pid --fork --kill-child --mount-proc)
    if ! unshare "${namespaces[@]}" true 2>/dev/null; then
        namespaces=(--user --map-root-user "${namespaces[@]}")
        if ! unshare "${namespaces[@]}" true; then
            echo 'not run: this machine refuses namespaces (unshare)'
            exit 77
        fi
    fi
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    unshare "${namespaces[@]}" bash "$PWD/tests/interop/pcsc.sh" --inside "$scratch" "$@"
    exit $?
fi

scratch=$2
shift 2
parts=("$@")
((${#parts[@]})) || parts=(flow card holder changes refusals protocols sharing opensc jpki_cli)
source tests/interop/pcsc/machine.sh
start_machine
[[ " ${parts[*]} " == *" protocols "* ]] && start_patience
for part in "${parts[@]}"; do
    started=$SECONDS
    # shellcheck source=/dev/null
    source "tests/interop/pcsc/$part.sh"
    remove_card
    printf -- '--    %s: %d s\n' "$part" $((SECONDS - started))
done
summary
