#!/bin/bash
# What moves refs: many branches at once, tags, force pushes, deletions under a pipeline
# that runs, pushes one after the other without a pause, and those that are refused.
set -eu
export PAWL_EXECUTOR=shell # its jobs wait for files outside

printf 'create_on_push: false\n' >settings.yml
start() { # options of the server
	: >server.out
	pawl server --data data --listen 127.0.0.1:0 --token-file token "$@" >server.out 2>&1 &
	server=$!
	until grep -q '^pawl server: ' server.out; do kill -0 $server; sleep 0.05; done
	url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' server.out)
	remote=http://root:$(cat token)@${url#http://}/team/app.git
}
trap 'kill $server 2>/dev/null || true' EXIT
start -j 2
token=$(cat token)
top=$PWD
fail() { echo "FAILED: $*"; tail -n 40 "$top/server.out" "$top/push.out"; exit 1; }
api() { curl -sf -H "PRIVATE-TOKEN: $token" "$@"; }
base() { echo "$url/api/v4/projects/team%2Fapp"; }
says() { grep -qE -- "$1" "$top/push.out" || fail "the push lacks: $1"; }
push() { timeout 60 git push "$@" >"$top/push.out" 2>&1 || fail "push $*"; }
pipelines() { api "$(base)/pipelines?per_page=100&$1" | jq length; }

git init -q -b main work
cd work
gate=$top/gate
cat >.gitlab-ci.yml <<END
stages: [build, test]
first: {stage: build, script: ['until [ -e $gate ]; do sleep 0.1; done']}
second: {stage: test, script: ['git rev-parse HEAD >$gate.sha', 'echo tag \$CI_COMMIT_TAG']}
END
git add . && git commit -qm first
touch "$gate"
push "$remote" main

# ---- every push of a quick series is one, with what it asked for
for i in $(seq 12); do
	git commit -q --allow-empty -m "quick $i"
	if [ $((i % 2)) = 0 ]; then
		push -o ci.skip "$remote" main
		says "remote: pipeline #$((i + 1)) skipped, as asked"
	else
		push -o ci.variable=N="$i" "$remote" main
		says "remote: pipeline #$((i + 1)) http"
	fi
done
[ "$(pipelines ref=main)" = 13 ] || fail "13 pushes, $(pipelines ref=main) pipelines"
[ "$(pipelines 'ref=main&status=skipped')" = 6 ] || fail 'skipped ones'

# ---- fifty branches at once are fifty pushes, one more is an import
for i in $(seq 50); do git branch "many/$i"; done
push "$remote" 'refs/heads/many/*'
[ "$(grep -c '^remote: pipeline #' ../push.out)" = 50 ] || fail 'fifty branches'
[ "$(pipelines 'scope=branches')" = 51 ] || fail 'pipelines of fifty branches'
before=$(api "$(base)/pipelines?per_page=1" | jq '.[0].id')
for i in $(seq 51); do git branch "more/$i"; done
push "$remote" 'refs/heads/more/*'
[ "$(api "$(base)/pipelines?per_page=1" | jq '.[0].id')" = "$before" ] || fail 'an import'
says 'remote: .*51 refs at once'
more=()
for i in $(seq 51); do more+=("more/$i"); done
push --delete "$remote" "${more[@]}"

# ---- tags
git tag v1.0
git tag -a -m 'a release' v1.1
push "$remote" v1.0 v1.1
for tag in v1.0 v1.1; do
	api "$(base)/pipelines/latest?ref=$tag" | jq -e --arg sha "$(git rev-parse HEAD)" \
	    '.tag and .sha == $sha' >/dev/null || fail "pipeline of tag $tag"
done
id=$(api "$(base)/pipelines/latest?ref=v1.1" | jq .id)
for _ in $(seq 600); do
	if api "$(base)/pipelines/$id" | jq -e '.status == "success"' >/dev/null; then break; fi
	sleep 0.1
done
job=$(api "$(base)/pipelines/$id/jobs" | jq '.[] | select(.name == "second") | .id')
api "$(base)/jobs/$job/trace" | grep -q '^tag v1.1' || fail "CI_COMMIT_TAG: $(api "$(base)/jobs/$job/trace")"

# ---- a force push is a push, and leaves the commit of a pipeline that runs
rm "$gate"
git checkout -q -b forced
git commit -q --allow-empty -m 'to be lost'
lost=$(git rev-parse HEAD)
push "$remote" forced
running=$(api "$(base)/pipelines/latest?ref=forced" | jq .id)
git reset -q --hard HEAD~1
git commit -q --allow-empty -m 'instead'
! timeout 60 git push -q "$remote" forced 2>/dev/null || fail 'no force was needed'
push --force "$remote" forced
says '^remote: pipeline #'
api "$(base)/pipelines/latest?ref=forced" |
	jq -e --arg lost "$lost" '.sha != $lost and .before_sha == $lost' >/dev/null || fail 'before_sha'

# ---- a branch that is deleted, and a pipeline that goes on to its end
git checkout -q -b short
git commit -q --allow-empty -m 'short-lived'
short=$(git rev-parse HEAD)
push "$remote" short
running=$(api "$(base)/pipelines/latest?ref=short" | jq .id)
push --delete "$remote" short
git --git-dir=../data/repos/team/app.git rev-parse -q --verify refs/heads/short >/dev/null && fail 'deleted'
git --git-dir=../data/repos/team/app.git gc -q --prune=now
touch "$gate"
for _ in $(seq 600); do
	status=$(api "$(base)/pipelines/$running" | jq -r .status)
	case $status in success | failed | canceled) break ;; esac
	sleep 0.1
done
[ "$status" = success ] || fail "a pipeline without its branch: $status"
[ "$(pipelines scope=branches)" = 52 ] || fail 'a deleted branch has no pipelines in the list'
# the same commit on a branch of that name is a new push
push "$remote" "$short:refs/heads/short"
says '^remote: pipeline #'

# ---- the default branch cannot be deleted by mistake
! timeout 60 git push --delete "$remote" main >../push.out 2>&1 || fail 'the default branch went'

# ---- what a setting forbids is said to the pusher
cd ..
kill $server
wait $server || fail 'the server ended badly'
start --config settings.yml --no-runner
cd work
! timeout 60 git push "${remote/app.git/new.git}" main >../push.out 2>&1 || fail 'a project was made'
says 'there is no project team/new'
[ ! -e ../data/repos/team/new.git ] || fail 'a repository was made'
! timeout 60 git push "${remote/app.git/.hidden.git}" main >../push.out 2>&1 || fail 'a path'
push "$remote" main
kill $server
wait $server || fail 'the server ended badly'
