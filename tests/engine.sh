# Sourced by tests that need a container engine: Docker's daemon and Podman's service, each
# of the test's own, with an image `box:1` of busybox. Needs root.

# shellcheck shell=bash
engine_pids=()
engine_options=()
# of their networks, which a test in a network of its own may have as they are by default
docker_network=(--iptables=false --bridge=none)
podman_network=none

# Calls the test's on_engine() while each of the engines runs; engine_name is the one it is. Ends
# the test where none can run its containers here.
for_engines() { # ENGINE…
	local tested=
	for engine_name; do
		if "start_$engine_name"; then
			tested=1
			on_engine
		else
			echo "not tested: $engine_name cannot run containers here:"
			tail -n 5 engine.log
		fi
		end_engines
	done
	if [ -z "$tested" ]; then
		echo "skipped: none of $* can run containers here"
		exit 77
	fi
}

end_engines() {
	local pid
	for pid in "${engine_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${engine_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	engine_pids=()
	# what a daemon that was ended has left mounted
	awk -v dir="$PWD/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
	    while read -r dir; do umount -l "$dir" 2>/dev/null || true; done
}

# Its archive, as `docker save` writes it: one layer.
make_box() {
	local id program
	mkdir -p box/{bin,etc,tmp,home/ann} image
	chmod 1777 box/tmp
	cp "$(type -P busybox)" box/bin/
	for program in sh ls cat id sleep touch mkdir chmod env true false kill ps seq grep test timeout; do
		ln -sf busybox "box/bin/$program"
	done
	printf 'root:x:0:0::/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n' >box/etc/passwd
	printf 'root:x:0:\nann:x:1001:\n' >box/etc/group
	printf '#!/bin/sh\nexport FROM_ENTRY=entered\necho "words of the entrypoint for $CI_JOB_NAME with $(cat "$FILE" 2>/dev/null)"\nexec "$@"\n' >box/bin/entry
	chmod 755 box/bin/entry box
	chown -R 1000:1001 box/home/ann
	tar -C box --sort=name -cf image/layer.tar .
	id=$(sha256sum image/layer.tar | cut -d' ' -f1)
	for kind in box entry user volume; do
		case $kind in
		box) more='' ;;
		entry) more=',"Entrypoint":["/bin/entry"]' ;;
		user) more=',"User":"ann"' ;;
		volume) more=',"Volumes":{"/data":{}}' ;;
		esac
		cat >image/$kind.json <<-END
		{"architecture":"$(go_arch)","os":"linux","config":{"Env":["PATH=/bin","OF_IMAGE=yes"]$more},
		"rootfs":{"type":"layers","diff_ids":["sha256:$id"]}}
		END
	done
	cat >image/manifest.json <<-END
	[{"Config":"box.json","RepoTags":["box:1"],"Layers":["layer.tar"]},
	{"Config":"entry.json","RepoTags":["entry:1"],"Layers":["layer.tar"]},
	{"Config":"user.json","RepoTags":["user:1"],"Layers":["layer.tar"]},
	{"Config":"volume.json","RepoTags":["volume:1"],"Layers":["layer.tar"]}]
	END
	tar -C image -cf box.tar .
}

go_arch() {
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}

ask() { curl -sS --max-time 60 --unix-socket "$engine" "$@"; } # [OPTION…] URL

containers() { ask 'http://engine/containers/json?all=true'; }
none_left() { # WHAT; tells the test's bad() when one stays
	local i
	for ((i = 0; i < 200; i++)); do
		if [ "$(containers | tr -d '\n ')" = '[]' ]; then return; fi
		sleep 0.1
	done
	bad "$1: a container is left: $(containers)"
}

# False: this machine cannot run its containers; why is in engine.log.
engine_works() { # SOCKET
	engine=$1
	local i
	for ((i = 0; i < 200; i++)); do
		if ask -o /dev/null http://engine/_ping 2>/dev/null; then break; fi
		sleep 0.1
	done
	ask -X POST -H 'Content-Type: application/x-tar' --data-binary @box.tar http://engine/images/load >>engine.log 2>&1 &&
	    starts_one
}

