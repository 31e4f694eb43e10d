# Sourced by tests that need a registry of images, in the test's own folder: Debian's, on this
# machine. Ends with 77 where it or skopeo is not installed.
# shellcheck shell=bash disable=SC2034

for tool in docker-registry skopeo busybox python3; do
	if ! type -P "$tool" >/dev/null; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done
# its programs are to run where nothing else is
if ldd "$(type -P busybox)" >/dev/null 2>&1; then
	echo 'skipped: busybox is not the one of busybox-static'
	exit 77
fi
registry_pids=()

# Waits for a line "listening on ADDRESS:PORT" and prints the last part.
registry_port() { # LOG PID
	local port
	for _ in {1..200}; do
		port=$(sed -nE 's/.*listening on [^ "]*:([0-9]+).*/\1/p' "$1" | head -n 1)
		if [ -n "$port" ]; then
			echo "$port"
			return
		fi
		kill -0 "$2" || break
		sleep 0.05
	done
	cat "$1" >&2
	return 1
}

# The address in $registry, its log in NAME.log: a line per request. PORT: as before. It
# listens at $registry_host, 127.0.0.1 if that is not set.
registry_start() { # NAME [HTPASSWD-FILE [PORT]]
	{
		echo 'version: 0.1'
		echo "storage: {filesystem: {rootdirectory: $PWD/$1.data}, delete: {enabled: true}}"
		echo "http: {addr: ${registry_host-127.0.0.1}:${3-0}}"
		if [ -n "${2-}" ]; then echo "auth: {htpasswd: {realm: test, path: $PWD/$2}}"; fi
	} >"$1.yml"
	: >"$1.log" # for who looks before it has begun
	docker-registry serve "$1.yml" >"$1.log" 2>&1 &
	registry_pids+=($!)
	registry=${registry_host-127.0.0.1}:$(registry_port "$1.log" $!)
}

# In front of a registry, one that behaves badly: see registry_proxy.py.
proxy_start() { # NAME ARGUMENT…
	: >"$1.log"
	python3 "$SRC/tests/e2e/registry_proxy.py" "${@:2}" >"$1.log" 2>&1 &
	registry_pids+=($!)
	proxy=127.0.0.1:$(registry_port "$1.log" $!)
}

registry_stop() {
	if ((${#registry_pids[@]} > 0)); then
		kill "${registry_pids[@]}" 2>/dev/null || true
		wait "${registry_pids[@]}" 2>/dev/null || true
	fi
	registry_pids=()
}

# A layout of the folders given, pushed as NAME:TAG; options are oci_image.py's.
registry_push() { # HOST/NAME:TAG OPTION… FOLDER…
	local to=$1
	rm -rf pushed.oci
	python3 "$SRC/tests/e2e/oci_image.py" pushed.oci "${@:2}"
	# without that folder it looks into one that may be root's
	XDG_RUNTIME_DIR=$PWD skopeo --insecure-policy copy -q --all ${registry_creds:+"--dest-creds=$registry_creds"} \
	    --dest-tls-verify=false oci:pushed.oci:latest "docker://$to" >/dev/null
}
