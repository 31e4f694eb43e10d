#!/bin/bash
# The executor custom with a small driver, as the documentation of GitLab's runner has
# them: each of its programs is called when it should be, its variables are there, what
# fails where has its verdict, and cleanup follows whatever happened.
# shellcheck disable=SC2016 # scripts are text here
set -eu
unset PAWL_EXECUTOR
. "$SRC/tests/jobs.sh"

# What a driver does is said by files: fail-STAGE holds the exit code.
make_driver() {
	mkdir -p driver place
	cat >driver/base <<-END
	set -eu
	R=$R
	echo "\${0##*/} \$*" | sed 's,/[^ ]*/,,g' >>"\$R/calls"
	fails() {
		if [ -e "\$R/fail-\$1" ]; then exit "\$(eval echo "\$(cat "\$R/fail-\$1")")"; fi
	}
	END
	cat >driver/config <<-'END'
	#!/bin/bash
	. "${0%/*}/base"
	echo "words of config" >&2
	fails config
	cat <<JSON
	{"builds_dir":"$R/place/$CUSTOM_ENV_CI_JOB_ID","cache_dir":"$R/cache","builds_dir_is_shared":false,
	"driver":{"name":"test driver","version":"v1"},"job_env":{"FROM_CONFIG":"said by config"}}
	JSON
	END
	cat >driver/prepare <<-'END'
	#!/bin/bash
	. "${0%/*}/base"
	[ "$FROM_CONFIG" = "said by config" ]
	[ "$CUSTOM_ENV_CI_PROJECT_DIR" = "$R/place/$CUSTOM_ENV_CI_JOB_ID/g/p" ]
	[ "$CUSTOM_ENV_FILE" = "in a file" ]
	[ -d "$TMPDIR" ] && grep -q '"id"' "$JOB_RESPONSE_FILE"
	echo "arguments of prepare: $*; image $CUSTOM_ENV_CI_JOB_IMAGE; services $CUSTOM_ENV_CI_JOB_SERVICES"
	mkdir -p "$R/place/$CUSTOM_ENV_CI_JOB_ID"
	fails prepare
	END
	cat >driver/run <<-'END'
	#!/bin/bash
	. "${0%/*}/base"
	[ "$1" = extra ]
	fails "$3"
	if [ -e "$R/code-$3" ]; then cp "$R/code-$3" "$BUILD_EXIT_CODE_FILE"; exit "$BUILD_FAILURE_EXIT_CODE"; fi
	env -i PATH="$PATH" HOME="$R/place" bash <"$2" || exit "$BUILD_FAILURE_EXIT_CODE"
	END
	cat >driver/cleanup <<-'END'
	#!/bin/bash
	. "${0%/*}/base"
	rm -rf "$R/place/$CUSTOM_ENV_CI_JOB_ID"
	fails cleanup
	END
	chmod +x driver/{config,prepare,run,cleanup}
}

make_repository() {
	git init -q -b main origin
	echo content >origin/file
	git -C origin add .
	git -C origin commit -qm one
	sha=$(git -C origin rev-parse HEAD)
}

start() {
	start_server
	echo glrt-x >token
	cat >runner.yml <<-END
	executor: custom
	state: $R/state
	concurrent: 1
	custom:
	  config_exec: $R/driver/config
	  prepare_exec: $R/driver/prepare
	  prepare_args: [one, "two words"]
	  run_exec: $R/driver/run
	  run_args: [extra]
	  cleanup_exec: $R/driver/cleanup
	  graceful_kill_timeout: 2
	  force_kill_timeout: 2
	servers:
	  - url: http://127.0.0.1:$port
	    token_file: $R/token
	END
	runner_options=(--config "$R/runner.yml")
	start_runner
}

