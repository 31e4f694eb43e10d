#!/bin/bash
# Jobs of every executor, ended and killed at random moments, as root and as an ordinary user:
# nothing of them is left on the machine (cage-kills.py). SEED repeats a history, ROUNDS says
# how many there are for each user.
set -u
. "$SRC/tests/tun.sh"
. "$SRC/tests/registry.sh"
. "$SRC/tests/both-users.sh"
. "$SRC/tests/busybox.sh"
trap registry_stop EXIT

busybox_root base
python3 "$SRC/tests/e2e/oci_image.py" plain.oci --config '{"Env": ["PATH=/bin"]}' base
layout=$PWD/plain.oci
head -c 600000 /dev/urandom >base/large
registry_start plain
registry_push "$registry/large:1" base
proxy_start slow "$registry" slow 1000000
export FETCHED=$proxy/large:1

check() {
	local kinds=(shell) runtime rounds=${ROUNDS-}
	if can bwrap --unshare-user --ro-bind / / true; then kinds+=(sandbox); fi
	for runtime in crun runc; do
		if type -P $runtime >/dev/null; then kinds+=("$runtime"); fi
	done
	if ((${#kinds[@]} > 2)); then
		kinds+=(fetch)
		if can_serve; then kinds+=(services); fi
	fi
	if [ -z "$rounds" ]; then rounds=$((${#SOAK} > 0 ? 300 : ${#as[@]} > 0 ? 6 : 9)); fi
	[ -e plain.oci ] || cp -r "$layout" .
	chmod -R a+rX plain.oci
	export IMAGE=oci:$PWD/plain.oci AS="${as[*]}"
	AS_HOME=$("${as[@]}" printenv HOME) python3 "$SRC/tests/e2e/cage-kills.py" "$rounds" "${kinds[@]}" || wrong=1
}

both_users
exit $wrong
