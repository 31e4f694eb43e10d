#!/bin/bash
# pawl-runner against a server as GitLab's: jobs, artifacts, cancel; and whatever dies,
# runner, server or supervisor, no log has a gap and every end is told.
# shellcheck disable=SC2016 # scripts are text here
set -eu
export PAWL_EXECUTOR=shell # what is looked at lies outside of a sandbox
. "$SRC/tests/jobs.sh"

job() { # ID SCRIPT-LINES-AS-JSON [MORE-MEMBERS]
	give "$1" <<EOF
{"id":$1,"token":"jt-$1","job_info":{"name":"job$1","project_full_path":"g/p"},
"git_info":{"repo_url":"http://ci:jt-$1@127.0.0.1:$port/g/p.git","ref":"main","sha":"$sha",
"refspecs":["+refs/heads/main:refs/remotes/origin/main"],"depth":20},
"runner_info":{"timeout":600},
"variables":[{"key":"R","value":"$R","public":true},{"key":"SECRET","value":"sesame-open","masked":true}],
"steps":[{"name":"script","script":$2},{"name":"after_script","script":["echo after \$CI_JOB_STATUS"]}],
"features":{"trace_sections":true,"failure_reasons":["unknown_failure","job_canceled","runner_interrupted"]}
${3-}}
EOF
}

expect_end() { # ID TEXT-IN-THE-LAST-REQUEST…
	local id=$1 text
	shift
	wait_for ended "$id"
	for text; do
		grep -qF -- "$text" "server/got/$id.end" || fail "job $id: no $text in $(cat "server/got/$id.end")"
	done
	python3 - "server/got/$id" <<'EOF' || fail "job $id: the log is not what its runner counted"
import json, sys, zlib
end, log = json.load(open(sys.argv[1] + ".end")), open(sys.argv[1] + ".log", "rb").read()
output = end["output"]
sys.exit(output["checksum"] != "crc32:%08x" % zlib.crc32(log) or output["bytesize"] != len(log))
EOF
}

# A job that counts until it is let go: a gap or a double would show.
counting='["for i in $(seq 1 200000); do echo line $i; [ -e $R/go-ID ] && [ $i -gt 2000 ] && break; [ $i -gt 2000 ] && sleep 0.01; done","echo last"]'
no_gap() { # ID
	grep -o '^line [0-9]*' "server/got/$1.log" | awk '$2 != NR { exit 1 } END { exit NR < 2000 }' ||
	    fail "job $1: its lines are not 1, 2, 3 …"
	log_has "$1" "last" || fail "job $1: the last line is missing"
}

git init -q -b main work
cd work
echo content >file
git add -A
git commit -q -m one
sha=$(git rev-parse HEAD)
cd ..
git clone -q --bare work repos/g/p.git
printf 'glrt-good\n' >token
start_server
runner_options=(--url "http://127.0.0.1:$port" --token-file "$R/token" --state "$R/state" --repos "$R/repos" --concurrent 2)

# ---- verify and register
pawl-runner verify --url "http://127.0.0.1:$port" --token-file token --state "$R/state" >out
[ "$(cat out)" = "http://127.0.0.1:$port: runner 3 is known" ] || fail "verify said $(cat out)"
if PAWL_RUNNER_TOKEN=glrt-bad pawl-runner verify --url "http://127.0.0.1:$port" --state "$R/state" >out 2>&1; then
	fail "a bad token was taken"
fi
grep -q 'does not know this token' out || fail "verify said $(cat out)"
PAWL_RUNNER_TOKEN=glrt-good pawl-runner register --url "http://127.0.0.1:$port" --config "$R/r.yml" \
    --state "$R/state" >out || fail "register said $(cat out)"
[ "$(stat -c %a r.yml)" = 600 ] || fail "others can read the settings"
pawl-runner verify --config r.yml --state "$R/state" >out || fail "the registered settings do not work"
pawl-runner register --url "http://127.0.0.1:$port" --token-file token --config "$R/f.yml" \
    --state "$R/state" >out || fail "register said $(cat out)"
grep -qxF "    token_file: \"$R/token\"" f.yml || fail "register wrote $(cat f.yml)"
pawl-runner verify --config f.yml --state "$R/state" >out 2>&1 || fail "verify said $(cat out)"
# what a person wrote stays, what is said is written, and a server is there once
cat >edited.yml <<END
# servers: are below
name: "servers:"   # its name
concurrent: 1
servers: # two of them
    # the first
    - url: http://127.0.0.1:1
      token: glrt-first
    - url: http://127.0.0.1:$port/
      token: glrt-old   # to be replaced
    # the end
