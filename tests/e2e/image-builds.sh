#!/bin/bash
# Jobs that build images, by the pipelines of docs/image-builds.md: Docker in Docker with and
# without TLS, Docker's socket, buildah; with SOAK buildx, too. By the executors container and
# docker, with a real dockerd, podman and buildah, from and into registries of the test's own.
# And that nothing is left of the daemons inside, whoever is killed.
#
# All of it in a network of the test's own, where 192.0.2.1 is this machine: engines change
# the network's rules, and their containers have to reach the registries.
# shellcheck disable=SC2016,SC2119 # what stands in quotes is for the job's shell
set -u

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: Docker's daemon needs root"
	exit 77
fi
cache=${PAWL_TEST_CACHE:-$BUILD/cache}/buildkit-0.12.5

# Debian has neither buildx nor BuildKit; with SOAK they are built, once, which takes minutes.
get_buildkit() {
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	[ -x "$cache/buildkitd" ] || HOME=$PWD GOBIN=$cache GOPATH=$PWD/go GOCACHE=$PWD/go/cache GOFLAGS=-modcacherw CGO_ENABLED=0 \
	    timeout 1500 sh -c 'go install -ldflags="-s -w" github.com/docker/buildx/cmd/buildx@v0.12.1 &&
	    go install -ldflags="-s -w" github.com/moby/buildkit/cmd/buildctl@v0.12.5 github.com/moby/buildkit/cmd/buildkitd@v0.12.5' >go.log 2>&1
	exec 9>&-
}

if [ -z "${OWN_NETWORK-}" ]; then
	if ! unshare -nm true; then
		echo "skipped: no network of its own can be had"
		exit 77
	fi
	if [ -z "${SOAK-}" ]; then
		echo "not tested: buildx, which is built and tried with SOAK alone"
	elif ! get_buildkit; then
		echo "buildx cannot be built: $(tail -n 1 go.log)"
		exit 1
	fi
	OWN_NETWORK=1 exec unshare -nm bash "$0"
fi

. "$SRC/tests/registry.sh"
. "$SRC/tests/build-images.sh"
. "$SRC/tests/engine.sh"
. "$SRC/tests/both-users.sh" # repository(), bad()
trap 'end_engines; registry_stop; kill "$name_server"' EXIT
as=() name_server=
who=setup

# ---- the network, the registries, the images ------------------------------------------------

ip link set lo up
ip addr add 192.0.2.1/32 dev lo
# No name is known but those of services, which is said at once.
echo 'nameserver 192.0.2.1' >resolv.conf
mount --bind resolv.conf /etc/resolv.conf
python3 - <<'END' &
import socket
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("192.0.2.1", 53))
while True:
    query, sender = names.recvfrom(1024)
    question = query[12 : query.index(0, 12) + 5]
    names.sendto(query[:2] + b"\x81\x83" + b"\0\1" + b"\0" * 6 + question, sender)
END
name_server=$!

registry_host=192.0.2.1
registry_start registry
mirror=$registry
push_build_images ${SOAK:+"$cache"}
htpasswd -Bbn ann sesame >users
registry_start private users

# docker.io and quay.io are the mirror, for pawl, for Podman and for buildah in a job
mkdir -p "$HOME/.config/containers"
{
	echo 'unqualified-search-registries = ["docker.io"]'
	for name in docker.io quay.io; do
		printf '[[registry]]\nprefix = "%s"\nlocation = "%s"\ninsecure = true\n' $name "$mirror"
	done
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$registry"
} | tee registries.conf >"$HOME/.config/containers/registries.conf"
# and for dockerd, here and in a service
printf '{"registry-mirrors": ["http://%s"], "insecure-registries": ["%s", "%s"]}\n' "$mirror" "$mirror" "$registry" >daemon.json
for_docker=(--volume "$PWD/daemon.json:/etc/docker/daemon.json:ro")
for_buildah=(--volume "$PWD/registries.conf:/etc/containers/registries.conf:ro")

# ---- pipelines --------------------------------------------------------------------------------

