#!/bin/bash
# `pawl run` within a job of `pawl run`, in a sandbox and in a container, where nothing can be
# mounted and no namespace be made: it says once that jobs run without a sandbox, works in
# copies, and passes.
# shellcheck disable=SC2016 # what stands in quotes is for the jobs
set -eu
. "$SRC/tests/busybox.sh"
fail() {
	echo "FAILED: $*"
	cat "$top/log"
	exit 1
}
top=$PWD

git init -q -b main repo
mkdir repo/inner repo/bin
cp "$BUILD/pawl" "$BUILD"/pawl-{supervise,init} repo/bin/
cat >repo/inner/ci.yml <<'END'
one:
  script:
    - echo "here is $CI_PROJECT_DIR"; git status --porcelain
    - mkdir out && echo made >out/file
  artifacts: {paths: [out]}
two:
  needs: [one]
  script: [grep made out/file, test -e "$(git rev-parse --show-toplevel)/.gitlab-ci.yml"]
END
cat >repo/.gitlab-ci.yml <<END
sandbox: &job
  script:
    - export PATH="\$PWD/bin:\$PATH" PAWL_LIBEXEC="\$PWD/bin" ASAN_OPTIONS=detect_leaks=0
    - export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@b.c
    - cp -r inner "\$HOME/repo" && cd "\$HOME/repo" && mv ci.yml .gitlab-ci.yml
    - git init -q -b main && git add . && git commit -qm one
    - pawl run >log 2>&1 || { cat log; exit 1; }
    - cat log && test "\$(grep -c 'jobs run without a sandbox' log)" = 1
    - grep -q 'here is .*/copies/' log && pawl run >log 2>&1
container:
  <<: *job
  image: oci:$top/pawl.oci
END
git -C repo add .
git -C repo commit -qm one

both=0
if bwrap --unshare-user --ro-bind / / true 2>/dev/null; then
	(cd repo && timeout 120 pawl run -x sandbox sandbox) >log 2>&1 || fail "in a sandbox"
	both=1
fi
mounts() { { unshare --mount true || unshare --user --mount true; } 2>/dev/null; }
if mounts && { type -P crun || type -P runc; } >/dev/null && type -P skopeo >/dev/null; then
	busybox_root image
	mkdir -p image/{root,usr/bin}
	rm -f image/bin/bash image/bin/sh
	cp "$(type -P bash)" image/bin/bash
	ln -s bash image/bin/sh
	cp "$(type -P git)" image/usr/bin/git
	printf 'root:x:0:0::/root:/bin/sh\n' >image/etc/passwd
	opened=$(/sbin/ldconfig -p | sed -n 's/.*lib\(archive\|git2\)\.so\.[0-9.]* .* => //p') # by dlopen()
	# shellcheck disable=SC2086 # words
	ldd repo/bin/* image/bin/bash image/usr/bin/git $opened 2>/dev/null | cat - <(printf '%s\n' $opened) | grep -o '/[^ :]*\.so[^ :]*' | sort -u |
	    while read -r lib; do cp -L --parents "$lib" image; done
	python3 "$SRC/tests/e2e/oci_image.py" pawl.oci --config '{"Env": ["PATH=/usr/bin:/bin"]}' image
	(cd repo && timeout 120 pawl run -x container container) >log 2>&1 || fail "in a container"
	both=$((both + 1))
fi
[ $both -gt 0 ] || { echo "skipped: there is neither a sandbox nor a container to be had"; exit 77; }