job() { # ID SCRIPT-LINES-AS-JSON [MORE-MEMBERS]
	rm -f calls
	give "$1" <<-END
	{"id":$1,"token":"jt-$1","job_info":{"name":"job$1","project_full_path":"g/p"},
	"git_info":{"repo_url":"file://$R/origin","ref":"main","sha":"$sha",
	"refspecs":["+refs/heads/main:refs/remotes/origin/main"],"depth":20},
	"runner_info":{"timeout":600},"image":{"name":"an-image"},
	"services":[{"name":"postgres","alias":"db"}],
	"variables":[{"key":"CI_JOB_ID","value":"$1"},{"key":"QUOTED","value":"it's \$5 \"here\"","raw":true},
	{"key":"FILE","value":"in a file","file":true},{"key":"R","value":"$R"},
	{"key":"SECRET","value":"sesame-open","masked":true}],
	"steps":[{"name":"script","script":$2},{"name":"after_script","script":["echo after \$CI_JOB_STATUS"]}],
	"features":{"failure_reasons":["unknown_failure","job_canceled","runner_unsupported"]}
	${3-}}
	END
}

is_in() { [[ $(cat "$2") == *"$1"* ]]; }
called() { [ "$(grep -c "^$1" calls)" -eq "$2" ] || fail "$1 was called $(grep -c "^$1" calls) times, not $2"; }

expect() { # ID STATE-OR-REASON TEXT-IN-THE-LOG…
	local id=$1 how=$2 text
	shift 2
	wait_for ended "$id"
	is_in "\"$how\"" "server/got/$id.end" || fail "job $id: not $how: $(cat "server/got/$id.end")"
	for text; do log_has "$id" "$text" || fail "job $id: the log has no \"$text\""; done
	wait_for test ! -e "place/$id"
	! grep -rqsF "$R" /dev/shm/pawl-*/ || fail "job $id left a script in memory"
}

stages() { awk '{ print $1 == "run" ? $4 : $1 }' calls | tr '\n' ' '; }

passes() {
	job 1 '["cat file; git log --oneline", "test \"$QUOTED\" = \"it'"'"'s \\$5 \\\"here\\\"\"", "cat \"$FILE\"; echo", "echo secret $SECRET", "echo LATER=1 >>$GITLAB_ENV", "test $PWD = $R/place/1/g/p && test $CI_PROJECT_DIR = $PWD", "read -r x || echo nothing to read"]'
	expect 1 success content "in a file" "secret [MASKED]" "nothing to read" "after success" "words of config" \
	    "driver test driver v1" "arguments of prepare: one two words; image an-image" '"alias":"db"' "Job succeeded"
	[ "$(stages)" = "config prepare prepare_script get_sources build_script after_script cleanup " ] ||
	    fail "stages: $(stages)"
	[ -z "$(git -C origin status --short)" ] || fail "the origin was touched"
}

fails_by_itself() {
	job 2 '["false"]'
	expect 2 script_failure "after failed" "exit code 1"
	called cleanup 1
	echo 42 >code-build_script
	job 3 '["true"]'
	expect 3 script_failure "exit code 42"
	is_in '"exit_code": 42' server/got/3.end || is_in '"exit_code":42' server/got/3.end || fail "no 42: $(cat server/got/3.end)"
	rm code-build_script
}

# STAGE EXIT-CODE REASON TEXT: cleanup follows, and nothing after what failed.
fails_at() {
	id=$((id + 1))
	echo "$2" >"fail-$1"
	job "$id" '["true"]'
	expect "$id" "$3" "$4"
	called cleanup 1
	rm "fail-$1"
}