# The block of docs/image-builds.md behind the mark <!-- NAME -->.
pipeline() {
	awk -v mark="<!-- $1 -->" '$0 == mark { at = 1; next } at == 1 && /^```yaml$/ { at = 2; next }
	    at == 2 && /^```$/ { exit } at == 2' "$SRC/docs/image-builds.md"
}

# From standard input, not by way of a pipe; what its Dockerfile makes says a word that is new each time.
runs() { # OPTION…
	word=w$RANDOM$RANDOM
	repository
	printf 'FROM busybox:1\nCOPY word /word\nRUN cat /word /word >/twice\nCMD ["cat", "/twice"]\n' >repo/Dockerfile
	echo "$word" >repo/word
	as_who git -C repo add .
	as_who git -C repo commit -qm image
	(cd repo && as_who timeout 120 pawl run -v "CI_REGISTRY=$registry" -v "CI_REGISTRY_IMAGE=$registry/team/app" -v CI_REGISTRY_USER=ann \
	    -v CI_REGISTRY_PASSWORD=sesame -v "MARK=$mark" -v CI_DEBUG_SERVICES=true "$@") >"$log" 2>&1
}
passes() { runs "$@" || bad "ended with $?"; }
fails() { if runs "$@"; then bad "passed"; fi; }
says() { grep -qF -- "$1" "$log" || bad "not there: $1"; }
mark=$$-$RANDOM

# The image of this pipeline has come to the registry, and is what the Dockerfile says.
was_pushed() { # TAG
	local tag=${1-$(git -C repo rev-parse --short=8 HEAD)}
	rm -rf pushed
	if ! skopeo copy -q --insecure-policy --src-creds ann:sesame --src-tls-verify=false "docker://$registry/team/app$tag" \
	    dir:pushed >pushed.log 2>&1; then
		bad "no image: $(cat pushed.log)"
		return
	fi
	for layer in pushed/*; do tar -xzOf "$layer" twice 2>/dev/null; done | grep -qx "$word" || bad "another image was pushed"
}
of_commit() { echo ":$(git -C repo rev-parse --short=8 HEAD)"; }

# ---- by which executor ------------------------------------------------------------------------

dind() { # EXECUTOR
	passes -x "$1" --privileged --volume /certs/client "${for_docker[@]}" < <(pipeline dind-tls)
	says 'Login Succeeded'
	was_pushed "$(of_commit)"
	passes -x "$1" --privileged "${for_docker[@]}" < <(pipeline dind-plain)
	says "$word"
	says 'build | tested'
}

# BuildKit asks the mirror, too.
buildx() { # EXECUTOR
	{
		printf '[registry."docker.io"]\nmirrors = ["%s"]\n' "$mirror"
		printf '[registry."%s"]\nhttp = true\n' "$mirror"
	} >buildkitd.toml
	passes -x "$1" --privileged --volume /certs/client "${for_docker[@]}" \
	    --volume "$PWD/buildkitd.toml:/root/.docker/buildx/buildkitd.default.toml:ro" < <(pipeline buildx)
	says "$word"
}

socket() { # EXECUTOR
	passes -x "$1" --volume "$engine:/var/run/docker.sock" < <(pipeline socket)
	says "$word"
	ask http://engine/images/my-docker-image/json | grep -q '"Id"' || bad "the engine has no such image"
}

buildah() { # EXECUTOR OPTION…
	passes -x "$@" "${for_buildah[@]}" < <(pipeline buildah)
	was_pushed /test:latest
}

# Not without privileged; and by an overlay.
buildah_more() {
	fails -x container "${for_buildah[@]}" < <(pipeline buildah)
	says 'Error during unshare(CLONE_NEWUSER): Operation not permitted'
	passes -x container --privileged "${for_buildah[@]}" < <(pipeline buildah | sed 's/STORAGE_DRIVER: vfs /STORAGE_DRIVER: overlay /')
	was_pushed /test:latest
}

# A runner that is not root: its privileged containers are neither.
by_ordinary_user() {
	local here uid=61191 before=$PWD
	who='an ordinary user'
	here=$(mktemp -d /tmp/pawl-user-XXXXXX)
	mkdir -p "$here"/{bin,tmp,home/.config/containers}
	cp "$BUILD"/pawl "$BUILD"/pawl-{supervise,init} "$here/bin/"
	cp registries.conf "$here/home/.config/containers/"
	chmod 755 "$here" "$here/bin"
	chown -R $uid:$uid "$here/tmp" "$here/home"
	as=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups -- env PATH="$here/bin:$PATH" PAWL_LIBEXEC="$here/bin"
	    HOME="$here/home" TMPDIR="$here/tmp" XDG_RUNTIME_DIR="$here/home")
	cd "$here/tmp" || exit 1
	passes -x container --privileged --volume "$here/home/.config/containers/registries.conf:/etc/containers/registries.conf:ro" \
	    < <(pipeline buildah-rootless)
	was_pushed /test:latest
	as=()
	cd "$before" || exit 1
	rm -rf "$here"
}

# ---- what is left -----------------------------------------------------------------------------

marked() { grep -lszx "MARK=$mark" /proc/[0-9]*/environ | grep -o '[0-9]*'; } # processes
daemon() {
	local pid
	for pid in $(marked); do
		if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then echo "$pid"; fi
	done
}
# Groups of the process and of what the daemon has started; below the mounts.
groups_of() {
	local line list
	while IFS=: read -r _ list line; do
		case $list in
		'') echo "/sys/fs/cgroup/unified$line" ;;
		*) echo "/sys/fs/cgroup/${list#name=}$line" ;;
		esac
	done <"/proc/$1/cgroup" | grep /pawl-
}
gone() { # SECONDS WORDS COMMAND…: the command prints nothing any more
	local i
	for ((i = 0; i < $1 * 10; i++)); do
		if [ -z "$("${@:3}" 2>/dev/null)" ]; then return; fi
		sleep 0.1
	done
	bad "$2: $("${@:3}")"
}

killed() { # RUNTIME
	local run pid groups inner=$((319000000 + $$)) outer=$((320000000 + $$))
	who="kill -9 of a job with dind, by $1"
	mark=$$-$RANDOM
	PAWL_OCI_RUNTIME=$(program "$1") runs -x container --privileged "${for_docker[@]}" < <(pipeline dind-plain |
	    sed "s,^    - docker run.*,&\n    - docker run -d busybox:1 sleep $inner\n    - sleep $outer,") &
	run=$!
	for _ in {1..600}; do pgrep -xf "sleep $outer" >/dev/null && break; sleep 0.1; done
	pid=$(daemon)
	if [ -z "$pid" ] || ! pgrep -xf "sleep $inner" >/dev/null; then bad "no daemon, or nothing in it"; fi
	groups=$(groups_of "$pid")
	[ -n "$groups" ] || bad "the daemon has no control group of its own"
	kill_of $run pawl pawl-supervise
	wait $run 2>/dev/null
	gone 20 "processes are left" marked
	gone 20 "a container's process is left" pgrep -xf "sleep $inner"
	passes < <(printf 'next:\n  script: [echo next]\n')
	# shellcheck disable=SC2086 # words are wanted
	gone 10 "control groups are left" ls -d $groups
}

# ---- all of it --------------------------------------------------------------------------------

by_containers() {
	for runtime in runc crun; do
		who="container by $runtime"
		export PAWL_OCI_RUNTIME
		PAWL_OCI_RUNTIME=$(program $runtime)
		dind container
		buildah container --privileged
		if [ -z "${SOAK-}" ]; then break; fi
		buildx container
	done
	unset PAWL_OCI_RUNTIME
	who=container
	buildah_more
	by_ordinary_user
	killed runc
	killed crun
}

by_docker() {
	who=docker
	make_runtime runtime "$(program runc)"
	docker_network=()
	engine_options=(--registry-mirror "http://$mirror" --add-runtime "spare=$PWD/runtime" --default-runtime spare)
	if ! start_docker; then
		echo "not tested: docker cannot run containers here:"
		tail -n 5 engine.log
		return
	fi
	skopeo copy -q --insecure-policy --src-tls-verify=false --dest-daemon-host "unix://$engine" "docker://$mirror/buildah/stable" \
	    docker-daemon:quay.io/buildah/stable:latest || bad "no image of buildah"
	export DOCKER_HOST=unix://$engine
	socket docker
	socket container
	dind docker
	if [ -n "${SOAK-}" ]; then buildx docker; fi
	buildah docker --privileged
	unset DOCKER_HOST
	end_engines
}

# Its filter of system calls lets a job have a user namespace.
by_podman() {
	who=podman
	podman_network=host
	export CONTAINERS_REGISTRIES_CONF=$PWD/registries.conf
	if start_podman; then
		DOCKER_HOST=unix://$engine buildah docker
	else
		echo "not tested: podman cannot run containers here:"
		tail -n 5 engine.log
	fi
	end_engines
}

make_box
by_containers
by_docker
by_podman
gone 10 "processes are left" marked
exit $wrong
