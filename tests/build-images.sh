# Sourced by tests in which jobs build images: docker:24.0.5-cli, docker:24.0.5-dind and
# quay.io/buildah/stable as GitLab's documentation names them, put together from programs of
# this machine, in a registry of the test's own. Their entrypoints do what those of the real
# ones do. Ends with 77 where a program is not installed.

# shellcheck shell=bash disable=SC2016,SC2154
. "$SRC/tests/busybox.sh"
system_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
image_path="\"PATH=$system_path\""

# Debian's own programs: elsewhere may be others of the same name
program() { PATH=/usr/sbin:/usr/bin:/sbin:/bin type -P "$1"; }

for tool in buildah containerd containerd-shim-runc-v2 crun docker dockerd docker-proxy ip iptables openssl runc; do
	if [ -z "$(program "$tool")" ]; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done

# What is linked into these, too.
add_programs() { # ROOT PROGRAM…
	local root=$1 name path library
	shift
	mkdir -p "$root"/usr/{bin,lib}
	for name; do
		path=$(program "$name") || return 1
		cp -L "$path" "$root/usr/bin/$name"
		for library in $(ldd "$path" 2>/dev/null | grep -oE '/[^ ]+'); do
			mkdir -p "$root$(dirname "$library")"
			[ -e "$root$library" ] || cp -L "$library" "$root$library"
		done
	done
}

# busybox, and the folders everything expects.
make_base() { # ROOT
	busybox_root "$1"
	mkdir -p "$1"/{usr/bin,root,home/build,var,run,proc,sys,dev}
	chown 1000:1000 "$1/home/build" # somebody else's, as all images have some
	ln -s /run "$1/var/run"
	printf 'root:x:0:0::/root:/bin/sh\nbuild:x:1000:1000::/home/build:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\nbuild:x:1000:\n' >"$1/etc/group"
}

# The client finds the daemon beside it: with TLS where there are certificates.
make_docker() { # ROOT
	add_programs "$1" docker
	mkdir -p "$1/usr/local/bin" "$1/certs/client"
	chmod 1777 "$1/certs" "$1/certs/client"
	cat >"$1/usr/local/bin/docker-entrypoint.sh" <<-'END'
	#!/bin/sh
	set -e
	tls=${DOCKER_TLS_CERTDIR:+$DOCKER_TLS_CERTDIR/client}
	if [ -z "$tls" ] || [ ! -s "$tls/ca.pem" ] || [ ! -s "$tls/key.pem" ]; then tls=; fi
	if [ -z "${DOCKER_HOST:-}" ] && [ ! -S /var/run/docker.sock ]; then
		if [ -n "$tls" ]; then port=2376; else port=2375; fi
		export DOCKER_HOST=tcp://docker:$port
	fi
	if [ -n "$tls" ]; then
		case ${DOCKER_HOST:-} in
		tcp:*) export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH="$tls" ;;
		esac
	fi
	exec "$@"
	END
	chmod 755 "$1/usr/local/bin/docker-entrypoint.sh"
}

# Docker's daemon gives privileged containers all capabilities there are; where this machine's
# root has not all, its runtime is asked for the others alone.
make_runtime() { # FILE RUNC
	local has names=(chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
	    net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot
	    sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
	    wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore) i edits=
	has=$((16#$(sed -n 's/^CapBnd:\t//p' /proc/self/status)))
	for i in "${!names[@]}"; do
		if ! ((has >> i & 1)); then edits+="s/\"CAP_${names[i]^^}\",//g;s/,\"CAP_${names[i]^^}\"//g;"; fi
	done
	cat >"$1" <<-END
	#!/bin/sh
	for word; do
		case \$before in
		--bundle) sed -i '$edits' "\$word/config.json" ;;
		--process) sed -i '$edits' "\$word" ;;
		esac
		before=\$word
	done
	exec $2 "\$@"
	END
	chmod 755 "$1"
}

