#!/bin/bash
# Submodules, and large files that git-lfs fetches by HTTP with the job's token, where scripts have neither git nor
# this machine's files: in containers, pawl's own and those of an engine. And in the shell, where git is.
# shellcheck disable=SC2016,SC2154 # what stands in quotes is for the jobs; the helpers set things
set -eu
. "$SRC/tests/jobs.sh"
. "$SRC/tests/registry.sh"
. "$SRC/tests/engine.sh"
trap 'stop_all; registry_stop; end_engines' EXIT
if ! type -P git-lfs >/dev/null; then
	echo "skipped: git-lfs is not installed"
	exit 77
fi

# ---- app ▶ lib ▶ deep, each with a large file ----------------------------------------------

mkdir -p repos/team objects
python3 "$SRC/tests/e2e/git_server.py" repos objects git.port >git.out 2>git.err &
pids+=($!)
wait_for test -s git.port
git=127.0.0.1:$(cat git.port)
repository() { # NAME [SUBMODULE]
	git init -q -b main "$1"
	git -C "$1" lfs install --local >lfs.out
	git -C "$1" lfs track '*.big' >lfs.out
	echo "text of $1" >"$1/file"
	{ echo "large $1" && head -c 100000 /dev/zero; } >"$1/$1.big"
	if [ -n "${2-}" ]; then
		git -C "$1" -c protocol.file.allow=always submodule --quiet add "$R/repos/team/$2.git" "$2"
		git -C "$1" config -f .gitmodules "submodule.$2.url" "../$2.git"
	fi
	git -C "$1" add .
	git -C "$1" commit -qm one
	find "$1/.git/lfs/objects" -type f -exec cp {} objects/ \;
	git clone -q --bare "$1" "repos/team/$1.git" 2>clone.err
}
repository deep
GIT_LFS_SKIP_SMUDGE=1 repository lib deep
GIT_LFS_SKIP_SMUDGE=1 repository app lib
sha=$(git -C app rev-parse HEAD)

job() { # ID IMAGE SCRIPT-LINES-AS-JSON [VARIABLES]
	give "$1" <<-END
	{"id":$1,"token":"jt","job_info":{"name":"job$1","project_full_path":"team/app"},"runner_info":{"timeout":600},
	"git_info":{"repo_url":"http://gitlab-ci-token:jt@$git/team/app.git","ref":"main","sha":"$sha",
	"refspecs":["+refs/heads/main:refs/remotes/origin/main"],"depth":20},"image":{"name":"$2"},
	"variables":[{"key":"GIT_SUBMODULE_STRATEGY","value":"recursive"},{"key":"CI_SERVER_URL","value":"http://$git"}${4-}],
	"steps":[{"name":"script","script":$3}],"features":{"failure_reasons":["unknown_failure"]}}
	END
}
expect() { # ID STATE [TEXT]
	wait_for ended "$1"
	grep -q "\"state\": *\"$2\"" "server/got/$1.end" || fail "job $1 is not $2: $(cat "server/got/$1.end")"
	[ -z "${3-}" ] || log_has "$1" "$3" || fail "job $1: the log has no \"$3\""
}
start_server
echo glrt-x >token
machine() { # NAME SETTINGS…
	local name=$1
	shift
	printf '%s\n' "state: $R/state-$name" "concurrent: 1" "pull_policy: if-not-present" \
	    "servers: [{url: 'http://127.0.0.1:$port', token_file: $R/token}]" "$@" >"$name.yml"
	if [ -n "$runner_pid" ]; then kill_runner TERM; fi
	runner_options=(--config "$R/$name.yml")
	start_runner
}
fetched() { grep -c '^GET /lfs/' git.out || true; }
there='"grep app file","grep lib lib/file","grep deep lib/deep/file","grep -q large.app app.big","grep -q large.lib lib/lib.big","grep -q large.deep lib/deep/deep.big"'

machine shell "executor: shell"
job 1 "" "[$there,\"test -z \\\"\$(git status --porcelain --ignore-submodules=none)\\\"\",\"git -C lib/deep describe --always\"]"
expect 1 success
[ "$(fetched)" = 3 ] || fail "three large files were asked for $(fetched) times: $(cat git.out)"
job 2 "" '["head -n 1 app.big lib/lib.big | grep -c ^version.https://git-lfs","git status --porcelain","echo again >>file"]' \
    ',{"key":"GIT_LFS_SKIP_SMUDGE","value":"1"}'
expect 2 success
job 3 "" "[$there]" ',{"key":"PAWL_WORKSPACE","value":"copy"}'
expect 3 success
[ "$(fetched)" = 3 ] || fail "large files were fetched again: $(cat git.out)"

if { type -P crun || type -P runc; } >/dev/null; then
	mkdir -p small/bin
	cp "$(type -P busybox)" small/bin/
	for name in sh cat echo test grep; do ln -s busybox "small/bin/$name"; done
	chmod -R a+rX small
	registry_start plain
	registry_push "$registry/box:1" --config '{"Env": ["PATH=/bin"]}' small
	machine container "executor: container"
	job 4 "$registry/box:1" "[$there,\"echo more >>lib/deep/file && echo more >>app.big\",\"test -e lib/.git\"]"
	expect 4 success
	job 5 "$registry/box:1" "[$there,\"! grep more lib/deep/file\",\"! grep more app.big\"]"
	expect 5 success
fi
if [ "$(id -u)" = 0 ]; then make_box; fi
for engine_name in docker podman; do
	if [ "$(id -u)" != 0 ] || ! "start_$engine_name"; then continue; fi
	machine engine "executor: docker" "docker: {host: 'unix://$engine'}"
	job 6 box:1 "[$there,\"echo more >>lib/deep/file && echo more >>app.big\",\"test -e lib/.git\"]"
	expect 6 success
	job 7 box:1 "[$there]"
	expect 7 success
	break
done
[ -e server/got/7.end ] || echo "not tested: an engine; there is none"

# what the server has lost is named
rm objects/*
machine lost "executor: shell"
job 8 "" '["true"]'
expect 8 failed ".big"
