#!/bin/bash
# Jobs of the executor docker, ended and killed at random moments: no container, network or
# volume is left at the engine, and nothing on the machine (cage-kills.py). SEED repeats a
# history, ROUNDS says how many there are for each engine.
set -u
. "$SRC/tests/engine.sh"
trap end_engines EXIT

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: starting a container engine needs root"
	exit 77
fi
engines=(docker)
rounds=${ROUNDS:-6}
if [ -n "${SOAK-}" ]; then
	engines+=(podman)
	rounds=${ROUNDS:-200}
fi
make_box
wrong=0
on_engine() {
	local kinds=(docker)
	if has_networks; then kinds+=(docker-services); fi
	# what the engine's own programs work on meanwhile is not of the jobs
	mkdir -p "$engine_name-kills"
	export ENGINE=$engine DOCKER_HOST=unix://$engine ENGINE_IMAGE=volume:1
	(cd "$engine_name-kills" && python3 "$SRC/tests/e2e/cage-kills.py" "$rounds" "${kinds[@]}") || wrong=1
}
for_engines "${engines[@]}"
exit $wrong
