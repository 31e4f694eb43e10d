#!/bin/bash
# Caches and artifacts of `pawl run` are laid over the source by the mount of the workspace;
# where workspaces are copies, jobs find the same. Killed in between, nothing is left in use.
# shellcheck disable=SC2016 # what stands in quotes is for the jobs
set -u

wrong=0
log=$PWD/log
bad() {
	echo "$@"
	cat "$log"
	wrong=1
}
run() { pawl run "$@" >"$log" 2>&1 || bad "pawl run $* ended with $?"; }

git init -q -b main repo && cd repo || exit 1
mkdir src && echo one >src/a
cat >.gitlab-ci.yml <<'EOT'
stages: [one, two]
make:
  stage: one
  script:
    - 'echo "layers: $(grep -c "" <(grep -o "\.layers" /proc/self/mountinfo))"'
    - mkdir -p deps out && echo "$CI_JOB_ID" >>deps/rounds && rm -f deps/old
    - test -e deps/first || touch deps/first deps/old
    - for i in 1 2 3; do echo "$i" >out/$i; done && ln -s 1 out/link && cp -p src/a out/a
  cache: {key: k, paths: [deps/]}
  artifacts: {paths: [out/]}
get:
  stage: two
  script:
    - 'echo "layers: $(grep -c "" <(grep -o "\.layers" /proc/self/mountinfo))"'
    - test "$(cat out/1 out/2 out/3 | xargs)" = "1 2 3" && test "$(readlink out/link)" = 1
    - '! test out/a -ot src/a && test deps/rounds -ot src/a'
    - 'echo "rounds: $(wc -l <deps/rounds) $(ls deps | xargs)"'
  cache: {key: k, paths: [deps/], policy: pull}
EOT
git add . && git commit -qm one

# as many layers as there are, when something can be mounted
run
layers=$(sed -n 's/.*| layers: //p' "$log" | xargs)
grep -q 'rounds: 1 first old rounds' "$log" || bad "the first round"
run
grep -q 'rounds: 2 first rounds' "$log" || bad "the second round"
more=$(sed -n 's/.*| layers: //p' "$log" | xargs)
if [ "$layers" != "0 0" ]; then
	[ "$layers" = "0 2" ] || bad "the first round had $layers layers, not 0 and 2"
	[ "$more" = "1 3" ] || bad "the second round had $more layers, not 1 and 3"
fi

# a copy finds what was laid over the source, and the other way round
PAWL_WORKSPACE=copy run
grep -q 'rounds: 3 first rounds' "$log" || bad "the third round, in a copy"
[ "$(sed -n 's/.*| layers: //p' "$log" | xargs)" = "0 0" ] || bad "a copy has layers"
run
grep -q 'rounds: 4 first rounds' "$log" || bad "the fourth round"

# people find the archives
for archive in .pawl/artifacts/*/artifacts.tar.zst; do
	[ "$(tar -tf "$archive" | grep -c 'out/[123]$')" = 3 ] || bad "$archive is not whole"
done
run get
grep -q 'rounds: 4' "$log" || bad "a job by itself"

# ---- killed at any moment ----------------------------------------------------------------

for ms in 05 10 15 20 30 40 60 90; do
	pawl run >"$log" 2>&1 &
	pid=$!
	sleep 0.$ms
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
done
sleep 1.5 # supervisors whose runner is gone have a second
run
grep -q 'rounds: [0-9]* first rounds' "$log" || bad "after the kills"
run
unnamed() {
	for id in .pawl/cache/.layers/*/tree; do
		[ -e "$id" ] || continue
		id=$(basename "$(dirname "$id")")
		grep -rqs "$id" --include=layers.set .pawl/cache || echo "$id"
	done
}
# What nobody names goes with the next sweep, which saving a cache brings. A job that makes a
# new base has the layers before it mounted meanwhile: they go with the sweep after that.
[ -z "$(unnamed)" ] || run
[ -z "$(unnamed)" ] || bad "layers are left in the cache: $(unnamed | xargs)"
[ -z "$(ls .pawl/cache/.layers/leases)" ] || bad "leases are left"

exit $wrong
