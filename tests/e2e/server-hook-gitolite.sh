#!/bin/bash
# Repositories in gitolite, over its own ssh accounts: the hook beside gitolite's, in
# gitolite's common hooks, and among its repository-specific ones.
# shellcheck disable=SC2016,SC2154
set -eu
if ! type -P gitolite >/dev/null; then
	echo 'skipped: gitolite is not installed'
	exit 77
fi
# shellcheck source=tests/sshd.sh
. "$SRC/tests/sshd.sh"
# shellcheck source=tests/hosted.sh
. "$SRC/tests/hosted.sh"

pawl server --data data --listen 127.0.0.1:0 --token-file token --no-runner >server.out 2>&1 &
server=$!
sshd_pid=
clean_up() { kill $server ${sshd_pid:+"$sshd_pid"} 2>/dev/null || true; }
trap clean_up EXIT
until grep -q '^pawl server: ' server.out; do kill -0 $server || fail 'no server'; sleep 0.05; done
url=$(sed -n 's/^pawl server: \(\S*\).*/\1/p' server.out)

# gitolite lives in the home of whoever runs it; here that is one of the test's own
export HOME=$top/gl
mkdir -p "$HOME/.ssh" ssh
ssh-keygen -q -t ed25519 -N '' -C admin -f ssh/user
cp ssh/user.pub admin.pub
gitolite setup -pk admin.pub >gitolite.out 2>&1 || fail "$(cat gitolite.out)"
cp "$HOME/.ssh/authorized_keys" ssh/authorized_keys
sed -i "s,^\( *\)# LOCAL_CODE *=> *\"\$ENV{HOME}/local\".*,\1LOCAL_CODE => \"\$ENV{HOME}/local\"\,," "$HOME/.gitolite.rc"
sed -i "s,^\( *\)# 'repo-specific-hooks'\,,\1'repo-specific-hooks'\,," "$HOME/.gitolite.rc"
mkdir -p "$HOME/local/hooks/common" "$HOME/local/hooks/repo-specific"
sshd_start "SetEnv HOME=$HOME"

git clone -q "$ssh_url/gitolite-admin" admin || fail 'gitolite-admin'
cd admin
cat >>conf/gitolite.conf <<'END'
repo beside common specific
    RW+ = admin
END
git commit -qam repositories
push origin HEAD
cd ..
git init -q -b main work
cd work
echo 'compile: {script: [make]}' >.gitlab-ci.yml
git add . && commit first

# ---- as it comes: gitolite has no post-receive of its own
install() { ends "$1" pawl hook install "$HOME/repositories/$2.git" --server "$url" --project "team/$2" --token-file "$top/token"; }
install 0 beside
push -o ci.variable=A=b "$ssh_url/beside" main
says push.out "remote: pipeline #1 $url/team/beside/-/pipelines/"
gitolite setup --hooks-only
commit second
push -o ci.skip "$ssh_url/beside" main
says push.out 'remote: pipeline #2 skipped'
[ "$(stat -c %a "$HOME/repositories/beside.git/pawl/token")" = 600 ] || fail 'others can read the token'

# ---- a common hook: for all repositories, and at work in those it was installed for
program=$BUILD/pawl-hook
printf '#!/bin/sh\nexec %s forward\n' "$program" >"$HOME/local/hooks/common/post-receive"
chmod +x "$HOME/local/hooks/common/post-receive"
gitolite setup --hooks-only
install 0 common
push "$ssh_url/common" main
says push.out 'remote: pipeline #1'
ends 0 pawl hook status "$HOME/repositories/common.git"
says out 'by your own hook'
# it took the place of the hook that was installed, and does the same
commit third
push "$ssh_url/beside" main
says push.out 'remote: pipeline #3'
push "$ssh_url/specific" main
says_not push.out pipeline

# ---- a repository-specific hook
mv "$HOME/local/hooks/common/post-receive" "$HOME/local/hooks/repo-specific/pawl"
cd ../admin
sed -i '/^repo beside/,$d' conf/gitolite.conf
cat >>conf/gitolite.conf <<'END'
repo beside common specific
    RW+ = admin
repo specific
    option hook.post-receive = pawl
END
git commit -qam 'a hook'
push origin HEAD
cd ../work
install 0 specific
commit fourth
push "$ssh_url/specific" main
says push.out 'remote: pipeline #2'

# ---- gitolite's driver without pawl's line: it is left alone, with a word
cd ../admin
printf '#!/bin/sh\ncat >/dev/null\n' >"$HOME/local/hooks/repo-specific/other"
chmod +x "$HOME/local/hooks/repo-specific/other"
sed -i 's/hook.post-receive = pawl/hook.post-receive = other/' conf/gitolite.conf
git commit -qam 'another hook'
push origin HEAD
cd ../work
ends 0 pawl hook remove "$HOME/repositories/specific.git"
install 2 specific
says err 'specific.git/hooks/post-receive is a link to'
says err "$program forward"
kill $server
wait $server || fail 'the server ended badly'
