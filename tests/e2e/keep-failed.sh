#!/bin/bash
# pawl run --keep-failed and pawl shell: what a failed job left can be looked at, with its
# variables, its files and its services, in every executor, until nobody wants it any more.
# shellcheck disable=SC2016,SC2154 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/tun.sh"
. "$SRC/tests/both-users.sh"
. "$SRC/tests/busybox.sh"
. "$SRC/tests/engine.sh"
trap end_engines EXIT

run() { (cd repo && as_who timeout 100 pawl run "$@") >"$log" 2>&1; }
fails() {
	local status=0
	run --keep-failed "$@" || status=$?
	[ $status = 1 ] || bad "$*: ended with $status"
}
look() { (cd repo && as_who timeout 60 pawl shell "$@") >"$log" 2>&1; }
says() { grep -qE -- "$1" "$log" || bad "not there: $1"; }
is_gone() {
	local i jobs
	for ((i = 0; i < 100; i++)); do
		jobs=$(find "$cache"/pawl/repo-*/jobs -mindepth 1 -maxdepth 1 2>/dev/null)
		if [ -z "$jobs" ]; then return; fi
		sleep 0.1
	done
	bad "$1: the folder of a job is left: $jobs"
}

# A terminal on which a shell is opened; what is typed comes from the arguments.
on_a_terminal() {
	(cd repo && as_who timeout 60 python3 - "$@") >"$log" 2>&1 <<-'END'
	import os, pty, sys
	pid, fd = pty.fork()
	if pid == 0:
	    os.environ.update(TERM="vt220")
	    os.execvp("pawl", ["pawl", "shell"])
	os.write(fd, ("\n".join(sys.argv[1:]) + "\n").encode())
	while True:
	    try:
	        chunk = os.read(fd, 65536)
	    except OSError:
	        break
	    if not chunk:
	        break
	    sys.stdout.buffer.write(chunk)
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}

# With a terminal as standard input and a pipe as output: the job gets neither.
beside_a_terminal() {
	(cd repo && as_who timeout 60 python3 - "$@") >"$log" 2>&1 <<-'END'
	import os, pty, subprocess, sys
	master, slave = pty.openpty()
	done = subprocess.run(["pawl", "shell", *sys.argv[1:]], stdin=slave, stderr=slave,
	    stdout=subprocess.PIPE, start_new_session=True)
	sys.stdout.buffer.write(done.stdout)
	sys.exit(done.returncode)
	END
}

# EXECUTOR IMAGE: what every one of them has to do
kept_in() {
	repository <<-END
	bad:
	  image: $2
	  variables: {GREETING: "hello there", KEY: {value: in a file}}
	  script:
	    - echo made >made.txt; echo in tmp >/tmp/kept-\$CI_JOB_ID-\$(id -u)
	    - "sleep 300 &"
	    - test -e nothing
	fine:
	  image: $2
	  script: [echo nothing to see]
	END
	echo first >repo/source.txt
	fails -x "$1"
	says 'look at it pawl shell bad'
	look --list
	says '^bad .*exit code 1, at test -e nothing'
	look bad -- sh -c 'cat made.txt source.txt /tmp/kept-$CI_JOB_ID-$(id -u); rm /tmp/kept-$CI_JOB_ID-$(id -u); echo "$GREETING, $CI_JOB_NAME"; test "$PWD" = "$CI_PROJECT_DIR"; echo "right place: $?"; exit 7'
	[ $? = 7 ] || bad "$1: the command's exit code did not come back"
	says '^made$'
	says '^first$'
	says '^in tmp$'
	says '^hello there, bad$'
	says '^right place: 0$'
	echo 'echo "from standard input: $GREETING"; kill -9 $$' | look bad
	[ $? = 137 ] || bad "$1: the shell's signal did not come back"
	says '^from standard input: hello there'
	look bad -- /no/such/program
	[ $? = 3 ] || bad "$1: a program that is not there"
	says 'cannot start /no/such/program'
	on_a_terminal 'stty size >size; echo "on $TERM: $((6 * 7)) ${GREETING#hello }"' 'exit 5'
	[ $? = 5 ] || bad "$1: the terminal's shell ended otherwise"
	says 'on vt220: 42 there'
	says 'It stays as it is'
	if grep -q 'job control' "$log"; then bad "$1: the terminal is not the shell's own"; fi
	# what it is made of stays, whatever runs beside it
	echo second >repo/source.txt
	run -x "$1" fine || bad "$1: fine failed"
	look bad -- sh -c 'cat source.txt; if [ -t 0 ]; then echo a terminal; fi'
	says '^first$'
	beside_a_terminal bad -- sh -c 'for i in 0 1 2; do if [ -t $i ]; then echo "terminal $i"; fi; done; echo asked'
	says '^asked'
	if grep -q '^terminal' "$log"; then bad "$1: the job has the user's terminal"; fi
	look --end bad || bad "$1: --end"
	look bad && bad "$1: it is still there"
	says 'nothing of bad is kept'
	is_gone "$1"
}

