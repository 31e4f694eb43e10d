#!/bin/bash
# `limits` in the settings of a running pawl-runner: jobs have them without asking, may lower them, and hear which
# one they met.
# shellcheck disable=SC2016 # scripts are text here
set -eu
. "$SRC/tests/jobs.sh"

job() { # ID SCRIPT-LINES-AS-JSON [VARIABLES]
	give "$1" <<-END
	{"id":$1,"token":"jt-$1","job_info":{"name":"job$1","project_full_path":"g/p"},"runner_info":{"timeout":600},
	"git_info":{"repo_url":"file://$R/none","ref":"main","sha":"$(printf %040d 1)","refspecs":[],"depth":20},
	"variables":[{"key":"GIT_STRATEGY","value":"none"}${3-}],"steps":[{"name":"script","script":$2}],
	"features":{"failure_reasons":["unknown_failure"]}}
	END
}
expect() { # ID STATE TEXT
	wait_for ended "$1"
	grep -q "\"state\": *\"$2\"" "server/got/$1.end" || fail "job $1 is not $2: $(cat "server/got/$1.end")"
	log_has "$1" "$3" || fail "job $1: the log has no \"$3\""
}

start_server
echo glrt-x >token
cat >runner.yml <<END
executor: shell
state: $R/state
concurrent: 3
limits: {memory: 60m, cpus: 0.25, pids: 60}
servers: [{url: "http://127.0.0.1:$port", token_file: $R/token}]
END
runner_options=(--config "$R/runner.yml")
start_runner
hog='python3 -c \"bytearray(200000000)\"'
job 1 '["true"]'
wait_for ended 1
if log_has 1 "does not hold"; then
	echo "skipped: no control groups to be had: $(grep -h "does not hold" server/got/1.log)"
	exit 77
fi
job 2 "[\"$hog\"]"
job 3 '["sh -c '\''for i in $(seq 100); do sleep 30 & done'\''"]'
job 4 '["timeout 2 sh -c \"while :; do :; done\" || true"]'
expect 2 failed "the job was out of memory: its limit is 60 MiB (limits.memory of the runner's settings)"
expect 3 failed "its limit is 60 processes and threads (limits.pids of the runner's settings)"
expect 4 success "Job succeeded"
python3 - <<'END' || fail "job 4 had more than a quarter of a processor: $(cat server/got/4.end)"
import json, sys
used = json.load(open("server/got/4.end"))["usage"]["cpu_us"]
print("used", used)
sys.exit(not 0 < used < 1000000) # half a second, and as much again
END
# lower: yes; higher: no
job 5 "[\"$hog\"]" ',{"key":"PAWL_MEMORY_LIMIT","value":"40m"}'
job 6 "[\"$hog\"]" ',{"key":"PAWL_MEMORY_LIMIT","value":"2g"}'
expect 5 failed "its limit is 40 MiB (the job's PAWL_MEMORY_LIMIT)"
expect 6 failed "its limit is 60 MiB (limits.memory of the runner's settings)"
