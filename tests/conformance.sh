#!/usr/bin/env bash
# The list of the wire contract (its section 17), item by item: which tests show it, and whether they ran and passed.
#
#   tests/conformance.sh LOG     LOG is what `cargo test --workspace` printed
set -euo pipefail
list=$(dirname "${BASH_SOURCE[0]}")/conformance.tsv
log=$1
passed=0 failed=0

printf '| item | what | shown by |\n|--:|---|---|\n'
while IFS=$'\t' read -r item what tests; do
    status=ok
    for test in $tests; do
        # The name alone or behind the modules of a unit test.
        grep -qE "^test ([a-z_0-9]+::)*$test \.\.\. ok\$" "$log" || status="MISSING $test"
    done
    if [[ $status == ok ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    printf '| %s | %s | %s |\n' "$item" "$what" "$([[ $status == ok ]] && printf '%s' "${tests// /, }" || printf '%s' "$status")"
done <"$list"
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
