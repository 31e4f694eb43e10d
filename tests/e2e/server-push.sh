#!/bin/bash
# A person's first five minutes with a server: push, and what the push says.
set -eu

pawl server --data data --listen 127.0.0.1:0 --token-file token --no-runner >server.out 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
until grep -q '^pawl server: ' server.out; do kill -0 $server; sleep 0.05; done
url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' server.out)
token=$(cat token)
remote=http://root:$token@${url#http://}/team/sub/app.git
api() { curl -sf -H "PRIVATE-TOKEN: $token" "$@"; }
top=$PWD
fail() { echo "$*"; cat "$top/server.out"; exit 1; }

end_server() {
	kill $server
	wait $server || fail 'the server ended badly'
}

git init -q -b main work
cd work
cat >.gitlab-ci.yml <<'END'
stages: [build, test]
compile: {stage: build, script: [make]}
unit: {stage: test, script: [make check]}
END
git add . && git commit -qm first

# the first push makes the project and its pipeline, and says so
git push "$remote" main >../push.out 2>&1 || fail "$(cat ../push.out)"
grep -q "remote: pipeline #1 $url/team/sub/app/-/pipelines/1" ../push.out || fail "$(cat ../push.out)"
grep -q 'remote:   build: compile' ../push.out || fail "$(cat ../push.out)"
grep -q 'remote:   test: unit' ../push.out || fail "$(cat ../push.out)"
[ "$(api "$url/api/v4/projects/team%2Fsub%2Fapp" | jq -r .default_branch)" = main ]

# who could never run it is named at once: there is no runner
grep -q 'remote:   warning: no runner can take compile: there is no runner' ../push.out ||
	fail "$(cat ../push.out)"

