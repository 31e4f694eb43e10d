#!/bin/bash
# Jobs in containers of their image: from a folder and from a registry, by crun and by runc,
# as root and as an ordinary user; what the image says of user, entrypoint and environment;
# what a job must not be able to do; and that nothing is left of it.
# shellcheck disable=SC2016,SC2154 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/both-users.sh"
. "$SRC/tests/busybox.sh"
. "$SRC/tests/registry.sh"
trap registry_stop EXIT

if ! type -P crun >/dev/null || ! type -P runc >/dev/null; then
	echo "skipped: crun and runc are not both installed"
	exit 77
fi

passes() {
	(cd repo && as_who timeout 60 pawl run "$@") >"$log" 2>&1 || bad "$*: ended with $?"
}
fails() {
	(cd repo && as_who timeout 60 pawl run "$@") >"$log" 2>&1 && bad "$*: passed"
}
says() { grep -qE -- "$1" "$log" || bad "not there: $1"; }

# ---- images: busybox, a user, an entrypoint --------------------------------------------

busybox_root base
mkdir -p base/home/ann entry/bin
printf 'root:x:0:0::/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n' >base/etc/passwd
printf 'root:x:0:\nstaff:x:1001:\nextra:x:1002:bob,ann\n' >base/etc/group
chown -R 1000:1001 base/home/ann 2>/dev/null
printf '#!/bin/sh\nexport FROM_ENTRY="yes, of $CI_JOB_NAME with $MINE in $(cat "$FILE")"\nMINE=changed exec "$@"\n' >entry/bin/entry
chmod 755 entry/bin/entry
# what a layer may hold and a container must not open: a disk
[ "$(id -u)" = 0 ] && mknod base/disk b 8 0
# bsdtar or tar, whatever python does: oci_image.py takes folders
python3 "$SRC/tests/e2e/oci_image.py" plain.oci --config '{"Env": ["PATH=/bin", "FROM_IMAGE=yes"]}' base
python3 "$SRC/tests/e2e/oci_image.py" user.oci --config '{"Env": ["PATH=/bin"], "User": "ann"}' base
python3 "$SRC/tests/e2e/oci_image.py" entry.oci \
    --config '{"Env": ["PATH=/bin"], "Entrypoint": ["entry"]}' base entry
chmod -R a+rX .
chmod a+x "$(dirname "$PWD")"
images=$PWD
registry_start plain
registry_push "$registry/team/app:1" --config '{"Env": ["PATH=/bin"]}' base

# ---- what a job sees ---------------------------------------------------------------------

hostile() {
	cat <<'END'
may_not() { if "$@" >/dev/null 2>&1; then echo "could: $*"; exit 1; fi; }
may_not test -e "$OUTSIDE"
may_not mount -t tmpfs none /mnt
may_not mount -o bind / /tmp
may_not mknod "$PWD/disk" b 8 0
may_not mknod /dev/disk b 8 0
may_not head -c 1 /disk
may_not sh -c 'echo 1 >/proc/sys/kernel/panic'
may_not sh -c 'echo b >/proc/sysrq-trigger'
may_not sh -c 'echo 1 >/sys/kernel/mm/ksm/run'
may_not test -s /proc/kcore
may_not cat /proc/1/environ
may_not readlink /proc/1/fd/3
may_not unshare -U true
may_not unshare -m true
may_not dmesg
may_not chroot /proc/1/root true
[ "$(ls -d /proc/[0-9]* | wc -l)" -lt 12 ]
kill -9 1; sleep 0.1; kill -0 1
END
}

plain_jobs() {
	{
		cat <<-END
		default:
		  image: oci:$images/plain.oci
		END
		cat <<-'END'
		build:
		  variables:
		    F: {value: content}
		  script:
		    - 'echo "at $PWD as $(id -u), image $FROM_IMAGE, home $HOME"'
		    - test "$CI_PROJECT_DIR" = "$PWD" && test -w . && touch made /etc/written /usr-like
		    - 'test "$(cat /proc/1/comm)" = pawl-init'
		    - echo LATER=1 >>"$GITLAB_ENV"
		    - sleep $SECONDS_OF_MINE & echo $! >pid
		  after_script:
		    - test -e /etc/written && test "$LATER" = 1 && kill -0 "$(cat pid)" && echo same place
		  artifacts: {paths: [made]}
		use:
		  stage: deploy
		  script: [test -e made, test ! -e /etc/written]
		escape:
		  script:
		    - |
		END
		hostile | sed 's/^/      /'
	} | repository
	passes -v "OUTSIDE=$HOME" -v "SECONDS_OF_MINE=$((314000000 + $$))"
	says "at /builds/repo as 0, image yes, home /root"
	says "same place"
	if pgrep -f "^sleep $((314000000 + $$))" >/dev/null; then bad "a process is left"; fi
}

