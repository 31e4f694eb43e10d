#!/bin/bash
# The commands against a server, as a person types them in a clone: what they show, what
# they do, what they end with, and what they say when something is wrong.
set -eu
export PAWL_EXECUTOR=shell # its jobs wait for files outside

top=$PWD
fail() {
	echo "FAILED: $*"
	for file in "$top"/out "$top"/err "$top"/server.out; do
		echo "---- $file"
		tail -n 40 "$file" || true
	done
	exit 1
}
# ends CODE COMMAND…: run it, into out and err, and hold its exit code against CODE
ends() {
	local want=$1 got=0
	shift
	timeout 60 "$@" >"$top/out" 2>"$top/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "$*: ended with $got, not $want"
}
says() { grep -qF -- "$2" "$top/$1" || fail "$1 lacks: $2"; }

start_server() { # port, "0" for any
	: >"$top/server.out"
	pawl server --data "$top/data" --listen "127.0.0.1:$1" --token-file "$top/token" -j 2 \
	    >"$top/server.out" 2>&1 &
	server=$!
	until grep -q '^pawl server: ' "$top/server.out"; do kill -0 $server; sleep 0.05; done
	url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' "$top/server.out")
}
stop_server() {
	kill $server
	wait $server || fail 'the server ended badly'
}
start_server 0
trap 'kill $server 2>/dev/null || true' EXIT
token=$(cat token)

git init -q -b main work
cd work
cat >.gitlab-ci.yml <<'END'
stages: [build, test, deploy]
compile:
  stage: build
  script:
    - echo first line
    - until [ -e "$GATE" ]; do sleep 0.05; done
    - echo last line
    - echo made >made.txt
  artifacts: {paths: [made.txt], name: 'of compile'}
unit tests: {stage: test, script: ['exit 3'], rules: [{if: $BREAK}, {when: never}]}
check: {stage: test, script: [cat made.txt, sleep 1.3]}
release: {stage: deploy, when: manual, script: ['echo released $TO']}
END
gate=$top/gate
sed -i "s,\$GATE,$gate," .gitlab-ci.yml
git add . && git commit -qm first
git remote add origin https://elsewhere.invalid/team/app.git
git remote add ci "$url/team/app.git"

# ---- who one is: nobody, a wrong token, a right one; by remote, by login, by variable
ends 2 pawl status --server "$url"
says err "there is none; log in: pawl login"
ends 2 env PAWL_TOKEN=glpat-wrong pawl status --server "$url" --project team/app
says err 'does not accept the token in PAWL_TOKEN'
echo glpat-wrong >../wrong
ends 2 pawl login "$url" --token-file ../wrong
says err 'does not accept this token'
[ ! -e "$HOME/.config/pawl/servers.json" ] || fail 'a wrong token was kept'
ends 2 pawl login "$url" --token-file ../no-such-file
ends 2 pawl login 'ftp://host'
says err 'wanted the URL of a server'
ends 2 pawl login "http://root:$token@127.0.0.1"
ends 2 pawl login "$url" # no token in /dev/null
ends 0 pawl login "$url/" --token-file ../token
[ "$(stat -c %a "$HOME/.config/pawl/servers.json")" = 600 ] || fail 'others can read the token'

# ---- nothing is there yet
ends 2 pawl status
says err 'has no project team/app'
git push -q "http://root:$token@${url#http://}/team/app.git" main:other 2>/dev/null
touch "$gate" # of that push
ends 2 pawl status --wait
says err 'has no pipeline of commit'
for _ in $(seq 200); do
	ends 0 pawl status 1 --json
	if jq -e '.status == "success"' ../out >/dev/null; then break; fi
	sleep 0.05
done
rm "$gate"

# ---- a pipeline as it runs
git push -q "http://root:$token@${url#http://}/team/app.git" main 2>/dev/null
until pawl logs compile 2>/dev/null | grep -q '^first line'; do sleep 0.05; done
ends 0 pawl status
says out "pipeline 2 of main at $(git rev-parse --short=8 HEAD), 3 jobs"
says out "$url/team/app/-/pipelines/2"
grep -Eq '^  compile +build +running' ../out || fail 'compile runs'
says out 'waits for job compile, which is running'
ends 0 pawl status --json
jq -e '.v == 1 and .id == 2 and .jobs[0].name == "compile" and .jobs[0].status == "running"' \
    ../out >/dev/null || fail '--json'

# ---- -f follows the log, also across a server that is started again meanwhile
pawl logs -f compile >"$top/followed" 2>"$top/followed.err" &
follower=$!
pawl status --wait >"$top/waited" 2>&1 &
waiter=$!
until grep -q '^first line' "$top/followed"; do kill -0 $follower; sleep 0.05; done
until grep -q 'running' "$top/waited"; do kill -0 $waiter; sleep 0.05; done
stop_server
start_server "${url##*:}"
sleep 0.5
touch "$gate"
wait $follower || fail "logs -f: $(cat "$top/followed" "$top/followed.err")"
grep -q '^last line' "$top/followed" || fail "the end is not followed: $(cat "$top/followed")"
ends 0 pawl logs compile
cmp ../out "$top/followed" || fail 'what was followed is not the log'
ends 0 pawl logs -f compile # one that is over
cmp ../out "$top/followed" || fail '-f of a job that is over'
wait $waiter || fail "status --wait of a pipeline that passes: $(cat "$top/waited")"
grep -Eq '^compile +\| \* passed in' "$top/waited" || fail "no news: $(cat "$top/waited")"
grep -q '^Pipeline passed in' "$top/waited" || fail "no verdict: $(cat "$top/waited")"

