#!/bin/bash
# What a hostile job in a container tries (tests/escapes/), by crun and by runc, as root and as
# an ordinary user; its image has device nodes and programs that set the user id.
# shellcheck disable=SC2154
set -u
. "$SRC/tests/both-users.sh"
. "$SRC/tests/busybox.sh"
. "$SRC/tests/escapes/outside.sh"
trap outside_clear EXIT

for tool in crun runc skopeo; do
	if ! type -P $tool >/dev/null; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done

busybox_root base
cp base/bin/busybox base/bin/suid
chmod 4755 base/bin/suid
printf 'root:x:0:0::/root:/bin/sh\n' >base/etc/passwd
printf 'root:x:0:\n' >base/etc/group
if [ "$(id -u)" = 0 ]; then
	mknod -m 666 base/disk b 8 0
	mknod -m 666 base/virtual-disk b 254 0
	mknod -m 666 base/memory c 1 1
fi
python3 "$SRC/tests/e2e/oci_image.py" plain.oci --config '{"Env": ["PATH=/bin"]}' base
chmod -R a+rX plain.oci
chmod a+x . "$(dirname "$PWD")"
image=$PWD/plain.oci

check() {
	for PAWL_OCI_RUNTIME in $(type -P crun) $(type -P runc); do
		export PAWL_OCI_RUNTIME
		who="${who%% by *} by $PAWL_OCI_RUNTIME"
		outside_begin
		outside_repository <<-END
		  image: oci:$image
		variables: {OWN_SYSTEM: 1}
		END
		attack -x container
		outside_end
	done
}

both_users
exit $wrong
