#!/bin/bash
# What is broken, hostile or in the way: a clear error and the right exit code, in time.
set -eu

mkdir repo
cd repo
git init -q -b main
git commit -q --allow-empty -m one

bad=0
# refused NAME WANTED-TEXT [STATUS]: pawl run says so and exits with 2, pawl lint with 1 or STATUS
refused() {
	local name=$1 want=$2 lint=${3-1} command status out
	for command in run lint; do
		status=0
		out=$(timeout 60 pawl $command 2>&1) || status=$?
		if ! grep -qF -- "$want" <<<"$out"; then
			echo "$name: pawl $command does not say \"$want\" but: ${out:0:300}"
			bad=1
		fi
		case $command:$status in
		run:2 | lint:"$lint") ;;
		*)
			echo "$name: pawl $command exits with $status"
			bad=1
			;;
		esac
	done
}

printf 'a: [\n' >.gitlab-ci.yml
refused "broken YAML" ".gitlab-ci.yml:2:1: error: "

printf '%10000s' '' | tr ' ' '[' >.gitlab-ci.yml
refused "10,000 levels" "nested more than 100 levels deep"

{
	echo 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]'
	for i in 1 2 3 4 5 6 7 8 9 10 11; do
		echo "a$i: &a$i [*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1))," \
		    "*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1))]"
	done
} >.gitlab-ci.yml
refused "a billion laughs" "aliases make this file grow"

printf 'a: {extends: b, script: [x]}\nb: {extends: a, script: [x]}\n' >.gitlab-ci.yml
refused "cyclic extends" "circular dependency detected in \`extends\`: a -> b -> a"

printf 'a: {needs: [b], script: [x]}\nb: {needs: [a], script: [x]}\n' >.gitlab-ci.yml
refused "cyclic needs" "waits for itself"

printf 'include: a.yml\n' >.gitlab-ci.yml
printf 'include: a.yml\n' >a.yml
refused "cyclic includes" "include loop"
rm a.yml

head -c 100000000 /dev/zero | tr '\0' a >.gitlab-ci.yml
refused "100 MB" "larger than 2 MB"

printf 'a: "\xff\xfe"\n' >.gitlab-ci.yml
refused "invalid UTF-8" ".gitlab-ci.yml:1:5: error: byte 0xff is not valid UTF-8"

printf 'a\0b: {script: x}\n' >.gitlab-ci.yml
refused "a NUL byte" "control characters are not allowed"

: >.gitlab-ci.yml
refused "nothing" "please provide content of .gitlab-ci.yml"

rm .gitlab-ci.yml
refused "no file" ".gitlab-ci.yml" 2
mkdir .gitlab-ci.yml
refused "a folder" "is not a file"
rmdir .gitlab-ci.yml
ln -s /dev/zero .gitlab-ci.yml
refused "a device" "is not a file"
rm .gitlab-ci.yml

# a repository without commits
mkdir ../unborn
(
	cd ../unborn
	git init -q -b main
	printf 'a: {script: [x]}\n' >.gitlab-ci.yml
	status=0
	pawl run >out 2>&1 || status=$?
	[ "$status" -eq 2 ] && grep -q 'has no commit yet' out || { echo "no commit: exit $status"; cat out; exit 1; }
) || bad=1

# names no one would choose
printf 'a: {script: [ls]}\n"\\e[31m\\n": {script: [echo]}\n' >.gitlab-ci.yml
touch -- $'two\nlines' $'\xff' ' ' '-rf'
git add -A
git commit -q -m names
pawl run -j1 a >../out 2>&1 || { echo "strange file names: exit $?"; cat ../out; bad=1; }
pawl list >../out 2>&1 || { echo "strange job names: exit $?"; cat ../out; bad=1; }
if grep -q $'\e' ../out; then echo "a job name brings its escape to the terminal"; bad=1; fi

# very many jobs
{
	for ((i = 0; i < 2000; i++)); do echo "job$i: {script: [x]}"; done
} >.gitlab-ci.yml
[ "$(pawl list --names | wc -l)" -eq 2000 ] || { echo "2,000 jobs are not listed"; bad=1; }

if [ "$(id -u)" -eq 0 ]; then
	mkdir ../full
	mount -t tmpfs -o size=1m tmpfs ../full
	trap 'umount "$OLDPWD/../full" 2>/dev/null || umount ../full 2>/dev/null || true' EXIT
	(
		cd ../full
		git init -q -b main
		printf 'a: {script: ["yes | head -c 3000000"]}\n' >.gitlab-ci.yml
		git add -A
		git commit -q -m one
		# no room before a job: 2
		head -c 2000000 /dev/zero >fill 2>/dev/null || true
		status=0
		timeout 60 pawl run >"$HOME/out" 2>&1 || status=$?
		if [ "$status" -ne 2 ] || ! grep -q 'No space left on device' "$HOME/out"; then
			echo "full disk: exit $status"
			cat "$HOME/out"
			exit 1
		fi
		# no room for a job's log: the job fails, and the run with it
		rm fill
		status=0
		timeout 60 pawl run >"$HOME/out" 2>&1 || status=$?
		if [ "$status" -ne 1 ] || ! grep -q 'No space left on device' "$HOME/out"; then
			echo "full disk during a job: exit $status"
			tail -5 "$HOME/out"
			exit 1
		fi
	) || bad=1
	umount ../full
	trap - EXIT
	# an ordinary user in a repository that is not his to write
	if id nobody >/dev/null 2>&1; then
		mkdir -p ../foreign
		git init -q -b main ../foreign
		printf 'a: {script: [x]}\n' >../foreign/.gitlab-ci.yml
		git -C ../foreign add -A
		git -C ../foreign commit -q -m one
		chmod 755 .. ../foreign "$HOME" "$BUILD" 2>/dev/null || true
		status=0
		if setpriv --reuid=nobody --clear-groups test -x "$BUILD/pawl" -a -r ../foreign/.git; then
			setpriv --reuid=nobody --clear-groups env GIT_CONFIG_COUNT=1 \
			    GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \
			    pawl run -C ../foreign >../out 2>&1 || status=$?
			if [ "$status" -ne 2 ] || ! grep -q 'Permission denied\|cannot' ../out; then
				echo "unwritable folder: exit $status"
				cat ../out
				bad=1
			fi
		fi
	fi
else
	mkdir ../readonly
	git init -q -b main ../readonly
	printf 'a: {script: [x]}\n' >../readonly/.gitlab-ci.yml
	git -C ../readonly add -A
	git -C ../readonly commit -q -m one
	chmod a-w ../readonly
	status=0
	pawl run -C ../readonly >../out 2>&1 || status=$?
	chmod u+w ../readonly
	if [ "$status" -ne 2 ] || ! grep -q 'Permission denied' ../out; then
		echo "unwritable folder: exit $status"
		cat ../out
		bad=1
	fi
fi
exit $bad
