# Sourced by tests that make images of their own.
# shellcheck shell=bash

busybox_root() { # FOLDER: a root with /bin of busybox, /etc and /tmp
	local name
	mkdir -p "$1"/{bin,etc,tmp}
	chmod 1777 "$1/tmp"
	cp "$(PATH=/usr/bin:/bin type -P busybox)" "$1/bin/busybox"
	for name in $(busybox --list); do [ -e "$1/bin/$name" ] || ln -s busybox "$1/bin/$name"; done
}
