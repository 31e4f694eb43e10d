#!/bin/bash
# A job fills the disk that pawl keeps everything on: it fails and says why, others, the runner and
# the server go on, and so does everything once there is room.
# shellcheck disable=SC2016 # what stands in quotes is for the job's shell
set -u

if [ -z "${IN_NAMESPACE-}" ]; then
	if ! unshare -m mount -t tmpfs none . 2>/dev/null; then
		echo 'skipped: nothing may be mounted here'
		exit 77
	fi
	IN_NAMESPACE=1 exec unshare -m bash "$0"
fi
mkdir disk
mount -t tmpfs -o size=60m none disk || exit 1
export PAWL_EXECUTOR=shell
if bwrap --unshare-user --ro-bind / / true 2>/dev/null; then PAWL_EXECUTOR=sandbox; fi
wrong=0
bad() {
	echo "$*"
	cat log
	wrong=1
}

locally() {
	local HOME=$PWD/disk/home
	mkdir disk/home disk/repo
	git init -q -b main disk/repo
	cat >disk/repo/.gitlab-ci.yml <<-'END'
	fill:
	  script:
	    - sleep 0.7
	    - dd if=/dev/zero of=big bs=1M || true
	    - sleep 1
	    - head -c 100000 /dev/zero >more
	beside:
	  script:
	    - for i in 1 2 3 4 5 6 7 8 9 10; do echo "line $i"; sleep 0.2; done
	next:
	  stage: deploy
	  when: always
	  script: [echo fine >made, cat made]
	END
	git -C disk/repo add . && git -C disk/repo commit -qm one
	(cd disk/repo && timeout 100 pawl run -j2) >log 2>&1 && bad 'no job failed'
	grep -q 'fill *|.*No space left on device' log || bad 'the job does not say why'
	grep -q 'beside *| \* passed' log || bad 'the other job was hurt'
	grep -q 'next *| \* passed' log || bad 'the next job was hurt'
	find disk -size +5M | grep . && bad 'the room is not free again'
	find disk/home -path '*/jobs/*' | grep . && bad 'a folder is left'
	rm -rf disk/home disk/repo
}

locally
python3 "$SRC/tests/e2e/disk-full.py" "$BUILD" "$PWD/disk" >log 2>&1 || bad 'at a server'
exit $wrong