starts_one() {
	local id
	id=$(ask -X POST -H 'Content-Type: application/json' -d '{"Image":"box:1","Cmd":["true"]}' \
	    http://engine/containers/create | sed -n 's/.*"Id":"\([0-9a-f]*\)".*/\1/p')
	[ -n "$id" ] || return 1
	ask -w '%{http_code}\n' -X POST "http://engine/containers/$id/start" >one.log
	ask -X DELETE "http://engine/containers/$id?force=true" >>engine.log
	if grep -q 204 one.log; then return 0; fi
	cat one.log >>engine.log
	return 1
}

# engine_options: more of them for dockerd
start_docker() {
	type -P dockerd >/dev/null || { echo "dockerd is not installed" >engine.log; return 1; }
	dockerd "${docker_network[@]}" --storage-driver="${1-overlay2}" --data-root "$PWD/docker" \
	    --exec-root "$PWD/docker-run" --pidfile "$PWD/docker.pid" --insecure-registry 127.0.0.0/8 \
	    --host "unix://$PWD/docker.sock" "${engine_options[@]}" >engine.log 2>&1 &
	engine_pids+=($!)
	engine_works "$PWD/docker.sock"
}

podman_settings() { # FOLDER
	mkdir -p "$1"
	# this machine may have neither a network for containers nor limits beyond its own
	cat >"$1/containers.conf" <<-END
	[containers]
	netns = "$podman_network"
	log_driver = "k8s-file"
	default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	# what several of them on one machine would share
	lock_type = "file"
	tmp_dir = "$1/tmp"
	runtime = "$(basename "$(type -P runc || echo crun)")"
	[network]
	network_config_dir = "$1/networks"
	END
	printf '[storage]\ndriver = "overlay"\nrunroot = "%s"\ngraphroot = "%s"\n' "$1/run" "$1/root" >"$1/storage.conf"
}

start_podman() {
	type -P podman >/dev/null || { echo "podman is not installed" >engine.log; return 1; }
	podman_settings "$PWD/podman"
	CONTAINERS_CONF=$PWD/podman/containers.conf CONTAINERS_STORAGE_CONF=$PWD/podman/storage.conf \
	    podman system service --time 0 "unix://$PWD/podman.sock" >engine.log 2>&1 &
	engine_pids+=($!)
	engine_works "$PWD/podman.sock"
}

# False: no network can be made with it; why is in engine.log.
has_networks() {
	local id
	id=$(ask -X POST -H 'Content-Type: application/json' -d '{"Name":"probe","Driver":"bridge"}' \
	    http://engine/networks/create | tee -a engine.log | sed -n 's/.*"Id":"\([^"]*\)".*/\1/p')
	[ -n "$id" ] || return 1
	id=$(ask -X POST -H 'Content-Type: application/json' -d '{"Image":"box:1","Cmd":["true"],"HostConfig":{"NetworkMode":"probe"}}' \
	    http://engine/containers/create | sed -n 's/.*"Id":"\([0-9a-f]*\)".*/\1/p')
	ask -w '%{http_code}\n' -X POST "http://engine/containers/$id/start" >one.log
	{
		ask -X DELETE "http://engine/containers/$id?force=true"
		ask -X DELETE "http://engine/networks/probe"
		cat one.log
	} >>engine.log
	grep -q 204 one.log
}

# ---- processes of a job -------------------------------------------------------------------

wait_for_it() {
	local i
	for ((i = 0; i < 200; i++)); do
		if pgrep -f "$1" >/dev/null; then return; fi
		sleep 0.05
	done
	bad "never: $1"
}

tree() { # PID: it and all below it
	local child
	echo "$1"
	for child in $(pgrep -P "$1"); do tree "$child"; done
}

kill_of() { # PID PROGRAM…: of those below it
	local pid name victims=" ${*:2} "
	for pid in $(tree "$1"); do
		name=$({ tr '\0' '\n' <"/proc/$pid/cmdline" | head -n 1; } 2>/dev/null)
		if [[ $victims == *" ${name##*/} "* ]]; then kill -9 "$pid"; fi
	done
}
