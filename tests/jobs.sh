# Sourced by tests of pawl-runner: a server of files (tests/e2e/runner_server.py) on 127.0.0.1 and a runner, which end
# with the test; R is its folder. Jobs to be given lie in server/jobs, what comes of them in server/got. A test sets
# runner_options; a file go-… lets jobs of its own go on, which outlive their runner.
# shellcheck shell=bash disable=SC2154

R=$PWD
pids=()
server_pid=
runner_pid=

# shellcheck disable=SC2317 # the trap calls it
stop_all() {
	for pid in $runner_pid $server_pid "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
	touch "$R"/go-* 2>/dev/null || true
}
trap stop_all EXIT

fail() {
	echo "$1"
	tail -n 30 "$R"/runner.log "$R"/server/got/*.log "$R"/calls "$R"/store.log 2>/dev/null || true
	exit 1
}

wait_for() { # COMMAND…: until it succeeds, half a minute
	local i
	for ((i = 0; i < 600; i++)); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	fail "never: $*"
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_server() { # the same port each time
	mkdir -p server/jobs
	rm -f server/port
	python3 "$SRC/tests/e2e/runner_server.py" "${port:-0}" "$R/server" >>server.log 2>&1 &
	server_pid=$!
	wait_for test -s server/port
	port=$(cat server/port)
}

start_runner() {
	pawl-runner run --verbose "${runner_options[@]}" >>runner.log 2>&1 &
	runner_pid=$!
}

kill_runner() { # SIGNAL
	kill "-$1" "$runner_pid"
	wait "$runner_pid" 2>/dev/null || true
	runner_pid=
}

kill_server() {
	kill -9 "$server_pid"
	wait "$server_pid" 2>/dev/null || true
	server_pid=
}

give() { # ID: the job on standard input
	mkdir -p server/jobs
	cat >server/job.new
	mv server/job.new "server/jobs/$1.json"
}

ended() { [ -e "server/got/$1.end" ]; }
log_has() { grep -qF -- "$2" "server/got/$1.log" 2>/dev/null; }