images_say() {
	repository <<-END
	entry:
	  image: oci:$images/entry.oci
	  variables: {MINE: of the job}
	  script:
	    - 'echo entry=\$FROM_ENTRY, \$MINE'
	    - if cat /proc/1/environ >/dev/null 2>&1; then echo what it was told lies open; exit 1; fi
	away:
	  image: {name: "oci:$images/entry.oci", entrypoint: [nowhere, x]}
	  script: [echo never]
	  allow_failure: true
	none:
	  image: {name: "oci:$images/entry.oci", entrypoint: [""]}
	  script: ['echo none=\$FROM_ENTRY.']
	fetched:
	  image: $registry/team/app:1
	  script: [echo fetched]
	pipe:
	  image: oci:$images/plain.oci
	  script: ['false | true']
	  allow_failure: true
	missing:
	  image: $registry/team/other:1
	  script: [echo never]
	  allow_failure: true
	END
	printf 'FILE: {value: a file, file: true}\n' >variables.yml
	passes --variables "$PWD/variables.yml"
	says 'entry=yes, of entry with of the job in a file, of the job$'
	says 'away *| cannot start the entrypoint of the image, nowhere: No such file'
	says 'none=\.$'
	says 'fetched$'
	says 'missing .* failed .*team.other'
	says 'pipe .* failed .*exit code 1'
	(cd repo && as_who pawl run --json missing) 2>&1 | grep -q image_pull_failure ||
	    bad "a missing image is not named as the reason"
	(cd repo && as_who pawl run --json fetched) 2>&1 | grep -qE '"image_digest":"sha256:[0-9a-f]{64}"' ||
	    bad "which image it was is not told"
}

# Whoever tells an entrypoint the job's variables is not in the way of what says more.
entrypoint_fails() {
	repository <<-END
	job: {image: "oci:$images/entry.oci", script: [echo never]}
	END
	printf '#!/bin/sh\nexit 3\n' >runtime
	chmod 755 runtime
	(cd repo && PAWL_OCI_RUNTIME=$PWD/../runtime as_who taskset -c 0 timeout 60 pawl run) >"$log" 2>&1 && bad 'passed'
	says 'runtime could not start the job: exit code 3'
	printf 'LARGE: %0140000d\n' 0 >variables.yml
	fails --variables "$PWD/variables.yml"
	says 'cannot start the entrypoint of the image, entry: the variables are too large; one of type file has no limit'
}

# root runs the job as the image's user, and gives it the workspace; a user with one id
# alone cannot, and says so
users() {
	repository <<-END
	ann:
	  image: oci:$images/user.oci
	  script:
	    - echo LATER=1 >>"\$GITLAB_ENV"
	    - 'echo "as \$(id -u):\$(id -g) \$(id -G), home \$HOME"'
	    - touch made && echo more >>.gitlab-ci.yml && test -w . && touch "\$HOME/x"
	  after_script: ['echo later=\$LATER']
	  artifacts: {paths: [made]}
	root:
	  image: {name: "oci:$images/user.oci", docker: {user: root}}
	  script: ['echo "root is \$(id -u)"']
	nobody:
	  image: {name: "oci:$images/user.oci", docker: {user: "7:8"}}
	  script: ['echo "seven is \$(id -u):\$(id -g)"']
	END
	if [ "$("${as[@]}" id -u)" = 0 ]; then
		passes
		says 'as 1000:1001 .*1002.*, home /home/ann'
		says 'seven is 7:8'
		says 'later=1'
		says 'root is 0'
	else
		passes root
		says 'root is 0'
		fails ann
		says 'one user id alone'
	fi
}

