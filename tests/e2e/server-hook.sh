#!/bin/bash
# A repository hosted elsewhere, on plain ssh, whose pushes go on to a server: what a push
# says, what its options do, what becomes of it while the server is away or hangs, and
# what `pawl hook` leaves of the hooks and the files that are there.
# shellcheck disable=SC2016,SC2119,SC2154
set -eu
export PAWL_EXECUTOR=shell # a job waits for a file outside
# shellcheck source=tests/sshd.sh
. "$SRC/tests/sshd.sh"
# shellcheck source=tests/hosted.sh
. "$SRC/tests/hosted.sh"

api() { curl -sf -H "PRIVATE-TOKEN: $token" "$@"; }
wait_for() { # COMMAND…
	for _ in $(seq 1200); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	fail "waited in vain for $*"
}

start_server() { # PORT
	: >"$top/server.out" # what the last one said
	pawl server --data "$top/data" --listen "127.0.0.1:$1" --token-file "$top/token" -j 2 \
	    >"$top/server.out" 2>&1 &
	server=$!
	until grep -q '^pawl server: ' "$top/server.out"; do kill -0 $server || fail 'no server'; sleep 0.05; done
	url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' "$top/server.out")
	port=${url##*:}
}
stop_server() {
	kill $server
	wait $server || fail 'the server ended badly'
}
start_server 0
sshd_start
home=
clean_up() {
	kill -CONT $server 2>/dev/null || true
	kill $server "$sshd_pid" 2>/dev/null || true
	if [ -n "$home" ]; then rm -rf "$home"; fi
}
trap clean_up EXIT
token=$(cat token)
api "$url/api/v4/users/1/personal_access_tokens" --json \
    '{"name": "hook", "scopes": ["write_repository"]}' | jq -r .token >hook-token

# pipelines of a commit: their ids, or one field of the only one
pipelines() { api "$url/api/v4/projects/team%2Fapp/pipelines?sha=$1" | jq "${2:-length}" -r; }
has_pipelines() { [ "$(pipelines "$1")" = "$2" ]; }
has_status() { [ "$(pipelines "$1" '.[0].status')" = "$2" ]; }
server_has() { [ "$(git --git-dir="$top/data/repos/team/app.git" rev-parse -q --verify "$1")" = "$2" ]; }
server_lacks() { ! git --git-dir="$top/data/repos/team/app.git" rev-parse -q --verify "$1" >/dev/null; }

# ---- a repository with a history and a hook of its own
git init -q -b trunk work
cd work
cat >.gitlab-ci.yml <<'END'
compile:
  script:
    - echo "greeting $GREETING"
    - until [ "$GATED" != yes ] || [ -e "$GATE" ]; do sleep 0.05; done
END
sed -i "s,\$GATE\",$top/gate\"," .gitlab-ci.yml
git add . && commit first
git tag -a v1 -m v1
git init -q --bare -b trunk ../app.git
git push -q ../app.git trunk trunk:other v1
cat >../app.git/hooks/post-receive <<END
#!/bin/sh
cat >"$top/seen"
echo "the old hook was here"
END
chmod +x ../app.git/hooks/post-receive
cp -p ../app.git/hooks/post-receive ../old-hook
cp ../app.git/config ../old-config
origin=$ssh_url$top/app.git
git remote add origin "$origin"

# ---- what cannot be done is said, and nothing is left of it
ends 2 pawl hook
says err 'wanted install, status, sync or remove'
ends 2 pawl hook install ..
says err 'not a git repository'
ends 2 pawl hook install . --server "$url" --project team/app --token-file ../hook-token
says err 'is a clone to work in'
ends 2 pawl hook install ../app.git --project team/app --token-file ../hook-token
says err 'which server?'
ends 2 pawl hook install ../app.git --server "$url" --token-file ../hook-token
says err 'which project of'
ends 2 pawl hook install ../app.git --server "$url" --project team/app
says err 'which token of'
ends 2 pawl hook install ../app.git --server "$url" --project app --token-file ../hook-token
says err 'wanted GROUP/NAME'
echo glpat-wrong >../wrong
ends 1 pawl hook install ../app.git --server "$url" --project team/app --token-file ../wrong
says err 'Authentication failed'
ends 75 pawl hook install ../app.git --server http://127.0.0.1:1 --project team/app --token-file ../hook-token
says err 'cannot reach http://127.0.0.1:1/team/app.git'
ends 1 pawl hook status ../app.git
says out 'No hook of pawl is installed'
cmp ../app.git/hooks/post-receive ../old-hook || fail 'the hook was touched'
cmp ../app.git/config ../old-config || fail 'the settings were touched'
[ -z "$(ls -d ../app.git/pawl* 2>/dev/null)" ] || fail 'settings were left'

git init -q --bare --object-format=sha256 ../sha256.git
ends 2 pawl hook install ../sha256.git --server "$url" --project team/app --token-file ../hook-token
says err 'has sha256 for its objects'

# ---- installing: all refs are there, HEAD's branch is the default one and has a pipeline
ends 0 pawl hook install ../app.git --server "$url" --project team/app --token-file ../hook-token
says out 'pipeline #1'
says out "What is pushed to $top/app.git goes on to $url/team/app.git"
[ ! -e ../app.git/pawl.new ] || fail 'new settings were left'
[ "$(stat -c %a ../app.git/pawl/token)" = 600 ] || fail 'others can read the token'
[ "$(stat -c %a ../app.git/pawl)" = 700 ] || fail 'others can look into pawl/'
[ "$(api "$url/api/v4/projects/team%2Fapp" | jq -r .default_branch)" = trunk ] || fail 'default branch'
server_has refs/heads/other "$(git rev-parse HEAD)" || fail 'other'
server_has refs/tags/v1 "$(git rev-parse v1)" || fail 'the tag'
[ "$(pipelines "$(git rev-parse HEAD)" 'map(.status) | unique | length')" = 2 ] || fail 'only HEAD has a pipeline'
ends 0 pawl hook status ../app.git
says out 'the server has all of it: 3 branches and tags'
says out 'after the one that was there'

# twice changes nothing, from the folder itself, and with what it knows
state() { (cd ../app.git && find . -type f ! -path './pawl/lock' -printf '%p %m %s\n' | sort && cat hooks/post-receive config pawl/url pawl/token); }
state >../before
ends 0 env -C ../app.git pawl hook install
state | diff ../before - || fail 'installing twice changed something'

# ---- a push: the old hook runs, then the server answers as if it had been pushed to
commit second
push origin trunk
says push.out 'remote: the old hook was here'
says push.out "remote: pipeline #4 $url/team/app/-/pipelines/4"
says push.out 'remote:   test: compile'
grep -q "^$(git rev-parse HEAD~) $(git rev-parse HEAD) refs/heads/trunk$" ../seen || fail 'what the old hook saw'
wait_for has_status "$(git rev-parse HEAD)" success
[ "$(pipelines "$(git rev-parse HEAD)" '.[0].source')" = push ] || fail 'source'

# options
commit third
push -o ci.skip origin trunk
says push.out 'remote: pipeline #5 skipped, as asked'
commit fourth
push -o ci.variable=GREETING=hello -o ci.wait origin trunk
says push.out 'remote: pipeline 6: success'
id=$(api "$url/api/v4/projects/team%2Fapp/pipelines/6/jobs" | jq -r '.[0].id')
api "$url/api/v4/projects/team%2Fapp/jobs/$id/trace" >../out
says out 'greeting hello'

# a wrong file says so, with its line
git checkout -q -b broken
echo 'x: {scirpt: [make]}' >.gitlab-ci.yml
git commit -qam broken
push origin broken
says push.out 'remote:   .gitlab-ci.yml:1:5: error: job "x": unknown keyword'
git checkout -q trunk

# a branch that is made, rewritten, removed; a tag; several at once
git checkout -q -b topic
commit topic
push origin topic v1:refs/tags/v2
says push.out 'remote: pipeline #8'
says push.out 'remote: pipeline #9'
git commit -q --amend --allow-empty -m rewritten
push -f origin topic
server_has refs/heads/topic "$(git rev-parse HEAD)" || fail 'rewritten'
push origin :topic :v2
wait_for server_lacks refs/heads/topic
wait_for server_lacks refs/tags/v2
git checkout -q trunk
git branch -qD topic

# many at once are an import, also for the mirror
mapfile -t many < <(seq -f 'trunk:many-%g' 60)
push origin "${many[@]}"
wait_for server_has refs/heads/many-60 "$(git rev-parse HEAD)"
push origin "${many[@]/#trunk/}"
wait_for server_lacks refs/heads/many-60
server_lacks refs/heads/many-1 || fail 'not all are removed'

# pushes at the same time: each is there with its options, and nothing else is
at_once=()
for i in 1 2 3 4 5 6; do
	git checkout -q -b "at-once-$i" trunk
	commit "at once $i"
	git push -o "$( ((i % 2)) && echo ci.skip || echo ci.variable=A=b)" origin "at-once-$i" >"../at-once-$i" 2>&1 &
	at_once+=($!)
done
wait "${at_once[@]}"
for i in 1 2 3 4 5 6; do
	sha=$(git rev-parse "at-once-$i")
	wait_for has_pipelines "$sha" 1
	if ((i % 2)); then
		has_status "$sha" skipped || fail "push $i was not skipped"
	else
		wait_for has_status "$sha" success
	fi
done
git checkout -q trunk

# ---- Ctrl-C ends the waiting alone, and who waits is in nobody's way
commit waiting
setsid env --default-signal=INT git push -o ci.wait -o ci.variable=GATED=yes origin trunk >../waiting.out 2>&1 &
waiting=$!
wait_for grep -q 'compile: running' ../waiting.out
push origin trunk:beside
says push.out 'remote: pipeline #'
kill -INT -$waiting
! wait $waiting || fail 'Ctrl-C is no success'
touch ../gate
wait_for has_status "$(git rev-parse HEAD)" success

# ---- the server is away: the push is done, and its pipeline starts when it is back
stop_server
commit unseen
push origin trunk
says push.out "remote: pawl: cannot reach $url/team/app.git"
says push.out 'the pipeline starts when it is back'
git branch -q skipped
git checkout -q skipped
commit skipped
push -o ci.skip origin skipped
push origin :beside
git checkout -q trunk
ends 75 pawl hook sync ../app.git
says err "cannot reach $url/team/app.git"
ends 75 pawl hook status ../app.git
start_server "$port"
wait_for has_pipelines "$(git rev-parse HEAD)" 1
wait_for has_pipelines "$(git rev-parse skipped)" 1
has_status "$(git rev-parse skipped)" skipped || fail 'the option was lost'
wait_for server_lacks refs/heads/beside
wait_for has_status "$(git rev-parse HEAD)" success
[ -z "$(ls ../app.git/pawl/queue)" ] || fail 'the queue is not empty'

# whoever tried again is done
is_free() { flock -n "../app.git/pawl/$1" true; }
wait_for is_free next
wait_for is_free retry

# ---- a hook that did not run: status sees it, sync brings it, or the next push
commit lost
chmod -x ../app.git/hooks/post-receive
push origin trunk
says_not push.out 'remote: pipeline'
ends 1 pawl hook status ../app.git
says out 'is not executable; install it again'
chmod +x ../app.git/hooks/post-receive
ends 1 pawl hook status ../app.git
says out 'the server lacks 1 of its branches and tags'
says out 'refs/heads/trunk (moved)'
ends 0 pawl hook sync ../app.git
says out 'pipeline #'
has_pipelines "$(git rev-parse HEAD)" 1 || fail 'sync'
git --git-dir=../app.git update-ref refs/heads/quiet "$(git rev-parse HEAD)"
commit next
push origin trunk
wait_for server_has refs/heads/quiet "$(git rev-parse HEAD~)"

# ---- a server that hangs: the push ends nevertheless, and what was pushed arrives
kill -STOP $server
commit hanging
push origin trunk
says push.out 'has not answered for 20 s; what was pushed goes there in the background'
kill -CONT $server
wait_for has_pipelines "$(git rev-parse HEAD)" 1

# ---- a hook that is killed meanwhile: what it knew is brought with its options
kill_hooks() {
	local dir
	for dir in /proc/[0-9]*; do
		if [ "$(readlink "$dir/cwd")" = "$top/app.git" ] &&
		    grep -qx -e pawl-hook -e 'git.*' "$dir/comm"; then
			kill -9 "${dir##*/}" || true
		fi
	done
}
has_note() { [ -n "$(ls ../app.git/pawl/queue)" ]; }
kill -STOP $server
commit killed
timeout 120 git push -o ci.skip origin trunk >../push.out 2>&1 &
pushing=$!
wait_for has_note
kill_hooks
wait $pushing || true # that of its receive-pack, too
kill -CONT $server
server_has refs/heads/trunk "$(git rev-parse HEAD~)" || fail 'it was killed too late'
ends 0 pawl hook sync ../app.git
has_status "$(git rev-parse HEAD)" skipped || fail 'its option was lost'
! has_note || fail 'the note stays'

# ---- another default branch: the server has to be told, as it keeps the one it has
git branch -q main
push origin main
git --git-dir=../app.git symbolic-ref HEAD refs/heads/main
push origin :trunk
says push.out "remote: pawl: $url/team/app.git has refused refs/heads/trunk: [remote rejected] (deletion of the current branch prohibited)"
says_not push.out "receive.denyDeleteCurrent"
ends 1 pawl hook sync ../app.git
says err "pawl: $url/team/app.git: refs/heads/trunk: [remote rejected] (deletion of the current branch prohibited)"
api -X PUT "$url/api/v4/projects/team%2Fapp" --json '{"default_branch": "main"}' >/dev/null
ends 0 pawl hook sync ../app.git
server_lacks refs/heads/trunk || fail 'the old default branch'
push origin trunk

# ---- a token that is not good any more, and a new one
echo glpat-gone >../app.git/pawl/token
commit refused
push origin trunk
says push.out 'remote: pawl: no pipeline: Authentication failed'
ends 1 pawl hook status ../app.git
ends 1 pawl hook install ../app.git --token-file ../wrong
[ "$(cat ../app.git/pawl/token)" = glpat-gone ] || fail 'a token that is not good was kept'
ends 0 sh -c 'pawl hook install ../app.git --token-file - <../hook-token'
says out 'pipeline #'
has_pipelines "$(git rev-parse HEAD)" 1 || fail 'what the old token could not bring'
cmp ../app.git/pawl/token ../hook-token || fail 'the new token'

# ---- taken out: all is as it was, and pushes are pushes
ends 0 pawl hook remove ../app.git
cmp ../app.git/hooks/post-receive ../old-hook || fail 'the old hook is not back'
[ ! -e ../app.git/hooks/post-receive-before-pawl ] || fail 'the old hook is there twice'
! git --git-dir=../app.git config receive.advertisePushOptions || fail 'push options stay'
[ ! -e ../app.git/pawl ] || fail 'settings stay'
ends 0 pawl hook remove ../app.git
commit alone
push origin trunk
says push.out 'remote: the old hook was here'
says_not push.out pipeline

# ---- a project that has something else is not overwritten by mistake
git --git-dir=../app.git update-ref -d refs/heads/quiet
ends 1 pawl hook install ../app.git --server "$url" --project team/app --token-file ../hook-token
says err 'as its copy it would lose'
says err 'refs/heads/quiet (removed)'
server_has refs/heads/quiet "$(git --git-dir="$top/data/repos/team/app.git" rev-parse quiet)" || fail 'it is lost'
# the login is used where no token is named
ends 0 pawl login "$url" --token-file ../token
ends 0 pawl hook install ../app.git --project team/app --force
cmp ../app.git/pawl/token ../token || fail 'the token of the login'
server_lacks refs/heads/quiet || fail 'no copy'
server_has refs/heads/trunk "$(git rev-parse HEAD)" || fail 'no copy of trunk'

# ---- hooks that are not for pawl to move
new_repo() { git init -q --bare -b trunk "../$1.git"; }
install() { ends "$1" pawl hook install "../$2.git" --project "team/$2"; }
# an empty one, at an odd place, whose HEAD names no branch that will be
git init -q --bare -b other "../it's \$odd.git"
ends 0 pawl hook install "../it's \$odd.git" --project team/odd
push "../it's \$odd.git" trunk
says push.out 'remote: pipeline #1'
ends 0 pawl hook remove "../it's \$odd.git"
ends 0 pawl hook install "../it's \$odd.git" --project team/odd2
says_not out pipeline
git --git-dir="../it's \$odd.git" symbolic-ref HEAD refs/heads/trunk
ends 0 pawl hook install "../it's \$odd.git" --project team/odd3
says out 'pipeline #1'

new_repo linked
ln -s "$top/common" ../linked.git/hooks/post-receive
install 2 linked
says err "linked.git/hooks/post-receive is a link to $top/common, so pawl leaves it alone"
says err 'pawl-hook forward'
[ ! -e ../linked.git/pawl ] || fail 'half an installation'
# its owner does what the message says
printf '#!/bin/sh\ntee "%s/seen" | %s\n' "$top" "$(sed -n 's/^    \(.*forward\)$/\1/p' ../err)" >../common
chmod +x ../common
install 0 linked
push "$ssh_url$top/linked.git" trunk
says push.out 'remote: pipeline #'
grep -q refs/heads/trunk ../seen || fail 'the common hook'
ends 0 pawl hook status ../linked.git
says out 'by your own hook'
# other repositories have the common hook, and nothing to do with pawl
new_repo quiet
ln -s "$top/common" ../quiet.git/hooks/post-receive
push "$ssh_url$top/quiet.git" trunk
says_not push.out pawl

new_repo drop-in
mkdir ../drop-in.git/hooks/post-receive.d
printf '#!/bin/sh\nfor hook in "$0".d/*; do "$hook"; done\n' >../drop-in.git/hooks/post-receive
chmod +x ../drop-in.git/hooks/post-receive
install 2 drop-in
says err 'may be what runs'

# core.hooksPath: the hook of several repositories serves those it was installed for
mkdir ../hooks
for name in one two; do
	new_repo $name
	git --git-dir=../$name.git config core.hooksPath "$top/hooks"
done
install 0 one
push "$ssh_url$top/one.git" trunk
says push.out 'remote: pipeline #'
push "$ssh_url$top/two.git" trunk
says_not push.out pipeline
install 0 two
ends 0 pawl hook remove ../one.git
says out 'stays: other repositories may use it'
commit more
push "$ssh_url$top/one.git" trunk
says_not push.out pipeline
push "$ssh_url$top/two.git" trunk
says push.out 'remote: pipeline #'

# ---- root installs for the owner of a repository, as the owner
if [ "$(id -u)" = 0 ] && type setpriv >/dev/null; then
	uid=61184
	home=$(mktemp -d /tmp/pawl-hook-XXXXXX)
	mkdir "$home/bin"
	cp "$BUILD/pawl-hook" "$home/bin/"
	git clone -q --bare . "$home/its.git"
	chown -R $uid:$uid "$home"
	ends 0 env PAWL_LIBEXEC="$home/bin" pawl hook install "$home/its.git" --project team/its
	[ "$(find "$home/its.git" ! -uid $uid)" = '' ] || fail "not the owner's: $(find "$home/its.git" ! -uid $uid)"
	[ "$(stat -c %a "$home/its.git/pawl/token")" = 600 ] || fail 'others can read the token'
	as_owner() { setpriv --reuid=$uid --regid=$uid --clear-groups -- env -C "$home" HOME="$home" "$@"; }
	as_owner git clone -q its.git its
	as_owner git -C its commit -q --allow-empty -m its
	as_owner git -C its push origin trunk >"$top/push.out" 2>&1 || fail 'the push of the owner'
	says push.out 'remote: pipeline #'
	# who may push but is not the owner is told why nothing starts, and the owner can help
	as_owner git -C its commit -q --allow-empty -m another
	chmod -R go+rX "$home"
	chmod 700 "$home/its.git/pawl"
	chmod -R go+w "$home/its.git"/{objects,refs}
	chmod go+w "$home/its.git"
	mkdir "$home/other"
	printf '[safe]\n\tdirectory = *\n' >"$home/other/.gitconfig"
	timeout 60 setpriv --reuid=61185 --regid=61185 --clear-groups -- env -C "$home/its" HOME="$home/other" \
	    git push "$home/its.git" trunk >"$top/push.out" 2>&1 || fail 'the push of another'
	says push.out 'remote: pawl: no pipeline for now: cannot open'
	says push.out 'the owner of the repository can run `pawl hook sync`'
	chmod 700 "$home/its.git/pawl"
	ends 0 env PAWL_LIBEXEC="$home/bin" pawl hook sync "$home/its.git"
	says out 'pipeline #'
fi
stop_server