fails_everywhere() {
	id=10
	fails_at config '$SYSTEM_FAILURE_EXIT_CODE' runner_system_failure "the driver's config says that the system has failed"
	fails_at config 7 runner_system_failure "exit code 7"
	fails_at prepare '$SYSTEM_FAILURE_EXIT_CODE' runner_system_failure "the driver's prepare says that the system"
	called prepare 3
	fails_at prepare '$BUILD_FAILURE_EXIT_CODE' script_failure "exit code 1"
	called prepare 1
	called run 0
	for stage in prepare_script get_sources build_script; do
		fails_at $stage '$SYSTEM_FAILURE_EXIT_CODE' runner_system_failure "run ($stage) says that the system"
		fails_at $stage '$BUILD_FAILURE_EXIT_CODE' script_failure "exit code 1"
		fails_at $stage 9 runner_system_failure "run ($stage) ended with exit code 9"
	done
	fails_at cleanup 1 success "something of the job may be left"
	echo 1 >fail-after_script
	job 40 '["true"]'
	expect 40 success "after_script failed"
	rm fail-after_script
}

nap=$((313000000 + $$)) # nobody else's
canceled() {
	job 50 '["touch $R/runs", "sleep '$nap'"]'
	wait_for test -e runs
	echo canceled >server/status-50
	wait_for test ! -e place/50
	called cleanup 1
	pgrep -f "^sleep $nap" >/dev/null && fail "the script goes on"
	rm runs
}

# kill -9 of the supervisor: the driver's cleanup follows all the same.
supervisor_dies() {
	job 51 '["touch $R/runs", "sleep '$nap'"]'
	wait_for test -e runs
	pkill -9 -P "$runner_pid" -f pawl-supervise
	wait_for test ! -e place/51
	wait_for ended 51
	called cleanup 1
	pgrep -f "^sleep $nap" >/dev/null && fail "the script goes on"
	rm runs
}

# The runner dies, its job does not, and the next runner tells its end.
runner_dies() {
	job 52 '["touch $R/runs", "while [ ! -e $R/go ]; do sleep 0.1; done", "echo the end"]'
	wait_for test -e runs
	kill_runner KILL
	start_runner
	touch go
	expect 52 success "the end"
	called cleanup 1
}

refuses() {
	job 60 '["true"]' ',"artifacts":[{"paths":["x"],"artifact_type":"archive","artifact_format":"zip"}]'
	wait_for ended 60
	is_in runner_unsupported server/got/60.end || fail "artifacts: $(cat server/got/60.end)"
	printf 'executor: custom\ncustom: {run_exce: /bin/true}\n' >bad.yml
	pawl-runner run --config bad.yml >bad.log 2>&1 && fail "bad settings are taken"
	is_in 'did you mean "run_exec"' bad.log || fail "$(cat bad.log)"
	is_in "has no run_exec" bad.log || fail "$(cat bad.log)"
	printf "a:\n  script: [echo]\n" >origin/.gitlab-ci.yml
	(cd origin && PAWL_EXECUTOR=custom pawl run) >bad.log 2>&1 && fail "no driver, but it runs"
	is_in "the driver is not named" bad.log || fail "$(cat bad.log)"
}

# One builds_dir, and config does not say who has it: two jobs at once are apart all the same.
together() {
	kill_runner TERM
	sed -e 's/concurrent: 1/concurrent: 2/' -e '/config_exec/d' -e '/prepare_/d' -e "s,^custom:,&\n  builds_dir: $R/one," \
	    runner.yml >together.yml
	runner_options=(--config "$R/together.yml")
	start_runner
	for id in 70 71; do
		job $id '["pwd >$R/where-'$id'", "echo '$id' >mine", "while [ $(ls $R/where-* | wc -l) -lt 2 ]; do sleep 0.05; done", "test $(cat mine) = '$id' && test $(cat file) = content"]'
	done
	wait_for ended 70
	wait_for ended 71
	expect 70 success
	expect 71 success
	[ "$(sort -u where-70 where-71 | wc -l)" = 2 ] || fail "two jobs at once were in $(cat where-70)"
	[ "$(cat where-70 where-71 | sort | head -n 1)" = "$R/one/g/p" ] || fail "the first of two was not in $R/one/g/p: $(cat where-7*)"
}

make_driver
make_repository
start
passes
fails_by_itself
fails_everywhere
canceled
supervisor_dies
runner_dies
refuses
together