# The machine's network, or with `network: none` a loopback of the job's own. The umask is
# the container's, and Ansible leaves out the settings of a folder anybody may write to.
network_and_umask() {
	local port listener
	listen_nearby
	repository <<-END
	job:
	  image: oci:$images/plain.oci
	  script:
	    - 'if nc 127.0.0.1 \$PORT </dev/null; then echo reached; else echo not reached; fi'
	    - nc -l -p 4711 -e echo own loopback & sleep 0.2; nc 127.0.0.1 4711 </dev/null
	    - 'grep "[[:space:]]$(uname -n)\$" /etc/hosts || echo no machine'
	    - 'echo "umask \$(umask)"; find . .. -maxdepth 1 -perm -o+w | sed "s/^/ANYBODY /"'
	END
	echo 'network: none' >settings.yml
	umask 077
	passes -v "PORT=$port"
	umask 022
	says '\| reached$'
	while read -r address name; do
		if [[ " $name " == *" $(uname -n) "* ]]; then says "\| $address.$(uname -n)$"; fi
	done < <(sed 's/#.*//; s/[[:space:]]\+/ /g' /etc/hosts)
	says '\| umask 0022$'
	if grep -F '| ANYBODY' "$log"; then bad 'anybody may write into the work folder'; fi
	passes -v "PORT=$port" --config "$PWD/settings.yml"
	says '\| not reached$'
	says '\| no machine$'
	says '\| own loopback$'
	kill "$listener"
	wait "$listener" 2>/dev/null
}

endings() {
	local run seconds=$((313000000 + $$))
	repository <<-END
	long:
	  image: oci:$images/plain.oci
	  script: [touch /tmp/x, "setsid sleep $seconds & sleep $seconds"]
	END
	(cd repo && exec "${as[@]}" pawl run) >"$log" 2>&1 &
	run=$!
	for _ in $(seq 200); do pgrep -f "^sleep $seconds" >/dev/null && break; sleep 0.05; done
	pkill -9 -P $run # the supervisor, and who forks it
	kill -9 $run 2>/dev/null
	for _ in $(seq 100); do pgrep -f "^sleep $seconds" >/dev/null || break; sleep 0.05; done
	if pgrep -fa "^sleep $seconds"; then bad "processes outlive pawl"; pkill -9 -f "^sleep $seconds$"; fi
	wait $run 2>/dev/null
	# the next run sweeps what is left of its folder
	repository <<-END
	next:
	  image: oci:$images/plain.oci
	  script: [echo next]
	END
	passes
	if find "$("${as[@]}" printenv HOME)/.cache/pawl" -path '*/jobs/*' 2>/dev/null | grep .; then
		bad "a job's files are left"
	fi
}

# crun copies itself into memory first, unless it comes from there (runtime_copy.h)
from_memory() {
	local seconds=$((312000000 + $$)) run pid=
	repository <<-END
	default: {image: "oci:$images/plain.oci"}
	before: # the supervisor of the next one is forked off
	  script: ["true"]
	job:
	  needs: [before]
	  script: [sleep $seconds]
	END
	(cd repo && exec "${as[@]}" pawl run) >"$log" 2>&1 &
	run=$!
	for _ in $(seq 200); do pgrep -f "^sleep $seconds" >/dev/null && break; sleep 0.05; done
	pid=$(pgrep -of "^sleep $seconds")
	while [ "${pid:-0}" -gt 1 ] && [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") != */crun\ --root* ]]; do
		pid=$(ps -o ppid= -p "$pid" | tr -d ' ')
	done
	[[ $(readlink "/proc/$pid/exe") == "/memfd:crun (deleted)" ]] ||
	    bad "crun was started from $(readlink "/proc/$pid/exe")"
	pkill -INT -P $run -x pawl || kill -INT $run
	wait $run
}

check() {
	for PAWL_OCI_RUNTIME in $(type -P crun) $(type -P runc); do
		export PAWL_OCI_RUNTIME
		who="${who%% by *} by $PAWL_OCI_RUNTIME"
		plain_jobs
		users
	done
	PAWL_OCI_RUNTIME=$(type -P crun) from_memory
	images_say
	entrypoint_fails
	network_and_umask
	endings
}

both_users
exit $wrong
