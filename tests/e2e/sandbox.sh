#!/bin/bash
# The sandbox: what a job sees of this machine, what it may do, and that nothing is left of
# it; as root and as an ordinary user.
# shellcheck disable=SC2016 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/both-users.sh"

if ! bwrap --unshare-user --ro-bind / / true 2>/dev/null; then
	echo "skipped: bubblewrap is not installed, or may not make user namespaces here"
	exit 77
fi

passes() {
	(cd repo && as_who timeout 60 pawl run -x sandbox "$@") >"$log" 2>&1 || bad "$*: ended with $?"
}
says() { grep -q -- "$1" "$log" || bad "not there: $1"; }

# Each line is one thing a job must not be able to do: it fails when one succeeds.
hostile() {
	cat <<'END'
may_not() { if "$@" >/dev/null 2>&1; then echo "could: $*"; exit 1; fi; }
may_not touch /usr/pawl-was-here
may_not touch /etc/pawl-was-here
touch "$SECRETS/mine" "$SECRETS" || true # its own /tmp
may_not cat "$SECRETS/key"
may_not ls "$OTHER_HOME"
may_not cat /etc/shadow
may_not mount -t tmpfs none /mnt
may_not mount --bind / /tmp
may_not unshare -Ur true
may_not unshare -m true
may_not chroot / true
may_not cat /proc/1/environ
may_not cat /proc/1/maps
may_not readlink /proc/1/fd/3
may_not mknod "$PWD/disk" b 8 0
may_not dmesg
may_not ls /run/docker.sock
may_not test -e "/proc/$OUTSIDE/environ"
may_not kill -0 "$OUTSIDE"
may_not python3 -c 'import fcntl, termios; fcntl.ioctl(0, termios.TIOCSTI, b"x")'
kill -9 1; sleep 0.1; kill -0 1
[ -z "$(find / -xdev -name spec.json 2>/dev/null)" ]
END
}

enclosed() {
	{
		echo 'escape:'
		echo '  script:'
		echo '    - |'
		hostile | sed 's/^/      /'
	} | repository
	as_who mkdir -p secrets && echo top | as_who tee secrets/key >/dev/null
	sleep 299 &
	passes -v "SECRETS=$PWD/secrets" -v "OTHER_HOME=$(getent passwd root | cut -d: -f6)/.ssh" -v "OUTSIDE=$!"
	kill $!
	[ "$(ls secrets)" = key ] || bad "the job wrote into a folder of this machine"
	rm -rf secrets
}

# What a job is used to: its own place, git, steps that share it, file variables.
at_home() {
	repository <<-'END'
	build:
	  variables:
	    F: {value: content}
	  script:
	    - 'echo "at $PWD as $(id -u), shm $(df --output=fstype /dev/shm | tail -n 1)"'
	    - test "$CI_PROJECT_DIR" = "$PWD" && test "$(git status --short)" = "" && git log --oneline
	    - test -w . && test -w "$HOME" && test -w /tmp && test -z "$(ls -A "$HOME")"
	    - test "$(ls -A /home /root 2>/dev/null | grep -c '[.]ssh')" = 0
	    - touch made /tmp/kept "$HOME/kept"
	    - echo LATER=1 >>"$GITLAB_ENV"
	    - sleep $SECONDS_OF_MINE & echo $! >pid
	    - 'test "$(cat /proc/1/comm)" = pawl-init'
	  after_script:
	    - test -e /tmp/kept && test -e "$HOME/kept" && test "$LATER" = 1 && kill -0 "$(cat pid)" && echo same place
	  artifacts: {paths: [made], when: always}
	use:
	  stage: deploy
	  script: [test -e made, test ! -e /tmp/kept, test ! -e "$HOME/kept"]
	END
	passes -v "SECONDS_OF_MINE=$((311000000 + $$))"
	says "same place"
	says "at /builds/repo as"
	if pgrep -f "^sleep $((311000000 + $$))" >/dev/null; then bad "a process is left"; fi
}

# A script the kernel would not take as an argument, a file that is one, many variables.
sizes() {
	{
		echo 'long:'
		echo '  variables: {F: {value: "x"}}'
		echo '  script:'
		echo '    - |'
		for i in $(seq 4000); do echo "      : a line that is there to make this script long $i"; done
		echo '      echo the end'
	} | repository
	passes
	says "the end"
}

# What is asked to go gets its time, in the sandbox, too; what does not go is ended.
endings() {
	repository <<-'END'
	stopped:
	  timeout: 1s
	  script:
	    - trap 'echo asked' TERM
	    - sleep 300 & wait
	  after_script: [echo never]
	END
	(cd repo && as_who timeout 60 pawl run -x sandbox) >"$log" 2>&1 && bad "a job over its time passed"
	says asked
	repository <<-'END'
	fails:
	  script: [kill -9 $$]
	END
	(cd repo && as_who timeout 60 pawl run -x sandbox) >"$log" 2>&1 && bad "a killed script passed"
	says "signal 9"
}

# kill -9 of everything pawl has: nothing of the job may go on.
orphans() {
	local run seconds=$((312000000 + $$))
	repository <<-END
	long:
	  script: [touch /tmp/x, "setsid sleep $seconds & sleep $seconds"]
	END
	(cd repo && exec "${as[@]}" pawl run -x sandbox) >"$log" 2>&1 &
	run=$!
	for _ in $(seq 100); do pgrep -f "^sleep $seconds" >/dev/null && break; sleep 0.05; done
	pkill -9 -P $run # the supervisor, and who forks it
	kill -9 $run 2>/dev/null
	for _ in $(seq 100); do pgrep -f "^sleep $seconds" >/dev/null || break; sleep 0.05; done
	if pgrep -fa "^sleep $seconds"; then bad "processes outlive pawl"; pkill -9 -f "^sleep $seconds$"; fi
	wait
}

# The machine's network, or with `network: none` a loopback of the job's own.
network() {
	local port listener
	listen_nearby
	repository <<-'END'
	reach:
	  script: ['if (: </dev/tcp/127.0.0.1/$PORT); then echo reached; else echo not reached; fi']
	own:
	  script:
	    - >
	      python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0));
	      socket.create_connection(s.getsockname()); print("own loopback")'
	END
	echo 'network: none' >settings.yml
	passes -v "PORT=$port"
	says '| reached$'
	passes -v "PORT=$port" --config "$PWD/settings.yml"
	says '| not reached$'
	says '| own loopback$'
	kill "$listener"
	wait "$listener"
}

# Ansible leaves out the settings of a folder that anybody may write to.
permissions() {
	local umask
	repository <<-'END'
	job:
	  script: ['echo "umask $(umask)"; find . .. -maxdepth 1 -perm -o+w -not -type l | sed "s/^/ANYBODY /"']
	END
	for umask in 0022 0077 0002; do
		umask $umask
		passes
		umask 0022
		says "umask $umask"
		if grep '| ANYBODY' "$log"; then bad "with umask $umask"; fi
	done
}

check() {
	enclosed
	network
	permissions
	at_home
	sizes
	endings
	orphans
}

both_users
exit $wrong
