#!/bin/bash
# Submodules and large files of a work tree are in the jobs of `pawl run` as they are there,
# and git finds nothing changed: in an overlay and in a copy, by the shell and in the sandbox.
# shellcheck disable=SC2016 # what stands in quotes is for the jobs
set -eu
top=$PWD
fail() {
	echo "FAILED: $*"
	cat "$top/log"
	exit 1
}

git config --global protocol.file.allow always
for name in deep lib away; do
	git init -q -b main $name
	echo $name >$name/file
	git -C $name add .
	git -C $name commit -qm one
	git -C $name tag -am v1 v1
done
git -C lib submodule --quiet add "$top/deep" deep
git -C lib commit -qm 'a submodule'
git init -q -b main repo
cd repo
git submodule --quiet add "$top/lib" sub/lib
git submodule --quiet add "$top/away" away
git submodule --quiet update --init --recursive
large=true
if type -P git-lfs >/dev/null; then
	git lfs install --local >../log
	git lfs track '*.big' >../log
	large='test "$(cat a.big)" = large'
fi
echo large >a.big
cat >.gitlab-ci.yml <<END
job:
  variables: {GIT_SUBMODULE_STRATEGY: recursive, GIT_DEPTH: 1, GIT_CHECKOUT: "false", GIT_CLEAN_FLAGS: none}
  script:
    - test "\$(cat sub/lib/file sub/lib/deep/file | xargs)" = "lib deep"
    - '$large'
    - git status --porcelain >status; cat status; grep -vx '?? status' status && exit 1
    - test -z "\$(git -C sub/lib status --porcelain)" && git -C sub/lib/deep describe
    - git submodule status --recursive; ! git submodule status sub/lib | grep '^[+U-]'
    - git describe && test \$(git rev-list --count HEAD) = 2
    - ls -A away | wc -l
elsewhere:
  rules: [{if: \$MOUNTS}]
  variables: {GIT_CLONE_PATH: "\$CI_BUILDS_DIR/go/src/app"}
  before_script: ["echo \$CI_PROJECT_DIR in \$CI_BUILDS_DIR"]
  script:
    - test "\$PWD" = "\$CI_BUILDS_DIR/go/src/app" && test "\$CI_PROJECT_DIR" = "\$PWD"
    - test -z "\$(git status --porcelain)"
    - mkdir out && pwd >out/where
  artifacts: {paths: [out]}
unknown:
  rules: [{if: \$UNKNOWN}]
  variables: {GIT_STRATEGY: pull}
  script: [echo never]
END
git add .
git commit -qm one
git commit -q --allow-empty -m two
git tag -am v2 v2
git submodule --quiet deinit -f away 2>../log

mounts=()
if { unshare --mount true || unshare --user --mount true; } 2>/dev/null; then mounts=(-v MOUNTS=1); fi
run() { timeout 120 pawl run "${mounts[@]}" "$@" >../log 2>&1 || fail "pawl run $*"; }
run
PAWL_WORKSPACE=copy run
run -x shell
builds=$(sed -n 's/.* in \(\/.*\/builds.*\)$/\1/p' ../log | head -n 1)
[ ${#mounts[@]} = 0 ] || [ ! -e "${builds:-/}/go" ] || fail "GIT_CLONE_PATH has left folders in $builds: $(find "$builds")"
PAWL_WORKSPACE=copy run -x shell
grep -q 'the submodule away is not checked out in your work tree' ../log || fail "no warning"
grep -q '| 0$' ../log || fail "a submodule that is not checked out has files"
! timeout 60 pawl run -v MOUNTS=1 -v GIT_CLONE_PATH=/etc elsewhere >../log 2>&1 || fail "a path anywhere is taken"
grep -q 'GIT_CLONE_PATH is "/etc", which is not below CI_BUILDS_DIR' ../log || fail "no reason"
! timeout 60 pawl run -v UNKNOWN=1 unknown >../log 2>&1 || fail "an unknown strategy is taken"
grep -q 'GIT_STRATEGY is "pull"; it may be one of fetch, clone, none, empty' ../log || fail "no reason"
