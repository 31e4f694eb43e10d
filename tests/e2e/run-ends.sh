#!/bin/bash
# However a run ends, nothing of its jobs is left: no process (a daemon that forked twice
# and called setsid among them), no mount, no folder. What may take a while is waited for.
set -eu

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
    - echo "after: \$CI_JOB_STATUS"
    - touch "$PWD/../after"
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
daemon_gone() { ! daemon_runs; }

begin() { # starts a run in a session of its own; its pid in $run
	rm -f ../started ../after
	setsid pawl run -j1 >../out 2>&1 &
	run=$!
	wait_for 20 test -e ../started || fail "$1: the job did not start"
	daemon_runs || fail "$1: the daemon did not start"
}

nothing_left() {
	daemon_gone || fail "$1: the daemon is left"
	if pgrep -f 'pawl-supervise' | while read -r pid; do
		tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -q "^HOME=$HOME$" && echo "$pid"
	done | grep -q .; then
		fail "$1: a supervisor is left"
	fi
	left=$(find "$HOME/.cache/pawl" -mindepth 3 -path '*/jobs/*' -print -quit 2>/dev/null || true)
	[ -z "$left" ] || fail "$1: left in the job folder: $left"
	if grep -q "$HOME" /proc/mounts; then fail "$1: a mount is left"; fi
}

# Interrupted once: the job ends, its after_script runs, and the exit code says so.
begin interrupt
kill -INT "$run"
status=0
wait "$run" || status=$?
[ "$status" -eq 130 ] || fail "interrupt: exit code $status, wanted 130"
[ -e ../after ] || fail "interrupt: after_script did not run"
grep -q 'after: canceled' ../out || fail "interrupt: after_script does not know it was canceled"
nothing_left interrupt

# Interrupted twice: nothing more runs.
begin second
sed -i 's/touch .*after.*/sleep 300/' .gitlab-ci.yml
kill -INT "$run"
sleep 0.1
kill -INT "$run"
status=0
wait "$run" || status=$?
[ "$status" -eq 130 ] || fail "second: exit code $status, wanted 130"
nothing_left second

# Killed: the supervisor notices and ends the job within a second.
begin killed
kill -KILL "$run"
wait "$run" || true
wait_for 1 daemon_gone || fail "killed: the daemon lives on for more than a second"
wait_for 3 sh -c '! pgrep -f pawl-supervise >/dev/null' || true
nothing_left killed

# All of pawl killed: the next run finds what is left and ends it.
begin all
supervisor=$(pgrep -P "$run" || true)
kill -KILL "$run"
for pid in $supervisor; do kill -KILL "$pid" 2>/dev/null || true; done
wait "$run" || true
cat >.gitlab-ci.yml <<'EOF'
job: {script: [echo fine]}
EOF
pawl run -j1 >../out 2>&1 || fail "all: the next run failed"
nothing_left all
