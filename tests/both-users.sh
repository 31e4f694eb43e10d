# Sourced by tests that run the same as whoever tests and, where that is root, as an
# ordinary user: a user nobody gave a name or a process to, with programs of its own.
# Expects a function `check WHO` and the settings of tests/env.sh; sets `wrong`.

# shellcheck shell=bash disable=SC2034
wrong=0
log=$PWD/log
bad() {
	echo "$who: $*"
	cat "$log"
	wrong=1
}

# "pawl …" of the one it is now, in the current folder
as_who() { "${as[@]}" "$@"; }
can() { as_who "$@" 2>/dev/null; }
# services in a network of their own
can_serve() { type -P slirp4netns >/dev/null && { can unshare -n true || can unshare -Urn true; }; }

both_users() {
	local uid=61191 here before
	as=() who=$(id -un)
	check
	if [ "$(id -u)" -ne 0 ]; then return; fi
	here=$(mktemp -d /tmp/pawl-user-XXXXXX)
	before=$(trap -p EXIT) # trap -- 'COMMAND' EXIT, or nothing
	before=${before#trap -- \'} before=${before%\' EXIT}
	# shellcheck disable=SC2064
	trap "${before:-:}; chmod -R u+rwX '$here'; rm -rf '$here'" EXIT
	mkdir "$here/bin" "$here/tmp" "$here/home"
	cp "$BUILD"/pawl "$BUILD"/pawl-{runner,supervise,init} "$here/bin/"
	chmod 755 "$here" "$here/bin"
	chown -R $uid:$uid "$here/tmp" "$here/home"
	as=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups -- env PATH="$here/bin:$PATH"
	    PAWL_LIBEXEC="$here/bin" HOME="$here/home" TMPDIR="$here/tmp")
	who="an ordinary user"
	cd "$here/tmp" || exit 1
	check
}

# A repository of the one it is now, from standard input as its pipeline file.
repository() {
	rm -rf repo
	as_who mkdir repo
	cat >repo.yml
	as_who git init -q -b main repo
	as_who cp repo.yml repo/.gitlab-ci.yml
	as_who git -C repo add .
	as_who git -C repo commit -qm one
}

# Somebody of this machine listens: sets `port` and `listener`, its process.
listen_nearby() {
	mkfifo told
	timeout 60 python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
while True: s.accept()[0].close()' >told &
	listener=$!
	read -r port <told
	rm told
}
