#!/bin/bash
# How a job of a server gets its sources, setting by setting: from the server's repositories
# on this machine and by HTTP, in an overlay and in a copy, by the shell and in the sandbox.
# shellcheck disable=SC2016 # what stands in quotes is for the jobs
set -eu
top=$PWD
server='' runner=''
# shellcheck disable=SC2317 # the trap calls it
stop() {
	for pid in $runner $server; do kill "$pid" 2>/dev/null || true; done
	wait
}
trap stop EXIT
fail() {
	echo "FAILED: $*"
	tail -n 30 "$top"/*.out
	exit 1
}

pawl server --data data --listen 127.0.0.1:0 --token-file token --no-runner >server.out 2>&1 &
server=$!
until grep -q '^pawl server: ' server.out; do kill -0 $server; sleep 0.05; done
url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' server.out)
host=${url#http://}
remote=http://root:$(cat token)@$host/team
api() { curl -sf -H "PRIVATE-TOKEN: $(cat "$top/token")" "$@"; }

# ---- projects: app ▶ lib ▶ deep, app ▶ libs/other -----------------------------------------

project() { # NAME: a repository of three commits, the last but one tagged
	git init -q -b main "$1"
	for i in 1 2 3; do
		echo "$1 $i" >"$1/file"
		git -C "$1" add .
		git -C "$1" commit -qm "$i"
		if [ $i = 2 ]; then git -C "$1" tag -am v2 v2; fi
	done
}
push() { (cd "$1" && git push -q -o ci.skip "$remote/$1.git" main --tags 2>"$top/push.out") || fail "push of $1"; }
add_submodule() { # WHERE ADDRESS PATH FROM
	git -C "$1" -c protocol.file.allow=always submodule --quiet add "$top/$4" "$3"
	git -C "$1" config -f .gitmodules "submodule.$3.url" "$2"
	git -C "$1" add .gitmodules
}
for name in deep other lib secret app; do project $name; done
add_submodule lib ../deep.git deep deep
git -C lib commit -qm 'has a submodule'
add_submodule app ../lib.git lib lib
add_submodule app "git@127.0.0.1:team/other.git" libs/other other
git -C app commit -qm 'has submodules'
git -C app submodule --quiet deinit -f --all
for name in deep other lib secret; do
	push $name
	[ $name = secret ] ||
	    api -X PUT "$url/api/v4/projects/team%2F$name" -d visibility=internal >visibility.out
done

# ---- a pipeline of jobs, each with settings of its own --------------------------------------

cat >app/.gitlab-ci.yml <<'END'
variables: {GIT_SUBMODULE_FORCE_HTTPS: "true"}
.once: &once
  rules: [{if: $SHORT, when: never}, {when: always}]
default:
  before_script:
    - test "$(git rev-parse HEAD)" = "$CI_COMMIT_SHA"
    - git log --oneline
    - 'test -z "$(git status --porcelain)" || { git status; exit 1; }'
none:
  script: ["! test -e lib/file", "! test -e libs/other/file", "git submodule status | grep -c ^-"]
normal:
  variables: {GIT_SUBMODULE_STRATEGY: normal}
  script:
    - grep 'lib 3' lib/file && grep 'other 3' libs/other/file
    - '! test -e lib/deep/file'
    - '! git submodule status | grep ^[+-]'
    - git -C lib log --oneline && git -C lib describe && test -z "$(git -C lib status --porcelain)"
    - echo x >mine && echo more >>lib/file && git status --porcelain && git diff --submodule=diff | grep '^+more'
    - git -C lib -c user.name=A -c user.email=a@b.c commit -qam mine && git submodule status | grep '^+'
untracked:
  <<: *once
  variables: {GIT_SUBMODULE_STRATEGY: recursive}
  artifacts: {untracked: true}
  script: [echo x >mine]
recursive: &recursive
  variables: {GIT_SUBMODULE_STRATEGY: recursive}
  script:
    - grep 'deep 3' lib/deep/file && git submodule status --recursive && git -C lib/deep describe
    - test -z "$(git status --porcelain --ignore-submodules=none)"
    - git submodule update --init --recursive && git submodule foreach --recursive 'git fetch -q'
copy:
  <<: *recursive
  variables: {GIT_SUBMODULE_STRATEGY: recursive, PAWL_WORKSPACE: copy}
paths:
  <<: *once
  variables: {GIT_SUBMODULE_STRATEGY: recursive, GIT_SUBMODULE_PATHS: "lib"}
  script: ["test -e lib/deep/file", "! test -e libs/other/file"]
exclude:
  <<: *once
  variables: {GIT_SUBMODULE_STRATEGY: normal, GIT_SUBMODULE_PATHS: ":(exclude)lib"}
  script: ["! test -e lib/file", "test -e libs/other/file"]
depth:
  <<: *once
  variables: {GIT_SUBMODULE_STRATEGY: normal, GIT_SUBMODULE_DEPTH: 1}
  script: ["test $(git -C libs/other rev-list --count HEAD) = 1"]
whole:
  <<: *once
  variables: {GIT_SUBMODULE_STRATEGY: normal, GIT_SUBMODULE_DEPTH: 0}
  script: ["test $(git -C libs/other rev-list --count HEAD) = 3"]
newest:
  <<: *once
  variables: {GIT_SUBMODULE_STRATEGY: normal, GIT_SUBMODULE_UPDATE_FLAGS: "--remote --jobs 2 --reference /etc"}
  before_script: []
  script: ["git submodule status | grep '^+'", "grep 'other 4' libs/other/file"]
by-hand:
  script: ["git submodule update --init --recursive", "test -e lib/deep/file", "test -e libs/other/file"]
unknown-strategy:
  <<: *once
  variables: {GIT_STRATEGY: pull}
  script: [echo never]
unknown-submodules:
  <<: *once
  variables: {GIT_SUBMODULE_STRATEGY: all}
  script: [echo never]
without:
  <<: *once
  variables: {GIT_STRATEGY: none}
  before_script: []
  script: ["test -z \"$(ls -A)\""]
empty:
  <<: *once
  variables: {GIT_STRATEGY: empty}
  before_script: []
  script: ["test -z \"$(ls -A)\""]
clone:
  <<: *once
  variables: {GIT_STRATEGY: clone, GIT_CLEAN_FLAGS: none, GIT_CLONE_EXTRA_FLAGS: --bare, GIT_FETCH_EXTRA_FLAGS: "--tags --upload-pack=/bin/false"}
  script: ["test -e file"]
# as GitLab's manual has it
no-checkout:
  variables: {GIT_STRATEGY: clone, GIT_CHECKOUT: "false"}
  before_script: []
  script:
    - git checkout -q -B main origin/main
    - git merge "$CI_COMMIT_SHA"
    - test -e file
shallow:
  variables: {GIT_DEPTH: 1}
  script: ["test $(git rev-list --count HEAD) -ge 1"]
full:
  variables: {GIT_DEPTH: 0}
  script: ["test $(git rev-list --count HEAD) -gt 5", "! git rev-parse --is-shallow-repository | grep true", "git describe | grep v2-"]
END
git -C app add .
git -C app commit -qm 'has a pipeline'
git -C app submodule --quiet deinit -f --all
echo 'other 4' >other/file
git -C other commit -qam 4
push other

# ---- by each way ----------------------------------------------------------------------------

fails=' unreachable private unknown-strategy unknown-submodules '
round() { # NAME EXECUTOR [ARGUMENTS OF THE RUNNER…]
	local name=$1 by=$2 id states job state want
	local -a options=()
	shift 2
	[ "$name" = http ] || options=(-o ci.variable=SHORT=1)
	pawl-runner run --url "$url" --token-file runner-token --executor "$by" --concurrent "${concurrent-2}" \
	    --state "$top/state-$name" "$@" >"runner-$name.out" 2>&1 &
	runner=$!
	git -C app commit -q --allow-empty -m "$name"
	git -C app push -q "${options[@]}" "$remote/app.git" main --tags 2>push.out || fail "push of app: $(cat push.out)"
	id=$(api "$url/api/v4/projects/team%2Fapp/pipelines" | jq '.[0].id')
	for ((i = 0; i < 900; i++)); do
		states=$(api "$url/api/v4/projects/team%2Fapp/pipelines/$id/jobs?per_page=100" |
		    jq -r '.[] | "\(.id) \(.name) \(.status)"')
		case $states in *created* | *pending* | *running*) sleep 0.1 ;; *) break ;; esac
	done
	mkdir -p "$name"
	while read -r job title state; do
		if [ "$title" = untracked ]; then
			api "$url/api/v4/projects/team%2Fapp/jobs/$job/artifacts" >"$name.zip"
		fi
		api "$url/api/v4/projects/team%2Fapp/jobs/$job/trace" >"$name/$title"
		want=success
		case $fails in *" $title "*) want=failed ;; esac
		[ "$state" = $want ] || fail "$name: $title is $state: $(cat "$name/$title")"
	done <<<"$states"
	[ "$(wc -l <<<"$states")" = "$jobs" ] || fail "$name: the jobs are $states"
	kill $runner
	wait $runner || true
	runner=
}
says() { grep -qF -- "$2" "$1" || fail "$1 lacks $2: $(cat "$1")"; }

api -X POST "$url/api/v4/user/runners" -d runner_type=instance_type -d run_untagged=true |
    jq -r .token >runner-token

jobs=19
round http shell
says http/unknown-strategy 'GIT_STRATEGY is "pull"; it may be one of fetch, clone, none, empty'
says http/unknown-submodules 'GIT_SUBMODULE_STRATEGY is "all"; it may be one of none, normal, recursive'
says http/newest '--reference=/etc is left out'
says http/normal "Submodule path 'lib': checked out"
# what submodules have is not untracked
[ "$(python3 -m zipfile -l http.zip | awk 'NR > 1 { print $1 }')" = mine ] ||
    fail "untracked files: $(python3 -m zipfile -l http.zip)"

jobs=8
round local auto --repos "$top/data/repos"
# made once, whoever asks: the pins are those of the first round
[ "$(find state-http/sources/*/modules -name tree -maxdepth 2 | wc -l)" -ge 5 ] || fail "no layers of submodules"

