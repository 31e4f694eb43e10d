#!/bin/bash
# Jobs where less is allowed: as an ordinary user, without mounts, without a home folder,
# on a disk that is full. Root is needed to take rights away; others see a part of it.
# shellcheck disable=SC2016 # what stands in quotes is for the bash that is started
set -u

wrong=0 left_out=0
log=$PWD/log
bad() {
	echo "$@"
	cat "$log"
	wrong=1
}

# A repository, everybody's to use.
mkdir -m 777 open house
git init -q -b main open/repo && cd open/repo || exit 1
mkdir src && echo one >src/file && git add .
cat >.gitlab-ci.yml <<'EOF'
stages: [one, two]
make:
  stage: one
  script:
    - 'echo "at $PWD as $(id -u)"'
    - test "$(git status --short)" = "" && test "$(cat src/file)" = one
    - echo two >src/file && mkdir -p out && echo made >out/file && rm .gitlab-ci.yml
    - mv src moved
  artifacts: {paths: [out, moved]}
  cache: {key: k, paths: [out]}
check:
  stage: two
  script:
    - 'echo "at $PWD"'
    - test "$(cat out/file moved/file src/file | xargs)" = 'made two one'
EOF
git add . && git commit -qm first
cd ../..
tar -cf repo.tar -C open repo

# A fresh copy of the repository for one way of running it; the current folder after.
fresh() {
	rm -rf "${TOP:=$PWD}/open/repo" "$TOP/house"
	mkdir -m 777 "$TOP/house"
	tar -xf "$TOP/repo.tar" -C "$TOP/open"
	[ "${1-}" = "" ] || chown -R "$1" "$TOP/open/repo" "$TOP/house"
	cd "$TOP/open/repo" || exit 1
}

# both jobs ran at the same path
same_path() { [ "$(grep -c "at $(sed -n 's/.*| at \([^ ]*\) as .*/\1/p' "$log")\$" "$log")" = 1 ]; }

fresh
pawl run >"$log" 2>&1 || bad "as the user who tests: ended with $?"

if [ "$(id -u)" != 0 ]; then
	echo "skipped: rights can be taken away by root alone"
	exit $((wrong ? 1 : 77))
fi
for tool in setpriv unshare; do
	if ! type -P $tool >/dev/null; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done
chmod a+rx "$PWD/../.." 2>/dev/null
user=$((62000 + $$ % 3000)) # nobody else's: it has a folder in /tmp
as_user=(setpriv --reuid="$user" --regid="$user" --clear-groups --)

# ---- an ordinary user --------------------------------------------------------------------

fresh $user:$user
if ! "${as_user[@]}" env HOME="$TOP/house" bash -c 'cd . && command -v pawl' >/dev/null 2>&1; then
	echo "skipped: other users cannot reach this build"
	exit $((wrong ? 1 : 77))
fi
"${as_user[@]}" env HOME="$TOP/house" pawl run >"$log" 2>&1 || bad "as a user: ended with $?"
grep -q " as $user" "$log" || bad "as a user: the job ran as somebody else"
if "${as_user[@]}" unshare -Um true 2>/dev/null; then
	same_path || bad "as a user: the jobs ran at different paths"
fi
nothing_left() { [ -z "$(find "$TOP/house/.cache/pawl" -path '*/jobs/*' -o -path '*/copies/*')" ]; }
nothing_left || bad "as a user: a job's files are left"

# ---- nobody may mount --------------------------------------------------------------------

fresh $user:$user
"$SRC/tests/without-mounts" "${as_user[@]}" env HOME="$TOP/house" pawl run >"$log" 2>&1
status=$?
if [ $status = 77 ]; then
	cat "$log"
	left_out=77
else
	[ $status = 0 ] || bad "without mounts: ended with $status"
	grep -q '| at .*/copies/0/repo ' "$log" || bad "without mounts: no copy was used"
	same_path || bad "without mounts: jobs one after the other ran at different paths"
	nothing_left || bad "without mounts: a job's files are left"
fi

# ---- a home folder that cannot be written ------------------------------------------------

fresh $user:$user
chown 0:0 "$TOP/house" && chmod 755 "$TOP/house"
rm -rf /tmp/pawl-$user
"${as_user[@]}" env HOME="$TOP/house" pawl run -x shell >"$log" 2>&1 || bad "without a home: ended with $?"
grep -q "at /tmp/pawl-$user/" "$log" || bad "without a home: /tmp was not used"

fresh $user:$user
chown 0:0 "$TOP/house" && chmod 755 "$TOP/house"
rm -rf /tmp/pawl-$user && mkdir -m 777 /tmp/pawl-$user
"${as_user[@]}" env HOME="$TOP/house" pawl run >"$log" 2>&1
[ $? = 2 ] || bad "a folder of somebody else in /tmp: no failure"
grep -q "/tmp/pawl-$user is not a folder of yours alone" "$log" ||
    bad "a folder of somebody else in /tmp: no clear message"
rmdir /tmp/pawl-$user

# ---- a full disk -------------------------------------------------------------------------

if unshare --mount true 2>/dev/null; then
	fresh
	mkdir "$TOP/small"
	unshare --mount bash -c '
	    mount -t tmpfs -o size=200k none "$1" && dd if=/dev/zero of=large bs=1k count=500 2>/dev/null &&
	    XDG_CACHE_HOME=$1 exec pawl run' - "$TOP/small" >"$log" 2>&1
	status=$?
	[ $status = 2 ] || [ $status = 3 ] || bad "a full disk: ended with $status"
	grep -q 'the disk is full; free some space' "$log" || bad "a full disk: no clear message"
else
	echo "skipped: a small disk cannot be mounted here"
	left_out=77
fi

exit $((wrong ? 1 : left_out))
