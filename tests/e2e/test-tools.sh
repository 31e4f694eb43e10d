#!/bin/bash
# The tools that judge can say no: tests/run counts what fails, crashes, times out and is
# skipped; run-case compares all a user sees; accept tells met from short and not shown.
# shellcheck disable=SC2016 # what stands in quotes is for other shells
set -u
wrong=0

# A tree of its own, as the tools expect it.
mkdir -p tree/tests/e2e tree/tests/cases build/tests/unit
cp "$SRC"/tests/{run,run-case,accept,env.sh} tree/tests

# says WANT STATUS COMMAND…: the last line and the exit status, from the build folder
says() {
	local want=$1 status=$2 out got
	shift 2
	out=$(cd build && "$@" 2>&1)
	got=$?
	if [ "$(tail -n 1 <<<"$out")" != "$want" ] || [ $got -ne "$status" ]; then
		printf 'wanted "%s" and status %s from %s, got status %s:\n%s\n' \
		    "$want" "$status" "$*" "$got" "$out"
		wrong=1
	fi
}

# shows WANT COMMAND…: a line somewhere
shows() {
	local want=$1 out
	shift
	out=$(cd build && "$@" 2>&1)
	if ! grep -qxF -- "$want" <<<"$out"; then
		printf 'wanted a line "%s" from %s, got:\n%s\n' "$want" "$*" "$out"
		wrong=1
	fi
}

# ---- run: programs of Check ---------------------------------------------------------------

unit() { # NAME LINES…: stands for a Check program that prints this
	printf '#!/bin/sh\n' >"build/tests/unit/$1"
	printf '%s\n' "${@:2}" >>"build/tests/unit/$1"
	chmod +x "build/tests/unit/$1"
}
unit good 'echo "100%: Checks: 12, Failures: 0, Errors: 0"'
unit bad 'echo "66%: Checks: 6, Failures: 1, Errors: 1"' 'exit 1'
unit leaks 'echo "100%: Checks: 3, Failures: 0, Errors: 0"' 'exit 23'
unit crashes 'kill -SEGV $$'
unit hangs 'sleep 60'
unit none 'echo "100%: Checks: 0, Failures: 0, Errors: 0"'
unit skips 'echo "skipped: no ../shared"' 'echo "100%: Checks: 5, Failures: 0, Errors: 0"'

run=../tree/tests/run
says '12 passed, 0 failed, 0 skipped' 0 $run tests/unit/good
says '4 passed, 2 failed, 0 skipped' 1 $run tests/unit/bad
says '3 passed, 1 failed, 0 skipped' 1 $run tests/unit/leaks
says '0 passed, 1 failed, 0 skipped' 1 $run tests/unit/crashes
says '0 passed, 1 failed, 0 skipped' 1 env TEST_TIMEOUT=1 $run tests/unit/hangs
says '0 passed, 1 failed, 0 skipped' 1 $run tests/unit/none
says '0 passed, 1 failed, 0 skipped' 1 $run tests/unit/missing
says '0 passed, 1 failed, 0 skipped' 1 $run
says '4 passed, 0 failed, 1 skipped' 0 $run tests/unit/skips
says '23 passed, 3 failed, 1 skipped' 1 $run tests/unit/{good,bad,leaks,skips} # sums

# ---- run: lanes ---------------------------------------------------------------------------

# Those that only wait, here for one that is told after them, take no lane; where there is but
# one they come last.
printf '%s\n' '#!/bin/bash' '# only waits' 'for _ in {1..2000}; do if [ -e "$BUILD/begun" ]; then exit 0; fi; sleep 0.01; done' \
    'exit 1' | tee tree/tests/e2e/a.sh >tree/tests/e2e/b.sh
printf '%s\n' '#!/bin/bash' 'touch "$BUILD/begun"' >tree/tests/e2e/c.sh
for lanes in 1 2; do
	rm -f build/begun
	says '3 passed, 0 failed, 0 skipped' 0 $run -j $lanes tests/e2e/{a,b,c}.sh
