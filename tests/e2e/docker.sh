#!/bin/bash
# The executor docker with the engines of Docker and Podman: what a job sees, whose files
# it makes, what is said of images, and that no container is left, whoever dies.
# shellcheck disable=SC2016 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/engine.sh"
. "$SRC/tests/both-users.sh" # repository(), bad()
trap end_engines EXIT
as=()

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: starting a container engine needs root"
	exit 77
fi

runs() { (cd repo && DOCKER_HOST=unix://$engine timeout 100 pawl run -x docker) >"$log" 2>&1; }
passes() { runs || bad "ended with $?"; }
fails() { if runs; then bad "passed"; fi; }
says() { grep -qF -- "$1" "$log" || bad "not there: $1"; }
containers() { ask 'http://engine/containers/json?all=true'; }
none_left() {
	local i
	for ((i = 0; i < 200; i++)); do
		if [ "$(containers | tr -d '\n ')" = '[]' ]; then return; fi
		sleep 0.1
	done
	bad "$1: a container is left: $(containers)"
}

at_home() {
	repository <<-'END'
	build:
	  image: box:1
	  variables:
	    F: {value: content}
	  script:
	    - test "$CI_PROJECT_DIR" = "$PWD" && test "$PWD" = /builds/repo && test "$OF_IMAGE" = yes
	    - test "$PATH" = /bin && test "$HOME" = /root && test "$CI_DISPOSABLE_ENVIRONMENT" = true
	    - echo to the log >/dev/stdout; echo to stderr >&2
	    - touch made /tmp/kept
	    - echo LATER=1 >>"$GITLAB_ENV"
	    - sleep 300 & echo $! >pid
	  after_script:
	    - test -e /tmp/kept && test "$LATER" = 1 && kill -0 "$(cat pid)" && echo same place
	  artifacts: {paths: [made], when: always}
	use:
	  stage: deploy
	  image: {name: box:1, entrypoint: [""]}
	  script: [test -e made, test ! -e /tmp/kept]
	END
	passes
	says "same place"
	says "to the log"
	says "to stderr"
	none_left home
}

# Whoever the image runs as can write, and nothing is left that pawl cannot remove.
users() {
	repository <<-'END'
	of-image:
	  image: user:1
	  script: ['test "$(id -u):$(id -g)" = 1000:1001', touch made, 'echo said >/dev/stdout', 'echo X=1 >>"$GITLAB_ENV"']
	  artifacts: {paths: [made]}
	of-job:
	  image: {name: box:1, docker: {user: ann}}
	  script: ['test "$(id -un)" = ann', touch made, 'test "$HOME" = /home/ann']
	entrypoint:
	  image: entry:1
	  script: ['test "$FROM_ENTRY" = entered']
	entrypoint-of-job:
	  image: {name: box:1, entrypoint: [/bin/env, FROM_JOB=1]}
	  script: ['test "$FROM_JOB" = 1']
	END
	passes
	says said
	says "words of the entrypoint"
	none_left users
}

refuses() {
	repository <<-'END'
	no-entrypoint:
	  image: {name: box:1, entrypoint: [/bin/false]}
	  script: [echo never]
	END
	fails
	says "the container ended before the job began"
	repository <<-'END'
	missing:
	  image: {name: box:none, pull_policy: never}
	  script: [echo never]
	END
	fails
	says "the image box:none is not there, and pull_policy is never"
	repository <<-'END'
	missing:
	  image: 127.0.0.1:1/no/such:1
	  script: [echo never]
	END
	fails
	says "cannot pull 127.0.0.1:1/no/such:1"
	repository <<-'END'
	user:
	  image: {name: box:1, docker: {user: nobody-there}}
	  script: [echo never]
	END
	fails
	says "nobody-there"
	none_left refusals
}

endings() {
	repository <<-'END'
	stopped:
	  image: box:1
	  timeout: 1s
	  script: ["trap 'echo asked' TERM", "sleep 300 & wait"]
	END
	fails
	says asked
	repository <<-'END'
	fails:
	  image: box:1
	  script: ["kill -9 $$"]
	END
	fails
	says "signal 9"
	repository <<-'END'
	ended:
	  image: box:1
	  script: [echo begun, sleep 315]
	END
	runs &
	wait_for_it 'sleep 315'
	ask -X POST "http://engine/containers/$(one)/kill" >/dev/null
	wait $! && bad "a container that was killed passed"
	says "the container has ended"
	none_left endings
}

one() { containers | sed -n 's/.*"Id":"\([0-9a-f]*\)".*/\1/p'; }
# Killed by -9: pawl, the supervisor, pawl-docker, all of them; a word to the engine too late.
orphans() {
	local victims
	for victims in pawl pawl-supervise pawl-docker "pawl pawl-supervise pawl-docker"; do
		repository <<-'END'
		long:
		  image: box:1
		  script: [sleep 316]
		END
		runs &
		wait_for_it 'sleep 316'
		# shellcheck disable=SC2086 # words are wanted
		kill_of $! $victims
		wait $!
		none_left "kill -9 of $victims"
		if pgrep -f 'sleep 316' >/dev/null; then bad "kill -9 of $victims: a process is left"; fi
	done
	# one that was made and never started goes with the next job
	ask -X POST -H 'Content-Type: application/json' -d "{\"Image\":\"box:1\",\"Cmd\":[\"true\"],\"Labels\":{\"pawl.marker\":\"x\",
	    \"pawl.place\":\"/dev/shm/pawl-nobody\",\"pawl.machine\":\"$(machine)\"}}" http://engine/containers/create >/dev/null
	[ "$(containers | tr -d '\n ')" != '[]' ] || bad "no container to sweep"
	repository <<-'END'
	next:
	  image: box:1
	  script: [echo next]
	END
	passes
	none_left sweep
}
machine() { if [ -s /etc/machine-id ]; then cat /etc/machine-id; else hostname; fi; }

# An engine of root makes files that an ordinary user could not remove: said, not done.
strangers() {
	local here uid=61191
	here=$(mktemp -d /tmp/pawl-user-XXXXXX)
	mkdir "$here/bin" "$here/home"
	cp "$BUILD"/pawl "$BUILD"/pawl-{supervise,init,docker} "$here/bin/"
	chmod 755 "$here" "$here/bin"
	chown $uid:$uid "$here/home"
	chmod 666 "$engine"
	as=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups -- env PATH="$here/bin:$PATH"
	    PAWL_LIBEXEC="$here/bin" HOME="$here/home")
	cat >"$here/yml" <<-'END'
	a:
	  image: box:1
	  script: [echo never]
	END
	chmod 755 "$PWD" "$(dirname "$engine")"
	if (cd "$here/home" && as_who git init -q -b main && as_who cp ../yml .gitlab-ci.yml && as_who git add . &&
	    as_who git commit -qm one && DOCKER_HOST=unix://$engine as_who timeout 60 pawl run -x docker) >"$log" 2>&1; then
		bad "an ordinary user runs a job by an engine of root"
	fi
	says "the container runs as user 0 of this machine"
	none_left strangers
	as=()
	rm -rf "$here"
}

# An image of a registry that wants a name; the policies; a registry that has no such image.
pulls() {
	local config
	if ! type -P docker-registry skopeo htpasswd busybox python3 >/dev/null; then
		echo "not tested: pulling; docker-registry, skopeo or htpasswd is not installed"
		return
	fi
	htpasswd -Bbn ann sesame >users
	(. "$SRC/tests/registry.sh"; registry_start registry users; echo "$registry" >registry.address; wait) &
	registry_pid=$!
	for _ in $(seq 200); do [ -s registry.address ] && break; sleep 0.05; done
	registry=$(cat registry.address)
	skopeo copy -q --insecure-policy --dest-tls-verify=false --dest-creds ann:sesame docker-archive:box.tar:box:1 \
	    "docker://$registry/group/box:2" >registry.copy 2>&1 || bad "skopeo: $(cat registry.copy)"
	repository <<-END
	a:
	  image: {name: $registry/group/box:2, pull_policy: [never, always]}
	  script: [test "\$OF_IMAGE" = yes]
	END
	fails
	says "cannot pull $registry/group/box:2"
	config="{\"auths\":{\"$registry\":{\"auth\":\"$(printf ann:sesame | base64)\"}}}"
	(cd repo && DOCKER_HOST=unix://$engine timeout 100 pawl run -x docker -v DOCKER_AUTH_CONFIG="$config") >"$log" 2>&1 ||
	    bad "cannot pull with a name"
	says "Pulling $registry/group/box:2"
	kill "$registry_pid" $(pgrep -P "$registry_pid")
	wait "$registry_pid" 2>/dev/null
	sed -i 's/never, always/if-not-present/' repo/.gitlab-ci.yml
	passes # it is there
}

# An engine that never answers bothers nobody whose jobs have no image.
asked_late() {
	local silent
	python3 - <<-'END' &
	import socket
	s = socket.socket(socket.AF_UNIX)
	s.bind("silent.sock")
	s.listen()
	s.accept()
	open("asked", "w").close()
	END
	silent=$!
	for _ in $(seq 100); do [ -S silent.sock ] && break; sleep 0.05; done
	repository <<-'END'
	a: {script: [echo done]}
	END
	(cd repo && DOCKER_HOST=unix://$OLDPWD/silent.sock PAWL_OCI_RUNTIME=/none timeout 100 pawl run) >"$log" 2>&1 ||
	    bad "ended with $?"
	[ ! -e asked ] || bad "the engine was asked for a job without an image"
	(cd repo && printf 'a: {image: box:1, script: [echo]}\n' >.gitlab-ci.yml && DOCKER_HOST=unix://$OLDPWD/silent.sock \
	    PAWL_OCI_RUNTIME=/none timeout 100 pawl run) >"$log" 2>&1 && bad "passed"
	says "There can be no container here: "
	[ -e asked ] || bad "the engine was not asked"
	kill $silent 2>/dev/null
	wait $silent 2>/dev/null
}

check() {
	who=$1
	at_home
	users
	refuses
	endings
	orphans
}

who=docker
make_box
asked_late
for engine_name in docker podman; do
	if "start_$engine_name"; then
		tested=1
		check "$engine_name"
		if [ "$engine_name" = docker ]; then
			strangers
			pulls
		fi
	else
		echo "not tested: $engine_name cannot run containers here:"
		tail -n 5 engine.log
	fi
	end_engines
done
if [ -z "${tested-}" ]; then
	echo "skipped: neither Docker nor Podman can run containers here"
	exit 77
fi
exit $wrong