make_dind() { # ROOT
	local filters
	add_programs "$1" containerd containerd-shim-runc-v2 docker-init docker-proxy dockerd ip ip6tables iptables openssl runc
	mkdir -p "$1/usr/local/bin" "$1/usr/lib/ssl" "$1/var/lib/docker"
	make_runtime "$1/usr/local/bin/runc" /usr/bin/runc
	cp /etc/ssl/openssl.cnf "$1/usr/lib/ssl/"
	filters=$(dirname "$(find /usr/lib -path '*/xtables/libxt_conntrack.so' | head -n 1)")
	mkdir -p "$1$filters"
	cp "$filters"/*.so "$1$filters/"
	cat >"$1/usr/local/bin/dockerd-entrypoint.sh" <<-'END'
	#!/bin/sh
	set -eu
	sign() { # WHO EXTENSION
		mkdir -p "$dir/$1"
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$dir/$1/key.pem" -subj "/CN=docker:dind $1" -out "$dir/$1/csr.pem"
		printf '[ext]\n%s\n' "$2" >"$dir/$1/openssl.cnf"
		openssl x509 -req -in "$dir/$1/csr.pem" -CA "$dir/ca/cert.pem" -CAkey "$dir/ca/key.pem" -CAcreateserial \
		    -out "$dir/$1/cert.pem" -days 825 -extfile "$dir/$1/openssl.cnf" -extensions ext
		cp "$dir/ca/cert.pem" "$dir/$1/ca.pem"
	}
	if [ -n "${DOCKER_TLS_CERTDIR:-}" ]; then
		dir=$DOCKER_TLS_CERTDIR
		mkdir -p "$dir/ca"
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$dir/ca/key.pem" -subj '/CN=docker:dind CA' -x509 -days 825 -out "$dir/ca/cert.pem"
		sign server subjectAltName=DNS:docker,DNS:localhost,IP:127.0.0.1
		sign client extendedKeyUsage=clientAuth
		chmod 644 "$dir/client/key.pem"
		set -- --host=tcp://0.0.0.0:2376 --tlsverify --tlscacert "$dir/server/ca.pem" \
		    --tlscert "$dir/server/cert.pem" --tlskey "$dir/server/key.pem" "$@"
	else
		set -- --host=tcp://0.0.0.0:2375 "$@"
	fi
	exec dockerd --host=unix:///var/run/docker.sock "$@"
	END
	chmod 755 "$1/usr/local/bin/dockerd-entrypoint.sh"
}

make_buildah() { # ROOT
	add_programs "$1" buildah crun
	mkdir -p "$1/etc/containers" "$1/var/lib/containers" "$1/var/tmp"
	chmod 1777 "$1/var/tmp"
	printf '[storage]\ndriver = "overlay"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' \
	    >"$1/etc/containers/storage.conf"
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$1/etc/containers/policy.json"
}

# In the registry at $registry, by the names that mirrors look for. With the folder that has
# buildx, buildkitd and buildctl also the image of BuildKit.
push_build_images() { # [FOLDER]
	local docker="\"Env\": [$image_path, \"DOCKER_TLS_CERTDIR=/certs\"]"
	make_base base
	make_docker docker
	make_dind dind
	make_buildah buildah
	if [ -n "${1-}" ]; then
		mkdir -p docker/usr/local/libexec/docker/cli-plugins buildkit/usr/bin
		cp "$1/buildx" docker/usr/local/libexec/docker/cli-plugins/docker-buildx
		add_programs buildkit runc
		cp "$1"/build{ctl,kitd} buildkit/usr/bin/
		registry_push "$registry/moby/buildkit:buildx-stable-1" --config \
		    "{\"Env\": [$image_path], \"Entrypoint\": [\"buildkitd\"], \"Volumes\": {\"/var/lib/buildkit\": {}}}" base buildkit
	fi
	chmod -R a+rX base docker dind buildah
	registry_push "$registry/library/busybox:1" --config "{\"Env\": [$image_path], \"Cmd\": [\"sh\"]}" base
	registry_push "$registry/library/docker:24.0.5-cli" --config \
	    "{$docker, \"Entrypoint\": [\"docker-entrypoint.sh\"], \"Cmd\": [\"sh\"]}" base docker
	registry_push "$registry/library/docker:24.0.5-dind" --config \
	    "{$docker, \"Entrypoint\": [\"dockerd-entrypoint.sh\"], \"Cmd\": [], \"Volumes\": {\"/var/lib/docker\": {}},
	    \"ExposedPorts\": {\"2375/tcp\": {}, \"2376/tcp\": {}}}" base docker dind
	registry_push "$registry/buildah/stable:latest" --config \
	    "{\"Env\": [$image_path, \"BUILDAH_ISOLATION=chroot\", \"_CONTAINERS_USERNS_CONFIGURED=\"],
	    \"Cmd\": [\"sh\"], \"Volumes\": {\"/var/lib/containers\": {}}}" base buildah
}
