#!/bin/bash
# What jobs work on: a private view of the working state at one path for all, with git in
# it, while the work tree itself stays as it is.
# shellcheck disable=SC2016 # what stands in quotes is for the jobs
set -u

wrong=0 left_out=0
log=$PWD/log
bad() {
	echo "$@"
	wrong=1
}

# everything that can be known of the files in a folder, but not when they were read
look() {
	(cd "$1" && find . -path ./.pawl -prune -o -printf '%p %y %m %s %T@ %C@ %i %n %l\n' | sort &&
	    find . -path ./.pawl -prune -o -type f -print0 | sort -z | xargs -0 cksum)
}

# pawl run, which has to pass
run() {
	pawl run >"$log" 2>&1 && return
	bad "pawl run ended with $?"
	cat "$log"
}

repository() {
	git init -q -b main "$1" && cd "$1" || exit 1
	mkdir src
	echo 'int main(void) { return 0; }' >src/main.c
	echo '*.o' >.gitignore
	ln -s src/main.c link
	git add . && git commit -qm first && git tag v1
	echo '/* changed */' >>src/main.c
	echo new >untracked
	echo ignored >ignored.o
}

# ---- the work tree is not touched, and git answers inside as it does outside ------------

repository "$PWD/plain"
cat >.gitlab-ci.yml <<'EOF'
stages: [one, two]
scribble:
  stage: one
  script:
    - pwd >paths.txt
    - git status --short | grep -v .txt >answers.txt
    - git describe --tags --dirty >>answers.txt
    - git log --format=%H >>answers.txt
    - test ! -e ignored.o
    - echo x | tee src/main.c untracked >/dev/null
    - rm -r .gitignore link && mkdir link
    - git add -A && git -c user.name=J -c user.email=j commit -qm job && git tag -f v1 && git gc -q
  artifacts: {paths: [answers.txt, paths.txt]}
again:
  stage: two
  script:
    - test "$(cat paths.txt)" = "$PWD" && test "$PWD" = "$CI_PROJECT_DIR"
    - test "$(git log --oneline | wc -l)" = 1 && test -h link && test -e .gitignore
    - 'grep -q changed src/main.c && test "$(cat untracked)" = new'
EOF
{ git status --short; git describe --tags --dirty; git log --format=%H; } >../want
for how in overlay copy; do
	export PAWL_WORKSPACE=$how
	mkdir .pawl # its coming changes the time of the folder it is in
	look . >../before
	run
	look . >../after
	diff ../before ../after || bad "the work tree was touched ($how)"
	tar -xOf .pawl/artifacts/*/artifacts.tar.zst answers.txt >../got
	diff ../want ../got || bad "git answers otherwise inside ($how)"
	rm -r .pawl
done
unset PAWL_WORKSPACE

# ---- two runs at once ------------------------------------------------------------------

cat >.gitlab-ci.yml <<'EOF'
job:
  script:
    - echo "$V" >>src/main.c
    - sleep 1
    - test "$(tail -n 1 src/main.c)" = "$V" && test "$(wc -l <src/main.c)" = 3
EOF
for v in 1 2 3; do pawl run -v V=$v >../run$v 2>&1 || touch ../failed & done
wait
test ! -e ../failed || {
	cat ../run[123]
	bad "runs at the same time disturb each other"
}

# ---- a CMake tree built in one job is tested in the next -------------------------------

if type -P cmake >/dev/null && type -P make >/dev/null; then
	cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.13)
project(p C)
enable_testing()
add_executable(main src/main.c)
add_test(NAME main COMMAND main)
EOF
	cat >.gitlab-ci.yml <<'EOF'
stages: [build, test]
build: {stage: build, script: ['cmake -S . -B build', 'cmake --build build'], artifacts: {paths: [build/]}}
test:
  stage: test
  script:
    - cmake --build build | tee log
    - '! grep -i building log'
    - (cd build && ctest)
EOF
	run
else
	echo "skipped: cmake is not installed"
	left_out=77
fi

# ---- many files ------------------------------------------------------------------------

cd .. && git init -q -b main many && cd many || exit 1
for d in $(seq 100); do
	mkdir "$d"
	for f in $(seq 100); do echo "$f" >"$d/$f"; done
done
echo 'job: {script: ["test $(cat 77/88) = 88", "git status --short >s; test ! -s s || grep -qx \"?? s\" s"]}' \
    >.gitlab-ci.yml
git add . && git commit -qm many
sleep 0.1 # what has just been written is not trusted the first time
run
touch -d '1 hour ago' 5/5
sleep 0.1
touch ../stamp
sleep 0.1
run
copied=$(find "$HOME"/.cache/pawl/many-*/snapshots/0/tree -type f -cnewer ../stamp ! -path '*/.git/*' | wc -l)
((copied <= 1)) || bad "$copied of 10,000 files were copied again, where one had changed"

exit $((wrong ? 1 : left_out))