done
rm tree/tests/e2e/[abc].sh
shows 'skipped: no ../shared' $run tests/unit/skips

# ---- run: scripts -------------------------------------------------------------------------

script() {
	printf '%s\n' "${@:2}" >"tree/tests/e2e/$1.sh"
}
script good 'exit 0'
script bad 'echo what happened' 'exit 3'
script skip 'echo "skipped: no root"; exit 77'
# shellcheck disable=SC2016 # the script is to expand it
script env 'test -z "${CI-}" && test "$(ls -A "$HOME")" = ""'
says '1 passed, 0 failed, 0 skipped' 0 $run tests/e2e/good.sh
says '0 passed, 1 failed, 0 skipped' 1 $run tests/e2e/bad.sh
shows 'what happened' $run tests/e2e/bad.sh
says '0 passed, 0 failed, 1 skipped' 0 $run tests/e2e/skip.sh
shows 'skipped: no root' $run tests/e2e/skip.sh
says '1 passed, 0 failed, 0 skipped' 0 env CI=true $run tests/e2e/env.sh

# ---- run-case -------------------------------------------------------------------------------

new_case() { # NAME CMD EXPECTED
	mkdir -p "tree/tests/cases/$1"
	echo 'job: {script: "true"}' >"tree/tests/cases/$1/ci.yml"
	echo "$2" >"tree/tests/cases/$1/cmd"
	printf '%s\n' "$3" >"tree/tests/cases/$1/expected"
}
new_case same 'echo out; echo err >&2; cat .gitlab-ci.yml' $'out\nerr\njob: {script: "true"}'
new_case other 'echo out' 'something else'
new_case more 'echo out; echo more' 'out'
new_case status 'echo out; exit 3' 'out'
new_case status3 'echo out; exit 3' 'out'
echo 3 >tree/tests/cases/status3/expected.exit
new_case clean 'git status --short; git log --format=%an%s; ls -A' $'AnnTest\n.git\n.gitlab-ci.yml'
new_case forms 'pwd; echo took 0.12s, 12.3 s, 1m02s, 2h00m01s; git rev-parse HEAD; echo v1.2 30s' \
    $'DIR\ntook TIME, TIME, TIME, TIME\nSHA\nv1.2 30s'
new_case skip 'echo "skipped: why"; exit 77' 'never'
says '3 passed, 0 failed, 0 skipped' 0 $run tests/cases/{same,status3,clean}
says '1 passed, 0 failed, 0 skipped' 0 $run tests/cases/forms
says '0 passed, 3 failed, 0 skipped' 1 $run tests/cases/{other,more,status}
says '0 passed, 0 failed, 1 skipped' 0 $run tests/cases/skip
shows '+more' $run tests/cases/more
shows 'exit status 3, expected 0' $run tests/cases/status
(cd build && ../tree/tests/run-case --accept other status status3)
says '3 passed, 0 failed, 0 skipped' 0 $run tests/cases/{other,status,status3}

# ---- accept -----------------------------------------------------------------------------------

demands() {
	printf '%s\n' "$@" >tree/tests/acceptance.tsv
}
accept=../tree/tests/accept
demands '# id' $'a\tis shown\ttrue' $'b\tis not\tfalse' $'c\thas no command' $'d\tskips\texit 77'
says '1 met, 1 short, 2 not shown' 1 $accept
says '1 met, 0 short, 0 not shown' 0 $accept a
demands $'a\tfast\techo "x ours 2 floor 1 ratio 2.0x limit 4x met"'
says '1 met, 0 short, 0 not shown' 0 $accept
demands $'a\tslow\techo "x ours 6 floor 1 ratio 6.0x limit 4x short"; exit 1'
shows 'short      a                  slow (6.0x, limit 4x, short by 50 %)' $accept
demands $'a\ttested\te2e good' $'b\ttested\te2e bad' $'c\ttested\te2e skip' $'d\ttested\te2e no-such'
says '1 met, 2 short, 1 not shown' 1 $accept
demands $'a\ttested\tunit good && cases sam* status?'
says '1 met, 0 short, 0 not shown' 0 $accept

exit $wrong
