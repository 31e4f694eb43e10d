# Sourced by tests that push over ssh: a server of ssh of their own, as whoever runs the
# test, on a port that is free, with keys made on the spot.
# usage: sshd_start [LINE OF sshd_config]…; then `git push "$ssh_url/PATH"`
# shellcheck shell=bash disable=SC2034

sshd_start() {
	local sshd pam=no
	sshd=$(PATH=$PATH:/usr/sbin:/sbin type -P sshd) || {
		echo 'skipped: there is no sshd'
		exit 77
	}
	mkdir -p ssh
	for key in host user; do
		[ -e ssh/$key ] || ssh-keygen -q -t ed25519 -N '' -C "$key" -f ssh/$key
	done
	[ -e ssh/authorized_keys ] || cp ssh/user.pub ssh/authorized_keys
	if [ "$(id -u)" = 0 ]; then
		mkdir -p /run/sshd
		# without PAM it refuses who has no password at all
		case $(getent shadow root | cut -d: -f2) in '!'*) pam=yes ;; esac
	fi
	ssh_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	cat >ssh/config <<END
Port $ssh_port
ListenAddress 127.0.0.1
HostKey $PWD/ssh/host
AuthorizedKeysFile $PWD/ssh/authorized_keys
PidFile none
StrictModes no
UsePAM $pam
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
END
	printf '%s\n' "$@" >>ssh/config
	"$sshd" -D -e -f ssh/config >ssh/log 2>&1 &
	sshd_pid=$!
	ssh_url=ssh://$(id -un)@127.0.0.1:$ssh_port
	export GIT_SSH_COMMAND="ssh -F /dev/null -i $PWD/ssh/user -o IdentitiesOnly=yes \
-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
	until grep -q 'Server listening' ssh/log; do kill -0 $sshd_pid || { cat ssh/log; exit 1; }; sleep 0.05; done
}
