#!/bin/bash
# Runner, supervisors and server killed at random moments, jobs canceled, over their time and
# aborted, in the sandbox and in containers, with services, as root and as an ordinary user:
# nothing is left when they have ended and the runner is stopped, and what should have gone on
# has (runner-kills.py). SEED repeats a history, ROUNDS says how many there are for each user.
set -u
. "$SRC/tests/tun.sh"
. "$SRC/tests/registry.sh"
. "$SRC/tests/both-users.sh"
. "$SRC/tests/busybox.sh"
trap registry_stop EXIT

busybox_root base
registry_start plain
registry_push "$registry/plain:1" --config '{"Env": ["PATH=/bin"]}' base
export IMAGE=$registry/plain:1

check() {
	local kinds=() rounds=${ROUNDS-}
	if can bwrap --unshare-user --ro-bind / / true; then kinds+=(sandbox); fi
	if type -P crun runc >/dev/null; then
		kinds+=(container)
		if can_serve; then
			kinds+=(served-container served-sandbox)
		fi
	fi
	if ((${#kinds[@]} == 0)); then
		echo 'skipped: neither bubblewrap nor an OCI runtime works here'
		exit 77
	fi
	if [ -z "$rounds" ]; then rounds=$((${#SOAK} > 0 ? 300 : 3)); fi
	AS="${as[*]}" python3 "$SRC/tests/e2e/runner-kills.py" "$BUILD" "$rounds" "${kinds[@]}" || wrong=1
}

both_users
exit $wrong
