#!/bin/bash
# `git push -o ci.wait` with the server's own runner: progress and the verdict, never more
# than five seconds of silence, and Ctrl-C leaves the pipeline running.
set -eu
export PAWL_EXECUTOR=shell # its jobs wait for files outside

pawl server --data data --listen 127.0.0.1:0 --token-file token -j 2 >server.out 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
until grep -q '^pawl server: ' server.out; do kill -0 $server; sleep 0.05; done
url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' server.out)
token=$(cat token)
remote=http://root:$token@${url#http://}/team/app.git
top=$PWD
fail() { echo "FAILED: $*"; tail -n 50 "$top/server.out" "$top/push.out"; exit 1; }
says() { grep -qE -- "$1" "$top/push.out" || fail "the push lacks: $1"; }

git init -q -b main work
cd work
git remote add ci "$remote"
commit() { cat >.gitlab-ci.yml; git add .; git commit -qm "$1"; }

# ---- it ends when the pipeline ends, and says how each job went
commit passes <<'END'
quick: {script: [echo done]}
breaks: {stage: deploy, script: [exit 3], allow_failure: true}
END
timeout 60 git push -o ci.wait "$remote" main >../push.out 2>&1 || fail 'a push that waits'
says '^remote: pipeline #1 http'
says '^remote:   quick: running'
says '^remote:   quick: success \([0-9.]+ s\)'
says '^remote:   breaks: failed, the script failed'
says '^remote: pipeline 1: success'

# ---- a verdict that is bad; the push itself went well
commit fails <<'END'
quick: {script: [exit 1]}
never: {stage: deploy, script: [x]}
END
timeout 60 git push -o ci.wait "$remote" main >../push.out 2>&1 || fail 'a push of what fails'
says '^remote: pipeline 2: failed'
! grep -q 'never: running' ../push.out || fail 'a job after one that failed'

# ---- one that waits for a person is no reason to wait
commit manual <<'END'
asked: {script: [x], when: manual, allow_failure: false}
END
timeout 60 git push -o ci.wait "$remote" main >../push.out 2>&1 || fail 'a push of what is manual'
says '^remote: pipeline 3: waits for a person'

# ---- nothing happens for a while: there is a line at least every five seconds
commit silent <<'END'
silent: {script: [sleep 12], resource_group: one}
next: {script: [echo done], resource_group: one}
END
(timeout 60 git push --progress -o ci.wait "$remote" main 2>&1 || echo "push: $?") |
	while IFS= read -r line; do echo "${EPOCHREALTIME/./} $line"; done >../stamped
cut -d' ' -f2- ../stamped >../push.out
says '^remote: pipeline 4: success'
[ "$(grep -c 'remote:   (1 running, 1 waiting; next waits: .* holds resource group one)' ../push.out)" -ge 2 ] || fail 'nothing said in 12 s'
awk '/remote: pipeline #4/ { last = $1 }
    last && $1 - last > 6500000 { print "silent for", ($1 - last) / 1e6, "s before:", $0; bad = 1 }
    last { last = $1 } END { exit bad }' ../stamped >../out || fail "$(cat ../out)"

# ---- Ctrl-C: the push ends, the pipeline goes on, and status --wait has its verdict
gate=$top/gate
commit gated <<END
gated: {script: ["until [ -e $gate ]; do sleep 0.1; done", exit 7]}
END
setsid timeout 60 git push -o ci.wait "$remote" main >../push.out 2>&1 &
push=$!
until grep -q 'gated: running' ../push.out; do kill -0 $push; sleep 0.05; done
says 'Ctrl-C leaves it running'
kill -INT -- -$push
! wait $push || fail 'an interrupted push ended well'
export PAWL_TOKEN=$token
[ "$(pawl status --json 5 | jq -r .status)" = running ] || fail 'the pipeline ended with the push'
touch "$gate"
got=0
timeout 60 pawl status --wait >../push.out 2>&1 || got=$?
[ $got = 1 ] || fail "status --wait ended with $got, not 1"
grep -q 'exit code 7' ../push.out || fail 'status does not say why'
[ "$(git ls-remote "$remote" main | cut -f1)" = "$(git rev-parse HEAD)" ] || fail 'the ref did not move'

# ---- a job that no runner can take is named at once, whatever comes before it; also while
# one waits
commit tagged <<'END'
stages: [build, test]
quick: {stage: build, script: [x], when: manual, allow_failure: false}
tagged: {script: [x], tags: [gpu]}
END
timeout 60 git push "$remote" main >../push.out 2>&1 || fail 'a push'
says 'warning: no runner can take tagged: waits for job quick, which is manual; then no online'
commit tagged <<'END'
tagged: {script: [x], tags: [gpu]}
END
timeout 60 git push -o ci.wait "$remote" main >../push.out 2>&1 &
push=$!
for _ in $(seq 200); do
	if grep -q 'tagged waits: .*gpu' ../push.out; then break; fi
	sleep 0.05
done
says 'tagged waits: .*gpu'
timeout 60 pawl cancel --pipeline 7 >../out 2>&1 || fail "pawl cancel: $(cat ../out)"
wait $push || fail 'a push whose pipeline is canceled'
says '^remote: pipeline 7: canceled'
kill $server
wait $server || fail 'the server ended badly'
