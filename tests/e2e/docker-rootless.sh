#!/bin/bash
# The executor docker with the engine an ordinary user runs for itself: rootless Podman.
# Root of a container is that user, who needs no more than its sub-ids.
# shellcheck disable=SC2016,SC2317 # what stands in quotes is for the job's shell; a trap calls
set -u
. "$SRC/tests/engine.sh"
. "$SRC/tests/both-users.sh" # repository(), bad()

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: giving a user sub-ids needs root"
	exit 77
fi
for tool in podman newuidmap busybox unshare; do
	if ! type -P $tool >/dev/null; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done

nap=$((1000000 + $$)) # nobody else's
uid=61193 who="an ordinary user"
top=$PWD as=()
here=$(mktemp -d /tmp/pawl-user-XXXXXX)
end() {
	cd "$top" || exit 1
	# the first process of the namespace takes all with it, and unshare ends with that
	for pid in "${engine_pids[@]}"; do pkill -9 -P "$pid"; done
	end_engines
	rm -rf "$here"
}
trap end EXIT

# What it is started with sees a user with sub-ids and a device for slirp4netns, and nobody
# else does. All of it ends with the one that was started.
as_engine_user='
	mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200
	for f in passwd group subuid subgid; do mount --bind "$1/etc/$f" /etc/$f || exit; done
	shift
	exec "$@"'

start_rootless() {
	make_box
	mkdir -p "$here"/{bin,etc,home,podman,run/podman,tmp,src}
	cp "$BUILD"/pawl "$BUILD"/pawl-{supervise,init,docker} "$here/bin/"
	chmod 755 "$here" "$here/bin"
	chmod 700 "$here/run"
	{ cat /etc/passwd; echo "pawl-test:x:$uid:$uid::$here/home:/bin/sh"; } >"$here/etc/passwd"
	{ cat /etc/group; echo "pawl-test:x:$uid:"; } >"$here/etc/group"
	echo "pawl-test:1000000:65536" | tee "$here/etc/subuid" >"$here/etc/subgid"
	podman_settings "$here/podman"
	chown -R $uid:$uid "$here"/{home,podman,run,tmp,src}
	if ! [ -e /etc/subuid ] || ! [ -e /etc/subgid ] || ! [ -d /dev/net ]; then
		echo "no /etc/subuid, or no /dev/net" >engine.log
		return 1
	fi
	as=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups -- env HOME="$here/home" TMPDIR="$here/tmp"
	    XDG_RUNTIME_DIR="$here/run" PATH="$here/bin:$PATH" PAWL_LIBEXEC="$here/bin")
	cd "$here/src" || exit 1
	unshare --mount --pid --fork --mount-proc --propagation slave sh -c "$as_engine_user" sh "$here" "${as[@]}" \
	    CONTAINERS_CONF="$here/podman/containers.conf" CONTAINERS_STORAGE_CONF="$here/podman/storage.conf" \
	    podman system service --time 0 "unix://$here/run/podman/podman.sock" >"$top/engine.log" 2>&1 &
	engine_pids+=($!)
	cd "$top" || exit 1
	engine_works "$here/run/podman/podman.sock"
}


# It is found by XDG_RUNTIME_DIR, no variable of Docker's is set.
runs() { (cd repo && as_who timeout 100 pawl run -x docker) >"$log" 2>&1; }

jobs() {
	repository <<-'END'
	root-of-container:
	  image: box:1
	  script:
	    - test "$(id -u)" = 0 && test "$PWD" = /builds/repo
	    - touch made && chmod 600 made && echo LATER=1 >>"$GITLAB_ENV"
	  after_script: ['test "$LATER" = 1 && echo root of its own']
	  artifacts: {paths: [made]}
	limited:
	  image: box:1
	  variables: {PAWL_MEMORY_LIMIT: 60m}
	  script: ['if busybox dd if=/dev/zero of=/dev/null bs=200M count=1; then echo no limit; fi']
	next:
	  stage: deploy
	  image: entry:1
	  script: [test -e made, 'test "$FROM_ENTRY" = entered', echo handed over]
	END
	runs || bad "ended with $?"
	grep -q 'root of its own' "$log" || bad "no after_script"
	grep -q 'handed over' "$log" || bad "no artifact"
	if grep -q 'limited.*no limit' "$log"; then
		grep -q "limited.*WARNING: the job's limits may not hold" "$log" || bad "no word about limits"
	fi
	none_left jobs
	repository <<-'END'
	another:
	  image: user:1
	  script: [echo never]
	END
	runs && bad "files nobody could remove were made"
	grep -q "the container runs as user 1000999 of this machine, whose files user $uid could not remove" "$log" ||
	    bad "not said why"
	none_left another
	if [ -n "$(find "$here/src/repo" ! -user $uid)" ]; then bad "files of another"; fi
}

killed() {
	repository <<-END
	long:
	  image: box:1
	  script: [sleep $nap]
	END
	runs &
	wait_for_it "sleep $nap"
	kill_of $! pawl pawl-supervise pawl-docker
	wait $!
	none_left "all killed"
	if pgrep -f "sleep $nap" >/dev/null; then bad "a process is left"; fi
	# its folders go with the next run in that repository
	sed -i "s/sleep $nap/echo next/" repo/.gitlab-ci.yml
	runs || bad "the next one failed"
	if [ -n "$(find /dev/shm -maxdepth 1 -name 'pawl-*' -user $uid)" ]; then bad "folders are left: $(ls -l /dev/shm)"; fi
}

if ! start_rootless; then
	echo "skipped: Podman cannot run containers of an ordinary user here:"
	tail -n 5 engine.log
	exit 77
fi
cd "$here/src" || exit 1
jobs
killed
exit $wrong
