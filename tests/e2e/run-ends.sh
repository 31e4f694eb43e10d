#!/bin/bash
# However a run ends, nothing of its jobs is left: no process (a daemon that forked twice
# and called setsid among them), no mount, no folder. What may take a while is waited for.
set -eu
export PAWL_EXECUTOR=shell # what is looked at lies outside of a sandbox

git init -q -b main repo
cd repo
# The daemon's name is its own, so that it can be looked for without pawl's help.
tag=pawl-daemon-$$-$RANDOM
cat >daemon <<EOF
#!/bin/bash
# forks twice, starts a session of its own and closes what it has of its parent
(setsid bash -c 'exec -a $tag sleep 300' </dev/null >/dev/null 2>&1 &)
EOF
chmod +x daemon
cat >.gitlab-ci.yml <<EOF
job:
  script:
    - ./daemon
    - echo "\$PPID" >/dev/null
    - touch "$PWD/../started"
    - sleep 300
  after_script:
    - echo "after \$CI_JOB_STATUS"
    - touch "$PWD/../after"
    - if [ -e "$PWD/../slow" ]; then sleep 300; fi
EOF
git add -A
git commit -q -m one

fail() {
	echo "$1"
	[ -e ../out ] && cat ../out
	pkill -9 -f "^$tag" || true
	exit 1
}

wait_for() { # SECONDS COMMAND…: until it succeeds
	local i limit=$(($1 * 20))
	shift
	for ((i = 0; i < limit; i++)); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	return 1
}

daemon_runs() { pgrep -f "^$tag" >/dev/null; }
no_supervisor() { [ -z "$(supervisors)" ]; }
daemon_gone() { ! daemon_runs; }

# Those of this test: others may run beside it.
supervisors() {
	local pid
	for pid in $(pgrep -f pawl-supervise || true); do
		if { tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qx "HOME=$HOME"; then
			echo "$pid"
		fi
	done
}

begin() { # starts a run in a session of its own; its pid in $run
	rm -f ../started ../after
	setsid pawl run -j1 >../out 2>&1 &
	run=$!
	wait_for 20 test -e ../started || fail "$1: the job did not start"
	daemon_runs || fail "$1: the daemon did not start"
}

nothing_left() {
	daemon_gone || fail "$1: the daemon is left"
	[ -z "$(supervisors)" ] || fail "$1: a supervisor is left"
	left=$(find "$HOME/.cache/pawl" -mindepth 3 \( -path '*/jobs/*' -o -path '*/copies/*' \) \
	    -print -quit 2>/dev/null || true)
	[ -z "$left" ] || fail "$1: left of the job's files: $left"
	if grep -q "$HOME" /proc/mounts; then fail "$1: a mount is left"; fi
}

# Interrupted once: the job ends, its after_script runs, and the exit code says so.
begin interrupt
kill -INT "$run"
status=0
wait "$run" || status=$?
[ "$status" -eq 130 ] || fail "interrupt: exit code $status, wanted 130"
[ -e ../after ] || fail "interrupt: after_script did not run"
grep -q 'after canceled' ../out || fail "interrupt: after_script does not know it was canceled"
nothing_left interrupt

# Interrupted twice: nothing more runs.
touch ../slow
begin second
kill -INT "$run"
wait_for 20 test -e ../after || fail "second: after_script did not begin"
kill -INT "$run"
status=0
wait "$run" || status=$?
[ "$status" -eq 130 ] || fail "second: exit code $status, wanted 130"
rm ../slow
nothing_left second

# Killed: the supervisor notices and ends the job within a second.
begin killed
kill -KILL "$run"
wait "$run" || true
wait_for 1 daemon_gone || fail "killed: the daemon lives on for more than a second"
wait_for 5 no_supervisor || fail "killed: the supervisor lives on"
nothing_left killed

# All of pawl killed: the next run finds what is left and ends it.
begin all
pids=$(supervisors)
[ -n "$pids" ] || fail "all: no supervisor was found"
# shellcheck disable=SC2086
kill -KILL "$run" $pids
wait "$run" || true
cat >.gitlab-ci.yml <<'EOF'
job: {script: [echo fine]}
EOF
pawl run -j1 >../out 2>&1 || fail "all: the next run failed"
nothing_left all
