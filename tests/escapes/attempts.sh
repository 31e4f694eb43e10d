# What a hostile job would try: run as a job's script in each executor, by sh or busybox.
# Whatever works is a line "ESCAPED …" on standard output; the end is "tried everything".
# What lies outside is told by the environment:
#   TOOL     tests/escape_tool.c, built
#   SECRET   a word nobody in here may come across; written backwards, so that it is not here
#   CANARY   paths of files and folders outside, readable by whoever runs pawl
#   OUTSIDE  the number of a process outside, of whoever runs pawl
#   SHARED   the key of a piece of memory outside
#   SOCKETS  paths of sockets outside
#   ENGINE   set where an engine makes the container: its device nodes and files are its own
# shellcheck shell=sh disable=SC2153,SC2016,SC2002,SC2012,SC2013

secret=$(printf '%s' "$SECRET" | rev)
escaped() { echo "ESCAPED $*"; }
# NAME COMMAND…: must not work
may_not() {
	name=$1
	shift
	if "$@" >/dev/null 2>&1; then escaped "$name"; fi
}
writes() { sh -c 'echo escaped >"$0"' "$1"; }

# ---- system calls
for call in $("$TOOL" list); do
	case $call in
	# an engine has a filter and capabilities of its own, which let these through: they
	# reach nothing outside by themselves, and there is no console in there
	paste-selection | raw-packets | io-uring | i386 | keyctl | unshare-user | clone-user | clone3-user)
		if [ -n "${ENGINE-}" ]; then continue; fi
		set --
		;;
	signal-outside) set -- "$OUTSIDE" ;;
	shared-memory) set -- "$SHARED" ;;
	leave-root) set -- "${CANARY%% *}" ;;
	*) set -- ;;
	esac
	"$TOOL" "$call" "$@" 2>/dev/null
	case $? in
	0) escaped "$call" ;;
	1 | 159) ;; # refused
	*) escaped "$call ended oddly" ;;
	esac
done
kill -0 1 2>/dev/null || [ -e /proc/1/stat ] || escaped 'pid 1 is gone'

# ---- other processes
may_not 'environment of pid 1' cat /proc/1/environ
may_not 'files of pid 1' readlink /proc/1/fd/3
may_not 'memory map of pid 1' cat /proc/1/maps
may_not 'root of pid 1' ls /proc/1/root/
may_not 'folder of pid 1' ls /proc/1/cwd/
may_not 'speaking through the files of pid 1' sh -c 'for f in 3 4 5 6; do echo x >/proc/1/fd/$f && exit 0; done; exit 1'
for process in /proc/[0-9]*; do
	if cat "$process/environ" 2>/dev/null | tr "\0" "\n" | grep -q "$secret"; then escaped "environment of ${process#/proc/}"; fi
	if cat "$process/cmdline" 2>/dev/null | tr "\0" "\n" | grep -q -e pawl-supervise -e pawl-runner -e 'pawl run'; then
		escaped "sees process ${process#/proc/}"
	fi
	for way in root cwd; do
		for file in $CANARY; do may_not "$process/$way$file" ls "$process/$way$file"; done
	done
done
[ "$(ls -d /proc/[0-9]* | wc -l)" -lt 24 ] || escaped 'sees many processes'

# ---- files outside
for file in $CANARY; do
	may_not "sees $file" ls "$file"
	may_not "reads $file" cat "$file"
	may_not "links to $file" ln "$file" hard-link
	may_not "changes the mode of $file" chmod 4777 "$file"
	ln -s "$file" soft-link && may_not "reads $file by a link" cat soft-link
	rm -f soft-link
done
# where a folder of that name can be made in here it is another: seen from outside
for file in $CANARY; do
	ln -s "$file" soft-link
	mkdir -p "${file%/*}" 2>/dev/null
	writes "$PWD/soft-link" 2>/dev/null
	writes "$file" 2>/dev/null
	rm -rf soft-link "$file" 2>/dev/null
done
for place in /builds /dev/shm /etc /home /media /mnt /root /run /srv /tmp /var "$HOME" "$PWD" .. ../..; do
	found=$(find "$place" -xdev -type f -size -64k -exec grep -ls "$secret" {} + 2>/dev/null </dev/null | head -n 3)
	[ -z "$found" ] || escaped "the secret is in $found"
done
for file in /etc/shadow /etc/gshadow /etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ed25519_key; do
	if [ -z "${OWN_SYSTEM-}" ]; then may_not "reads $file" grep -q . "$file"; fi
done
for socket in $SOCKETS /run/docker.sock /var/run/docker.sock /run/podman/podman.sock /run/dbus/system_bus_socket \
    /run/containerd/containerd.sock /run/systemd/private; do
	may_not "sees socket $socket" ls "$socket"
done
if [ -z "${OWN_SYSTEM-}" ]; then
	for place in /usr /usr/bin /etc /opt /lib /bin; do may_not "writes $place" writes "$place/escaped"; done
fi
# the layers and folders the workspace is made of
for folder in $(grep -oE '(lowerdir|upperdir|workdir)=[^, ]*' /proc/self/mounts | sed 's/^[a-z]*=//; s/:/ /g'); do
	may_not "sees layer $folder" ls "$folder"
done

# ---- the kernel
for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hotplug /proc/sys/vm/drop_caches \
    /proc/sys/vm/overcommit_memory /proc/sys/net/ipv4/ip_forward /proc/sys/fs/binfmt_misc/register /proc/sysrq-trigger \
    /proc/mtrr /sys/kernel/mm/ksm/run /sys/kernel/uevent_helper /sys/power/state /sys/module/kernel/parameters/panic; do
	# opened, not written: where it works nothing shall happen to the machine
	may_not "opens $file" sh -c ': >>"$0"' "$file"
done
# but for what is of a namespace of the job's own
found=$(find /proc/sys /sys -type f -writable 2>/dev/null | grep -v -E '/fs/mqueue/|/sys/kernel/(auto_msg|msg|ns_last_pid|pid_max|sem|shm)' | head -n 3)
[ -z "$found" ] || escaped "may write $found"
for folder in $(sed -n 's/^[^ ]* \([^ ]*\) cgroup2\{0,1\} .*/\1/p' /proc/self/mounts); do
	for below in "$folder" "$folder"/*/; do may_not "makes a cgroup in $below" mkdir "$below/escaped"; done
done
may_not 'kernel memory' sh -c 'test -s /proc/kcore || head -c 1 /proc/kcore | grep -q .'
may_not 'addresses of the kernel' grep -q '^0*[1-9a-f][0-9a-f]* ' /proc/kallsyms
may_not 'messages of the kernel' dmesg
# a device in the image or on the machine
for device in $(find / -xdev \( -type b -o -type c \) 2>/dev/null | grep -v -E '^/(dev|proc|sys)/'); do
	may_not "opens device $device" head -c 1 "$device"
done
[ -z "$(find /dev -type b 2>/dev/null)" ] || escaped "$(find /dev -type b | head -n 2)"
for device in mem kmem port kvm fuse net/tun loop-control mapper/control vda sda; do may_not "opens /dev/$device" head -c 1 "/dev/$device"; done

# ---- what pawl has in here
may_not 'writes pawl-init' writes /run/pawl-init
may_not 'replaces pawl-init' rm -f /run/pawl-init
for socket in $(find / -xdev -type s 2>/dev/null | head); do escaped "socket $socket"; done
[ -z "$(find / -xdev \( -path /usr -prune \) -o \( -name job.json -o -name spec.json -o -name result.json -o -name spool \) -print 2>/dev/null)" ] ||
    escaped 'sees files of a supervisor'

echo 'tried everything'
