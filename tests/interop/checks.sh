# shellcheck shell=bash
# Counted checks for shell tests. Source it, call `check` and friends, end with `summary`.

passed=0
failed=0

ok() {
    passed=$((passed + 1))
    printf 'ok    %s\n' "$1"
}

bad() {
    failed=$((failed + 1))
    printf 'FAIL  %s\n' "$1"
    shift
    local file
    for file in "$@"; do
        [[ -s $file ]] && tail -n 40 "$file" | sed 's/^/      > /'
    done
    return 0
}

# check NAME COMMAND…: passes when the command succeeds. Its output is shown when it does not.
check() {
    local name=$1 out
    shift
    out=$(mktemp)
    if "$@" >"$out" 2>&1; then ok "$name"; else bad "$name (exit $?)" "$out"; fi
    rm -f "$out"
}

# contains FILE TEXT…: every text stands in the file.
contains() {
    local file=$1 text
    shift
    for text in "$@"; do
        grep -qF -- "$text" "$file" || { printf 'missing: %s\n' "$text"; cat "$file"; return 1; }
    done
}

# equals LEFT RIGHT
equals() {
    [[ $1 == "$2" ]] || { printf '"%s" is not "%s"\n' "$1" "$2"; return 1; }
}

# wait_for SECONDS COMMAND…: tries five times a second.
wait_for() {
    local tries=$(($1 * 5))
    shift
    while ((tries-- > 0)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    return 1
}

# Prints the count and fails if anything failed or nothing was checked.
summary() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0 && passed > 0))
}