log_format: text
END
PAWL_RUNNER_TOKEN=glrt-good pawl-runner register --url "http://127.0.0.1:$port" --config "$R/edited.yml" \
    --state "$R/state" --concurrent 3 --executor shell >out || fail "register said $(cat out)"
cat >want <<END
state: $R/state
executor: shell
# servers: are below
name: "servers:"   # its name
concurrent: 3
servers: # two of them
    # the first
    - url: http://127.0.0.1:1
      token: glrt-first
    - url: "http://127.0.0.1:$port"
      token: "glrt-good"
    # the end
log_format: text
END
[ "$(sed "s#^state: \"\(.*\)\"#state: \1#" edited.yml)" = "$(cat want)" ] || fail "the settings: $(cat edited.yml)"
grep -qF "edited.yml: line 8: takes the place of what was there for http://127.0.0.1:$port" out ||
    fail "register said $(cat out)"
grep -qx "$R/edited.yml: concurrent is 3" out || fail "register said $(cat out)"
echo 'servers: [{url: "http://127.0.0.1:1", token: glrt-first}]' >flow.yml
cp flow.yml flow.old
if PAWL_RUNNER_TOKEN=glrt-good pawl-runner register --url "http://127.0.0.1:$port" --config "$R/flow.yml" \
    --state "$R/state" >out 2>&1; then
	fail "settings that cannot be changed were: $(cat flow.yml)"
fi
grep -q 'put the server there by hand' out || fail "register said $(cat out)"
cmp flow.yml flow.old || fail "settings that cannot be changed were"
refuses() { # WORDS ARGUMENTS…: ended as a mistake of who typed it, and no settings are written
	local words=$1 got=0
	shift
	pawl-runner "$@" --state "$R/state" --config "$R/none.yml" >out 2>&1 || got=$?
	[ "$got" = 2 ] || fail "$*: ended with $got and said $(cat out)"
	grep -qF -- "$words" out || fail "$*: said $(cat out)"
	[ ! -e none.yml ] || fail "$*: wrote settings"
}
refuses '--tags: the token is that of a runner that exists; its description and tags are set at the server' \
    register --url "http://127.0.0.1:$port" --token-file token --tags a,b
refuses '--description: the token is that of a runner that exists' \
    register --url "http://127.0.0.1:$port" --token-file token --description D
refuses '--tags: only `register` takes it' run --url "http://127.0.0.1:$port" --token-file token --tags a,b
printf 'glpat-mine\n' >personal
refuses "is a person's (glpat-…); a runner's begins with glrt-" \
    register --url "http://127.0.0.1:$port" --token-file personal
if PAWL_RUNNER_TOKEN=old pawl-runner register --url "http://127.0.0.1:$port" --config "$R/none.yml" \
    --state "$R/state" >out 2>&1; then
	fail "a server without registration took one"
fi
grep -qx "pawl runner: http://127.0.0.1:$port: the server answered 405 Method Not Allowed" out ||
    fail "register said $(cat out)"

# ---- a job, its artifacts, and a job that gets them
start_runner
job 1 '["git status --short","cat file","echo $SECRET","mkdir out","echo made >out/a"]' \
    ',"artifacts":[{"name":"$R-n","paths":["out"],"artifact_type":"archive","artifact_format":"zip"}]'
expect_end 1 '"state":"success"'
log_has 1 content || fail "the source is not there"
log_has 1 sesame && fail "the log shows a secret"
log_has 1 'after success' || fail "after_script did not run"
python3 -m zipfile -l server/got/1.archive | grep -q out/a || fail "the artifact is not in its zip"
job 2 '["cat out/a","exit 7"]' \
    ',"dependencies":[{"id":1,"token":"jt-2","name":"job1","artifacts_file":{"filename":"artifacts.zip","size":1}}]'
expect_end 2 '"state":"failed"' '"failure_reason":"script_failure"' '"exit_code":7'
log_has 2 made || fail "the artifact of the first job is not there"
job 3 '["true"]' ',"dependencies":[{"id":99,"token":"jt-3","name":"gone","artifacts_file":{"filename":"a.zip","size":1}}]'
expect_end 3 '"state":"failed"' '"failure_reason":"runner_system_failure"'
log_has 3 'cannot download the artifacts of job "gone"' || fail "a lost artifact is not named"

# ---- what this machine has made itself is not fetched
size=$(stat -c %s server/got/1.archive)
mv server/got/1.archive server/kept
job 40 '["cat out/a"]' \
    ',"dependencies":[{"id":1,"token":"jt-40","name":"job1","artifacts_file":{"filename":"artifacts.zip","size":'"$size"'}}]'
expect_end 40 '"state":"success"'
log_has 40 made || fail "the artifact of the first job is not there"
mv server/kept server/got/1.archive

# ---- cancel
job 4 '["echo up","sleep 600"]'
wait_for log_has 4 up
echo canceling >server/status-4
expect_end 4 '"failure_reason":"job_canceled"'
log_has 4 'after canceled' || fail "after_script did not run after a cancel"

# ---- a second runner in the same folder is refused
if pawl-runner run --url "http://127.0.0.1:$port" --token-file token --state "$R/state" >out 2>&1; then
	fail "two runners share a folder"
fi
grep -q 'another runner works in' out || fail "it said $(cat out)"

# ---- the runner is killed while a job runs, and started again
job 5 "${counting//ID/5}"
wait_for log_has 5 'line 2000'
kill_runner KILL
sleep 0.3
start_runner
wait_for grep -q 'taken over job=5' runner.log
touch go-5
expect_end 5 '"state":"success"'
no_gap 5

# ---- the job ends while no runner is there
job 6 "${counting//ID/6}"
wait_for log_has 6 'line 1000'
kill_runner KILL
touch go-6
sleep 0.5
start_runner
expect_end 6 '"state":"success"'
no_gap 6

# ---- killed again and again
job 7 "${counting//ID/7}"
wait_for log_has 7 'line 1000'
for _ in 1 2 3 4 5; do
	kill_runner KILL
	start_runner
	sleep 0.2
done
touch go-7
expect_end 7 '"state":"success"'
no_gap 7

# ---- killed while the artifacts are asked for: the next runner collects them
job 8 '["mkdir out","head -c 3000000 /dev/urandom >out/big","echo packed"]' \
    ',"artifacts":[{"paths":["out"],"artifact_type":"archive","artifact_format":"zip"}]'
wait_for log_has 8 packed
kill_runner KILL
start_runner
expect_end 8 '"state":"success"'
[ "$(stat -c %s server/got/8.archive)" -gt 3000000 ] || fail "the artifact is not whole"
[ -n "$(ls state/artifacts/*/1/layers.set)" ] || fail "no layer is kept of job 1"
[ -n "$(ls state/artifacts/*/8/layers.set)" ] || fail "no layer is kept of a job that was taken over"

# ---- the server is away for a while
job 9 "${counting//ID/9}"
wait_for log_has 9 'line 1000'
kill_server
sleep 2
touch go-9
start_server
expect_end 9 '"state":"success"'
no_gap 9

# ---- SIGTERM: the runner goes, the job stays
job 10 "${counting//ID/10}"
wait_for log_has 10 'line 1000'
begin=$(date +%s%N)
kill_runner TERM
[ $(($(date +%s%N) - begin)) -lt 10000000000 ] || fail "the runner took its time to go"
ended 10 && fail "the job ended with the runner"
start_runner
touch go-10
expect_end 10 '"state":"success"'
no_gap 10

# ---- SIGTERM twice: the job is ended, and that is told
job 11 '["echo up","sleep 600"]'
wait_for log_has 11 up
for _ in 1 2 3 4 5; do
	kill -STOP "$runner_pid" # so that it reads both at once, unless two of its threads get them
	kill -TERM "$runner_pid"
	kill -INT "$runner_pid"
	kill -CONT "$runner_pid"
	wait "$runner_pid" || true
	runner_pid=
	if ended 11; then break; fi
	start_runner
	sleep 1
done
expect_end 11 '"failure_reason":"runner_interrupted"'
start_runner

# ---- supervisor and runner are killed: what is left of the job is ended, and that is told
job 12 '["echo up","exec -a pawl-runner-test-left sleep 600"]'
wait_for log_has 12 up
supervisor=$(grep -lzx "HOME=$HOME" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | while read -r pid; do
	tr -d '\0' <"/proc/$pid/cmdline" 2>/dev/null | grep -qx pawl-supervise && echo "$pid"; done | tail -n 1)
kill_runner KILL
kill -9 "$supervisor"
start_runner
expect_end 12 '"state":"failed"' '"failure_reason":"runner_system_failure"'
log_has 12 "ended meanwhile" || fail "the log does not say what happened"

# ---- nothing is left
wait_for bash -c "[ -z \"\$(ls '$R/state/jobs')\" ]"
kill_runner TERM
grep -rlE 'sesame-open' "$R/state" && fail "a secret is on disk"
exit 0
