# Sourced by tests that need PostgreSQL and Redis as images: Debian's packages, unpacked once
# into cache/ of the build folder ($PAWL_TEST_CACHE names another). Ends with 77 where that
# cannot be had. Sets databases (a tar of the root) and makes entry/, the layer over it.

# shellcheck shell=bash disable=SC2016,SC2034
image_env='"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]'
debian_config="{$image_env}"
ill_config="{$image_env, \"ExposedPorts\": {\"9/tcp\": {}}}"
postgres_config="{$image_env, \"Entrypoint\": [\"postgres-entry\"], \"Cmd\": [\"postgres\"],
    \"ExposedPorts\": {\"5432/tcp\": {}}}"
redis_config="{$image_env, \"ExposedPorts\": {\"6379/tcp\": {}},
    \"Cmd\": [\"redis-server\", \"--bind\", \"0.0.0.0\", \"--protected-mode\", \"no\"],
    \"Healthcheck\": {\"Test\": [\"CMD-SHELL\", \"redis-cli ping | grep -q PONG\"]}}"

# Made by one test at a time; whoever comes later has it.
debian_root() { # NAME PACKAGE…: prints where the tar lies
	local dir=${PAWL_TEST_CACHE:-$BUILD/cache}/debian-12 name=$1
	shift
	mkdir -p "$dir"
	(
		flock 9
		if [ -e "$dir/$name.tar" ]; then exit; fi
		# its other users must get there
		TMPDIR=/tmp mmdebstrap --quiet --variant=minbase --mode="$([ "$(id -u)" = 0 ] && echo root || echo unshare)" \
		    --include="$(IFS=,; echo "$*")" --customize-hook='cd "$1" && rm -rf var/cache/apt/* var/lib/apt/lists/* var/lib/postgresql/15' \
		    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
		    --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' --dpkgopt='path-exclude=/usr/lib/*/libz3*' \
		    --dpkgopt='path-exclude=/usr/lib/postgresql/15/lib/bitcode/*' \
		    bookworm "$dir/$name.new.tar" >mmdebstrap.log 2>&1 && mv "$dir/$name.new.tar" "$dir/$name.tar"
	) 9>"$dir/$name.lock"
	if [ ! -e "$dir/$name.tar" ]; then
		tail -n 5 mmdebstrap.log
		echo "skipped: no image can be made of Debian's packages here"
		exit 77
	fi >&2
	echo "$dir/$name.tar"
}

if ! type -P mmdebstrap >/dev/null; then
	echo "skipped: mmdebstrap is not installed"
	exit 77
fi
databases=$(debian_root databases postgresql-15 redis-server redis-tools postgresql-client) || exit
mkdir -p entry/usr/local/bin
cat >entry/usr/local/bin/postgres-entry <<'END'
#!/bin/sh
# as the official image has it: root makes the folder, then becomes another
set -e
if [ "$(id -u)" = 0 ]; then
	mkdir -p /data && chown postgres /data
	exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
bin=/usr/lib/postgresql/15/bin
echo "$POSTGRES_PASSWORD" >/tmp/password
$bin/initdb -D /data -U postgres --pwfile=/tmp/password -A md5 >/dev/null
echo 'host all all all md5' >>/data/pg_hba.conf
exec $bin/"$@" -D /data -c listen_addresses='*' -c unix_socket_directories=/tmp
END
chmod 755 entry/usr/local/bin/postgres-entry
