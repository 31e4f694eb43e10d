#!/bin/bash
# What a hostile job in a container of Docker's or Podman's engine tries (tests/escapes/);
# its image has device nodes and programs that set the user id.
# shellcheck disable=SC2154
set -u
. "$SRC/tests/engine.sh"
. "$SRC/tests/both-users.sh"
. "$SRC/tests/escapes/outside.sh"
as=()

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: starting a container engine needs root"
	exit 77
fi
trap 'end_engines; outside_clear' EXIT

mkdir -p box/bin
cp "$(type -P busybox)" box/bin/suid
chmod 4755 box/bin/suid
mknod -m 666 box/disk b 8 0
mknod -m 666 box/virtual-disk b 254 0
mknod -m 666 box/memory c 1 1
make_box

# What stays within limits of its own is no escape, and hurts nobody.
bomb() {
	repository <<-'END'
	bomb:
	  image: box:1
	  variables: {PAWL_PIDS_LIMIT: "60", PAWL_MEMORY_LIMIT: 60m}
	  script:
	    - (bomb() { bomb | bomb & }; bomb) 2>/dev/null
	    - sleep 0.5; busybox dd if=/dev/zero of=/dev/null bs=200M count=1
	beside:
	  image: box:1
	  script: [sleep 0.5, for i in $(seq 50); do true | true; done, echo not hurt]
	END
	(cd repo && timeout 100 pawl run -x docker -j2) >"$log" 2>&1 && bad 'the bomb passed'
	grep -q 'beside | not hurt' "$log" || bad 'others were hurt'
	# the engine itself may still be busy with one that was killed
	none_left bomb
}

on_engine() {
	who=$engine_name
	export DOCKER_HOST=unix://$engine
	outside_begin
	outside_repository <<-END
	  image: box:1
	variables: {OWN_SYSTEM: 1, ENGINE: 1, SOCKETS: "$engine"}
	END
	attack -x docker
	outside_end
	if ask http://engine/info | grep -q '"PidsLimit":true'; then bomb; fi
	unset DOCKER_HOST
}
for_engines docker podman
exit $wrong
