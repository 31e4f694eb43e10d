#!/bin/bash
# `pawl list --hash` in a clone prints the hash of the plan that the server stored for the
# push: with files included from here and from another project, with a project's
# variables, with variables and inputs of the push, and on a branch that is not protected.
set -eu

pawl server --data data --listen 127.0.0.1:0 --token-file token --no-runner >server.out 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
until grep -q '^pawl server: ' server.out; do kill -0 $server; sleep 0.05; done
url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' server.out)
token=$(cat token)
top=$PWD
remote() { echo "http://root:$token@${url#http://}/$1.git"; }
api() { curl -sf -H "PRIVATE-TOKEN: $token" "$@"; }
fail() { echo "FAILED: $*"; cat "$top/server.out" "$top/push.out"; exit 1; }
push() { git push "$@" >"$top/push.out" 2>&1 || fail "push $*"; }

git init -q -b main tools
(
	cd tools
	echo 'shared: {script: [shared]}' >common.yml
	git add . && git commit -qm tools
	push "$(remote team/tools)" main
)

git init -q -b main work
cd work
cat >.gitlab-ci.yml <<'END'
spec:
  inputs:
    count: {type: number, default: 2}
---
include:
  - local: /more.yml
  - {project: team/tools, file: common.yml}
variables: {COLOUR: red}
build: {script: ["make $[[ inputs.count ]]"], parallel: $[[ inputs.count ]]}
gated:
  script: [x]
  rules:
    - {if: '$GATE == "on"', when: manual, variables: {BY: "the gate $GATE"}}
    - if: $EXTRA
quiet: {script: [x], rules: [{if: '$CI_COMMIT_TITLE =~ /loud/'}]}
on main: {script: [x], rules: [{if: '$CI_COMMIT_REF_PROTECTED == "true"'}]}
END
cat >more.yml <<'END'
local one: {script: [x], environment: staging/eu, variables: {HOME_OF: $API}}
END
git add . && git commit -qm first

# same SHA of HEAD: `pawl list --hash ARGS` here and what the server has
same() {
	local what=$1 here there
	shift
	here=$(pawl list --hash --project team/tools="$top/tools" "$@") || fail "pawl list: $what"
	there=$(api "$url/api/v4/projects/team%2Fapp/pipelines/latest?ref=$(git branch --show-current)" |
		jq -r .plan_hash)
	[ ${#there} = 64 ] || fail "$what: the server has no hash: $there"
	[ "$here" = "$there" ] || fail "$what: $here here, $there there"
}

push "$(remote team/app)" main
same 'a push'
first=$(pawl list --hash --project team/tools="$top/tools")

# what the project has: in a file here
base=$url/api/v4/projects/team%2Fapp
api "$base/variables" -F key=GATE -F value=on >"$top/out"
api "$base/variables" -F key=TOKEN -F value=secret-12345 -F masked=true -F protected=true >"$top/out"
api "$base/variables" -F key=API -F value=https://x -F environment_scope='staging/*' >"$top/out"
cat >../variables.yml <<'END'
GATE: "on"
TOKEN: {value: another-12345, masked: true, protected: true}
API: {value: "https://x", environment_scope: staging/*}
END
git commit -q --allow-empty -m 'a loud one'
push "$(remote team/app)" main
same 'variables of the project' --variables ../variables.yml
[ "$(pawl list --hash --project team/tools="$top/tools")" != "$first" ] || fail 'one hash for two plans'

# what the push says
git commit -q --allow-empty -m third
push -o ci.variable=EXTRA=1 -o ci.input=count=3 "$(remote team/app)" main
same 'options of the push' --variables ../variables.yml -v EXTRA=1 -i count=3
pawl list --names --project team/tools="$top/tools" -i count=3 | grep -q '^build 3/3$' || fail 'the input'

# a branch that is not protected has no protected variables
git checkout -q -b side
git commit -q --allow-empty -m side
push "$(remote team/app)" side
same 'a branch' --variables ../variables.yml
kill $server
wait $server || fail 'the server ended badly'