# ---- which job
ends 2 pawl logs
says err 'the log of which job?'
ends 2 pawl logs compiled
says err 'there is no job "compiled"; did you mean "compile"?'
ends 2 pawl logs 4711
ends 2 pawl status 4711
ends 2 pawl status one
id=$(pawl status --json | jq '.jobs[] | select(.name == "check") | .id')
ends 0 pawl logs "$id"
says out 'made'
pawl status --json | jq -e '.jobs[] | select(.name == "check") | .usage | .peak_bytes > 0 and .cpu_us > 0' >/dev/null ||
    fail "what a job used: $(pawl status --json)"
path=$(pawl status --json | jq -r .web_url | sed -E 's,^https?://[^/]+/(.*)/-/.*,\1,; s,/,%2F,g')
curl -sS -H "PRIVATE-TOKEN: $token" "$url/api/pawl/v1/projects/$path/jobs/$id/usage" >../usage
sed -n 1p ../usage | grep -qx 'pawl-usage 1' || fail "samples of a job: $(cat ../usage)"
awk '/^[0-9]/ { n++ } END { exit n < 1 }' ../usage || fail "no sample: $(cat ../usage)"

# ---- artifacts
ends 0 pawl artifacts
grep -Eq '^compile +[0-9]+ bytes  ' ../out || fail 'the list of artifacts'
ends 0 pawl artifacts compile -o ../made.zip
[ "$(unzip -p ../made.zip made.txt)" = made ] || fail 'the archive'
pawl artifacts compile -o - | cmp - ../made.zip || fail 'the archive on standard output'
mkdir ../here && cd ../here
ends 0 pawl artifacts -C ../work compile
[ "$(find . -type f | wc -l)" = 1 ] || fail 'the archive, by its own name'
ends 2 pawl artifacts -C ../work compile
says err 'already'
cd ../work
ends 2 pawl artifacts check -o ../none.zip
if [ -e ../none.zip ] || [ -e ../none.zip.part ]; then fail 'something was left of no artifacts'; fi

# ---- play, trigger, retry, cancel
ends 0 pawl status
says out 'to play it: pawl play release'
ends 2 pawl play
ends 2 pawl play -v 'no name' release
ends 0 pawl play -v TO='the team' release
says out 'Started release'
ends 0 pawl status --wait
ends 0 pawl logs release
says out 'released the team'
ends 1 pawl play release
says err 'cannot play release'
ends 0 pawl trigger -v BREAK=1
says out "Pipeline 3 of main: $url/team/app/-/pipelines/3"
ends 1 pawl status --wait
says out 'unit tests failed: exit code 3'
says out "pawl logs 'unit tests'"
ends 1 pawl status --wait --json 3
jq -e '.status == "failed" and (.jobs | map(select(.name == "unit tests"))[0].why == "exit code 3")' \
    ../out >/dev/null || fail '--wait --json'
ends 0 pawl retry 'unit tests'
says out 'Retried unit tests'
ends 1 pawl status --wait
ends 0 pawl retry
says out 'Retried pipeline 3'
ends 1 pawl status --wait
ends 1 pawl trigger --ref nowhere
says err 'no pipeline of nowhere was made: Reference not found'
ends 2 pawl trigger -v 'no name'
rm "$gate"
ends 0 pawl trigger
ends 0 pawl cancel compile
ends 1 pawl status --wait
says out 'canceled'
ends 0 pawl trigger
ends 0 pawl cancel
says out 'Canceled pipeline 5'
ends 1 pawl status --wait 5

# ---- a commit of one's own has none, and the branch's latest is shown instead
git commit -q --allow-empty -m second
ends 0 pawl status
says err 'has no pipeline; this is the latest of main'
ends 2 pawl status --wait

# ---- a name that would steer a terminal is spelled out; log bytes go to a pipe as they are
printf 'x: {script: ["printf %s"]}\n"evil\\e]0;title\\a": {script: ["true"]}\n' \
    "'a\\\\033[2Jb\\\\033[31mred\\\\n'" >.gitlab-ci.yml
git commit -qam evil
git push -q "http://root:$token@${url#http://}/team/app.git" main 2>/dev/null
ends 0 pawl status --wait
says out 'evil\x1b]0;title\x07'
ends 0 pawl logs x
grep -q $'^a\033\\[2Jb' ../out || fail 'log bytes in a pipe'
if command -v script >/dev/null; then
	TERM=xterm script -qec 'pawl logs x' /dev/null >../out </dev/null
	grep -q $'ab\033\\[31mred' ../out || fail 'log lines on a terminal'
fi

# ---- a server that is away
stop_server
ends 75 pawl status
says err "the server is out of reach: $url"
ends 75 pawl logs -f x
ends 75 pawl status --wait --server http://127.0.0.1:1 --project a/b
ends 2 pawl status --server http://127.0.0.1:1
says err 'say --project GROUP/NAME'
git remote remove ci
rm -r "$HOME/.config/pawl"
mkdir ../nowhere && cd ../nowhere
ends 2 pawl status
says err 'say --server URL --project GROUP/NAME'
ends 2 pawl server --url ci.example.org
says err '--url ci.example.org: wanted an address with http:// or https://'