# where a driver runs scripts git makes the same there
cat >driver <<'END'
#!/bin/bash
[ "$2" = prepare_script ] || exec bash "$1"
END
chmod +x driver
cat >custom.yml <<END
custom: {run_exec: $top/driver, builds_dir: $top/elsewhere}
END
concurrent=1 # one place
round custom custom --config custom.yml
concurrent=2

# what cannot be had is named, and what to do
cat >app/.gitlab-ci.yml <<'END'
variables: {GIT_SUBMODULE_FORCE_HTTPS: "true"}
unreachable:
  variables: {GIT_SUBMODULE_STRATEGY: normal, GIT_SUBMODULE_PATHS: gone}
  script: [echo never]
left-out:
  variables: {GIT_SUBMODULE_STRATEGY: normal, GIT_SUBMODULE_PATHS: ":(exclude)gone :(exclude)secret"}
  script: [test -e lib/file, "! test -e gone/file"]
private:
  variables: {GIT_SUBMODULE_STRATEGY: normal, GIT_SUBMODULE_PATHS: secret}
  script: [echo never]
END
add_submodule app "$url/team/secret.git" secret secret
add_submodule app ../gone.git gone other
git -C app add .
git -C app commit -qm 'has a submodule nobody has'
jobs=3
round missing shell
says missing/unreachable "/team/gone.git"
says missing/unreachable 'GIT_SUBMODULE_PATHS: ":(exclude)PATH" leaves one out'
says missing/private "a job's token reads its own project and those of this server that are not private"

grep -r -l "$(cat runner-token)\|PRIVATE-TOKEN" state-http/sources && fail "a token is on the disk"
grep -rlE 'gitlab-ci-token:' state-http/sources && fail "a job's token is on the disk"
exit 0