# the plan is the one the laptop makes
hash=$(api "$url/api/v4/projects/1/pipelines/1" | jq -r .plan_hash)
[ ${#hash} = 64 ] || fail "no plan hash: $hash"

# paths differ by more than case; a group is written as it was first; projects hold no projects
git push -q "${remote/team\/sub\/app/Team/SUB/app}" main || fail 'a path in other letters'
git push -q -o ci.skip "${remote/team\/sub\/app/TEAM/Sub/Other}" main 2>../push.out || fail "$(cat ../push.out)"
[ "$(api "$url/api/v4/projects" | jq -r '[.[].path_with_namespace] | sort | join(" ")')" = 'team/sub/Other team/sub/app' ] ||
    fail "$(api "$url/api/v4/projects")"
! git push -q "${remote/team\/sub\/app/team/sub/app/inner}" main 2>../push.out || fail 'a project in a project'

# push options: variables, and none
git commit -q --allow-empty -m second
git push -o ci.variable='GREETING=hello' "$remote" main >../push.out 2>&1
git commit -q --allow-empty -m third
git push -o ci.skip "$remote" main >../push.out 2>&1
grep -q 'remote: pipeline #3 skipped' ../push.out || fail "$(cat ../push.out)"
git commit -q --allow-empty -m 'fourth [ci skip]'
git push "$remote" main >../push.out 2>&1
grep -q 'remote: pipeline #4 skipped' ../push.out || fail "$(cat ../push.out)"
git commit -q --allow-empty -m 'wrong options'
git push -o ci.variable=1X=y -o ci.variable=NO "$remote" main >../push.out 2>&1
grep -q 'remote: pawl: -o ci.variable=1X=y is ignored: wanted ci.variable="NAME=VALUE"' ../push.out ||
	fail "$(cat ../push.out)"
git commit -q --allow-empty -m 'an input of no spec'
git push -o ci.input=COLOUR=red "$remote" main >../push.out 2>&1 || fail 'a push with a wrong input'
grep -q 'remote:   .*error: given inputs not defined in the .spec. section' ../push.out || fail "$(cat ../push.out)"
for words in '[skip ci]' '[CI-Skip]'; do
	git commit -q --allow-empty -m "not this one $words"
	git push "$remote" main >../push.out 2>&1
	grep -q 'remote: pipeline #.* skipped' ../push.out || fail "$words: $(cat ../push.out)"
done

# a warning about the file is said, and the pipeline starts all the same
cp .gitlab-ci.yml ../good.yml
echo 'unit: {stage: test, script: [make check-all]}' >>.gitlab-ci.yml
git commit -qam 'twice the same'
git push "$remote" main >../push.out 2>&1 || fail "$(cat ../push.out)"
grep -q 'remote: pipeline #' ../push.out || fail "$(cat ../push.out)"
grep -q 'remote:   \.gitlab-ci\.yml:4:1: warning: .*unit' ../push.out || fail "$(cat ../push.out)"
! grep -q '^remote: *$' ../push.out || fail "an empty line: $(cat ../push.out)"
cp ../good.yml .gitlab-ci.yml
git commit -qam 'once again'
git push -q -o ci.skip "$remote" main 2>../push.out || fail "$(cat ../push.out)"

git commit -q --allow-empty -m fifth
git push -o ci.wrong "$remote" main >../push.out 2>&1
grep -q 'remote: pawl: -o ci.wrong is ignored: known are ci.skip' ../push.out || fail "$(cat ../push.out)"

# a wrong file prints its mistakes in the push, and the pipeline shows them
git checkout -q -b broken
echo 'x: {scirpt: [make]}' >.gitlab-ci.yml
git commit -qam broken
git push "$remote" broken >../push.out 2>&1 || fail "a wrong file is no reason to refuse a push"
grep -q 'remote:   .gitlab-ci.yml:1:5: error: job "x": unknown keyword .scirpt.' ../push.out ||
	fail "$(cat ../push.out)"
api "$url/api/v4/projects/1/pipelines/latest?ref=broken" | jq -e '.status == "failed" and
    (.yaml_errors | contains("scirpt"))' >/dev/null || fail "yaml_errors"

# no file, no pipeline
git rm -q .gitlab-ci.yml && git commit -qm none
git push "$remote" broken >../push.out 2>&1
grep -q 'no pipeline: the commit has no .gitlab-ci.yml' ../push.out || fail "$(cat ../push.out)"

# pushes at the same time: each commit has one pipeline, and each pipeline its push's options
for round in 1 2 3; do
	pushing=()
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		git checkout -q -b "at-once-$round-$i" main
		git commit -q --allow-empty -m "at once $round $i"
	done
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		option=ci.variable=A=b
		if ((i % 2)); then option=ci.skip; fi
		git push -q -o $option "$remote" "at-once-$round-$i" 2>/dev/null &
		pushing+=($!)
	done
	wait "${pushing[@]}"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		want=pending
		if ((i % 2)); then want=skipped; fi
		sha=$(git rev-parse "at-once-$round-$i")
		got=$(api "$url/api/v4/projects/1/pipelines?sha=$sha" | jq -r 'map(.status) | join(" ")')
		[ "$got" = $want ] || fail "pushed at once, $round $i: \"$got\", not $want"
	done
done
git checkout -q main

# who has no token neither reads nor writes; nor does who has a wrong one
anonymous=${remote/root:$token@/}
! GIT_TERMINAL_PROMPT=0 git ls-remote "$anonymous" 2>/dev/null || fail 'read without a token'
! git push -q "${remote/$token/glpat-wrong}" main:other 2>/dev/null || fail 'pushed with a wrong token'
# pipelines' own refs are not for people
! git push -q "$remote" main:refs/pipelines/99 2>/dev/null || fail 'pushed to refs/pipelines'

# a clone has what was pushed
git clone -q "$remote" ../clone
[ "$(git -C ../clone log --format=%s -1)" = fifth ] || fail 'clone'

# a push larger than any buffer on its way arrives whole, and so does its clone
head -c 20000000 /dev/urandom >large
git add large
git commit -q -m large
git push -q "$remote" main 2>../remote || fail 'a large push'
git clone -q "$remote" ../large
cmp large ../large/large || fail 'a large clone'

# refs are the truth: what came while no server looked gets its pipeline at the next start
cd ..
end_server
(cd work && git checkout -q main && git commit -q --allow-empty -m unseen)
git --git-dir=work/.git push -q data/repos/team/sub/app.git main
: >server.out # what the last one said
pawl server --data data --listen 127.0.0.1:0 --no-runner >server.out 2>&1 &
server=$!
until grep -q '^pawl server: ' server.out; do kill -0 $server; sleep 0.05; done
url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' server.out)
sha=$(git -C work rev-parse HEAD)
for _ in $(seq 600); do
	found=$(api "$url/api/v4/projects/1/pipelines?sha=$sha" | jq length)
	if [ "$found" = 1 ]; then break; fi
	sleep 0.05
done
[ "$found" = 1 ] || fail 'no pipeline for what was pushed behind its back'
end_server
