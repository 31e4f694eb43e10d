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

nap=$((1000000 + $$)) # nobody else's
runs() { (cd repo && DOCKER_HOST=unix://$engine timeout 100 pawl run -x docker) >"$log" 2>&1; }
passes() { runs || bad "ended with $?"; }
fails() { if runs; then bad "passed"; fi; }
says() { grep -qF -- "$1" "$log" || bad "not there: $1"; }

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
	of-platform:
	  image: {name: box:1, docker: {platform: linux/ARCH, user: "1000:1001"}}
	  script: ['test "$(id -u):$(id -g)" = 1000:1001', echo right machine]
	entrypoint:
	  image: entry:1
	  script: ['test "$FROM_ENTRY" = entered']
	entrypoint-of-job:
	  image: {name: box:1, entrypoint: [/bin/env, FROM_JOB=1]}
	  script: ['test "$FROM_JOB" = 1']
	END
	sed -i "s/ARCH/$(go_arch)/" repo/.gitlab-ci.yml
	mkdir -p repo/.pawl
	printf 'FILE: {value: a file, file: true}\n' >repo/.pawl/variables.yml
	passes
	says said
	says "right machine"
	says "words of the entrypoint for entrypoint with a file"
	none_left users
}

takes_long_with_podman() {
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
	away:
	  image: {name: box:1, entrypoint: [nowhere, x]}
	  script: [echo never]
	END
	fails
	says "cannot start the entrypoint of the image, nowhere: No such file"
	repository <<-'END'
	elsewhere:
	  image: {name: box:1, pull_policy: never, docker: {platform: linux/s390x}}
	  script: [echo never]
	END
	fails
	says "the image box:1 is for linux/$(go_arch), the job wants it for linux/s390x, and pull_policy is never"
	repository <<-'END'
	missing:
	  image: {name: box:none, pull_policy: never}
	  script: [echo never]
	END
	fails
	says "the image box:none is not there, and pull_policy is never"
	if [ "$who" = docker ] || [ -n "$SOAK" ]; then takes_long_with_podman; fi
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
	repository <<-END
	ended:
	  image: box:1
	  script: [echo begun, sleep $nap]
	END
	runs &
	wait_for_it "sleep $nap"
	ask -X POST "http://engine/containers/$(one)/kill" >/dev/null
	wait $! && bad "a container that was killed passed"
	says "the container has ended"
	none_left endings
}

# Who takes too much is named; what it has used is told, and kept second by second.
limits() {
	if ! ask http://engine/info | grep -q '"MemoryLimit":true'; then
		echo "not tested: limits; this engine has none here"
		return
	fi
	repository <<-'END'
	greedy:
	  image: box:1
	  variables: {PAWL_MEMORY_LIMIT: 60m}
	  script: [busybox dd if=/dev/zero of=/dev/null bs=200M count=1]
	  after_script: [echo after it]
	lucky:
	  image: box:1
	  variables: {PAWL_MEMORY_LIMIT: 60m}
	  script: [busybox dd if=/dev/zero of=/dev/null bs=200M count=1 || echo went on]
	bomb:
	  image: box:1
	  variables: {PAWL_PIDS_LIMIT: "20"}
	  script: ['for i in $(seq 40); do sleep 3 & done']
	worker:
	  image: box:1
	  script: ['busybox dd if=/dev/zero of=made bs=150M count=1; timeout 1 sh -c "while :; do :; done" || true', sleep 0.5]
	tiny:
	  image: box:1
	  script: ['true']
	END
	fails
	says "greedy | after it"
	grep -q "greedy | .*failed in .*the job was out of memory: its limit is 60 MiB (the job's PAWL_MEMORY_LIMIT)" "$log" ||
	    bad "greedy: no reason"
	says "lucky  | WARNING: the job was out of memory"
	says "lucky  | went on"
	says "WARNING: the job could not start all its processes: its limit is 20 processes"
	grep -q 'worker | peak 1[5-9][0-9] MB, [0-9.]* CPU-s, 1[5-9][0-9] MB written' "$log" || bad "no sum"
	grep -q 'worker *test *passed .*peak 1[5-9][0-9][0-9.]* MB' "$log" || bad "no sum in the table"
	if grep -q 'tiny *| peak' "$log"; then bad "a sum of nothing"; fi
	awk '/^pawl-usage 1$/ { head = 1 } /^[0-9]/ { n++; if ($3 > cpu) cpu = $3; if (NF != 8) wrong = 1 }
	    END { exit !(head && n >= 1 && n <= 9 && cpu > 200000 && !wrong) }' repo/.pawl/logs/4.usage ||
	    { cat repo/.pawl/logs/*.usage; bad "samples"; }
	none_left limits
}

one() { containers | sed -n 's/.*"Id":"\([0-9a-f]*\)".*/\1/p'; }
# Killed by -9: pawl, the supervisor, pawl-docker, all of them; a word to the engine too late.
orphans() {
	local victims
	for victims in pawl pawl-supervise pawl-docker "pawl pawl-supervise pawl-docker"; do
		repository <<-END
		long:
		  image: box:1
		  script: [sleep $nap]
		END
		runs &
		wait_for_it "sleep $nap"
		# shellcheck disable=SC2086 # words are wanted
		kill_of $! $victims
		wait $!
		none_left "kill -9 of $victims"
		if pgrep -f "sleep $nap" >/dev/null; then bad "kill -9 of $victims: a process is left"; fi
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

# An image of a registry that wants a name, one with the digits of a status in it; the policies;
# a registry that has no such image.
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
	    "docker://$registry/group/box-429:2" >registry.copy 2>&1 || bad "skopeo: $(cat registry.copy)"
	repository <<-END
	a:
	  image: {name: $registry/group/box-429:2, pull_policy: [never, always]}
	  script: [test "\$OF_IMAGE" = yes]
	END
	fails
	says "cannot pull $registry/group/box-429:2"
	config="{\"auths\":{\"$registry\":{\"auth\":\"$(printf ann:sesame | base64)\"}}}"
	(cd repo && DOCKER_HOST=unix://$engine timeout 100 pawl run -x docker -v DOCKER_AUTH_CONFIG="$config") >"$log" 2>&1 ||
	    bad "cannot pull with a name"
	says "Pulling $registry/group/box-429:2"
	sed -i "s|pull_policy: .*}|docker: {platform: linux/s390x}}|" repo/.gitlab-ci.yml
	(cd repo && DOCKER_HOST=unix://$engine timeout 100 pawl run -x docker -v DOCKER_AUTH_CONFIG="$config") >"$log" 2>&1 &&
	    bad "an image for another machine ran"
	says "group/box-429:2 is for linux/$(go_arch), the job wants it for linux/s390x; the registry has no other"
	sed -i "s|docker: .*}}|pull_policy: if-not-present}|" repo/.gitlab-ci.yml
	kill "$registry_pid" $(pgrep -P "$registry_pid")
	wait "$registry_pid" 2>/dev/null
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

# Who signs for whom: the engine's TLS, and those who come to it.
make_certs() {
	local name
	mkdir -p tls
	if ! type -P openssl >/dev/null; then return; fi
	for name in ca stranger; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" \
		    -keyout tls/$name-key.pem -out tls/$name.pem 2>>openssl.log
	done
	for name in engine client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" \
		    -keyout tls/$name-key.pem -out tls/$name.csr 2>>openssl.log
		openssl x509 -req -in tls/$name.csr -CA tls/ca.pem -CAkey tls/ca-key.pem -CAcreateserial -days 2 \
		    -extfile <(echo subjectAltName=IP:127.0.0.1) -out tls/$name.pem 2>>openssl.log
	done
	mkdir -p tls/{good,anonymous,wrong}
	cp tls/ca.pem tls/client.pem tls/client-key.pem tls/good/
	(cd tls/good && mv client.pem cert.pem && mv client-key.pem key.pem)
	cp tls/ca.pem tls/anonymous/
	cp tls/good/*.pem tls/wrong/
	cp tls/stranger.pem tls/wrong/ca.pem
	engine_options=(--host tcp://127.0.0.1:0 --tlsverify --tlscacert "$PWD/tls/ca.pem" --tlscert "$PWD/tls/engine.pem"
	    --tlskey "$PWD/tls/engine-key.pem")
}

by_tls() { # [NAME=VALUE…]
	(cd repo && env "$@" DOCKER_HOST="tcp://127.0.0.1:$tls_port" timeout 100 pawl run -x docker) >"$log" 2>&1
}
tls() {
	local tls_port
	tls_port=$(sed -n 's/.*API listen on 127.0.0.1:\([0-9]*\).*/\1/p' engine.log)
	if [ -z "$tls_port" ]; then
		echo "not tested: TLS; openssl is not installed"
		return
	fi
	repository <<-'END'
	a:
	  image: box:1
	  script: [echo encrypted]
	END
	by_tls DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH="$PWD/tls/good" || bad "ended with $?"
	says encrypted
	by_tls DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH="$PWD/tls/wrong" && bad "a stranger's authority is believed"
	says "is not the one that $PWD/tls/wrong/ca.pem vouches for"
	by_tls DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH="$PWD/tls/anonymous" && bad "nobody is let in"
	says "wants a certificate of a client it knows, as cert.pem and key.pem in $PWD/tls/anonymous"
	by_tls DOCKER_TLS_VERIFY=1 HOME="$PWD/none" && bad "no certificates are enough"
	says "cannot read $PWD/none/.docker/ca.pem"
	by_tls && bad "no TLS is enough"
	says "Client sent an HTTP request to an HTTPS server"
	none_left TLS
}

check() {
	who=$1
	at_home
	users
	limits
	refuses
	endings
	orphans
}

who=docker
make_box
make_certs
asked_late
on_engine() {
	check "$engine_name"
	if [ "$engine_name" = docker ]; then
		tls
		strangers
		pulls
	fi
}
for_engines docker podman
exit $wrong