# When a job runs again, what it left goes; so it does when its supervisor is killed.
comes_and_goes() {
	local pid
	repository <<-'END'
	bad:
	  allow_failure: true
	  script: [test -e good]
	late:
	  timeout: 1s
	  script: [echo begun >begun, sleep 30]
	END
	run -x shell --keep-failed bad || bad "an allowed failure failed the run"
	says 'look at it pawl shell bad'
	touch repo/good
	run -x shell bad || bad "it does not pass"
	look --list --json
	says '^\[\]$'
	is_gone "run again"
	fails -x shell late
	look late -- cat begun
	says '^begun$'
	rm repo/good
	run -x shell --keep-failed bad || bad "an allowed failure failed the run"
	look
	[ $? = 2 ] || bad "it chose one of two"
	says 'which one'
	look -- sh -c true && bad "it took sh for a job"
	look --end || bad "--end of all"
	is_gone "end of all"
	fails -x shell late
	pid=$(look late -- sh -c 'echo $PPID'; cat "$log")
	as_who kill -9 "$pid"
	sleep 0.1
	look --list --json
	says '^\[\]$'
	run -x shell bad || bad "the next run"
	is_gone "the next run"
}

box() {
	busybox_root base
	mkdir base/www
	echo served >base/www/page
	python3 "$SRC/tests/e2e/oci_image.py" box.oci --config '{"Env": ["PATH=/bin"]}' base
	chmod -R a+rX .
	chmod a+x "$(dirname "$PWD")"
	images=$PWD
}

with_service() {
	repository <<-END
	bad:
	  image: oci:$images/box.oci
	  services: [{name: "oci:$images/box.oci", alias: web, command: [httpd, -f, -p, "80", -h, /www]}]
	  script: [test -e nothing]
	END
	fails -x container
	look bad -- sh -c 'for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://web/page && break; sleep 0.3; done'
	says '^served$'
	look --end
	is_gone "a service"
}

check() {
	cache=${as:+$PWD/../home/.cache}
	cache=${cache:-${XDG_CACHE_HOME:-$HOME/.cache}}
	kept_in shell none
	comes_and_goes
	if ! bwrap --unshare-user --ro-bind / / true 2>/dev/null; then
		echo "not shown: there is no sandbox here"
		return
	fi
	kept_in sandbox none
	if type -P crun runc >/dev/null && type -P skopeo slirp4netns >/dev/null; then
		kept_in container "oci:$images/box.oci"
		with_service
	else
		echo "not shown: no OCI runtime, skopeo or slirp4netns here"
	fi
}

box
both_users
if [ "$(id -u)" = 0 ]; then
	as=() who="root with Docker"
	cd "$images" || exit 1
	cache=${XDG_CACHE_HOME:-$HOME/.cache}
	make_box
	if start_docker overlay2; then
		export DOCKER_HOST=unix://$engine
		kept_in docker box:1
	else
		echo "not shown: dockerd does not start here"
	fi
fi
exit $wrong
