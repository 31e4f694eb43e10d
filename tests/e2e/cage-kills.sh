#!/bin/bash
# Jobs of every executor, ended and killed at random moments: nothing of them is left on the
# machine (cage-kills.py). SEED repeats a history, ROUNDS says how many there are.
set -eu
. "$SRC/tests/registry.sh"
trap registry_stop EXIT

kinds=(shell)
if bwrap --unshare-user --ro-bind / / true 2>/dev/null; then kinds+=(sandbox); fi
mkdir -p base/{bin,etc,tmp}
chmod 1777 base/tmp
cp "$(type -P busybox)" base/bin/busybox
for name in $(busybox --list); do [ -e "base/bin/$name" ] || ln -s busybox "base/bin/$name"; done
python3 "$SRC/tests/e2e/oci_image.py" plain.oci --config '{"Env": ["PATH=/bin"]}' base
export IMAGE=oci:$PWD/plain.oci
for runtime in crun runc; do
	if type -P $runtime >/dev/null; then kinds+=("$runtime"); fi
done
if ((${#kinds[@]} > 2)); then
	head -c 600000 /dev/urandom >base/large
	registry_start plain
	registry_push "$registry/large:1" base
	proxy_start slow "$registry" slow 1000000
	export FETCHED=$proxy/large:1
	kinds+=(fetch)
	if type -P slirp4netns >/dev/null && { unshare -n true || unshare -Urn true; } 2>/dev/null; then kinds+=(services); fi
fi
python3 "$SRC/tests/e2e/cage-kills.py" "${ROUNDS:-$((${#SOAK} > 0 ? 600 : 12))}" "${kinds[@]}"
