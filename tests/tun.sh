# Sourced first by tests with a network of slirp4netns as an ordinary user. On a usual machine
# udev has opened its device to everybody; here root's tests have one of their own, which is.
# shellcheck shell=bash
if [ -z "${own_tun-}" ] && [ "$(id -u)" -eq 0 ] && [ -c /dev/net/tun ] && unshare --mount true 2>/dev/null; then
	own_tun=1 exec unshare --mount --propagation slave sh -c \
	    'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$@"' sh bash "$0" "$@"
fi
