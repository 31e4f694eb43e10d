#!/bin/bash
# Limits of memory, processors and processes, what a job has used, and that its control
# group goes with it; where no group can be had, that jobs run all the same and say so.
# shellcheck disable=SC2016 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/both-users.sh"

executors=shell
bwrap --unshare-user --ro-bind / / true 2>/dev/null && executors="shell sandbox"

# in containers: of busybox, by either runtime
mkdir -p base/bin
cp "$(type -P busybox)" base/bin/
for name in sh sleep timeout seq true echo touch; do ln -sf busybox "base/bin/$name"; done
python3 "$SRC/tests/e2e/oci_image.py" box.oci --config '{"Env": ["PATH=/bin"]}' base
box=oci:$PWD/box.oci

# What jobs of an executor begin with; HOG takes 200 MB.
head_of() {
	if [ "$1" = container ]; then
		printf 'default: {image: "%s"}\nvariables: {HOG: busybox dd if=/dev/zero of=/dev/null bs=200M count=1}\n' "$box"
	else
		echo "variables: {HOG: \"python3 -c 'print(len(bytearray(200000000)))'\"}"
	fi
}

run() { (cd repo && as_who timeout 100 pawl run "$@") >"$log" 2>&1; }
says() { grep -q -- "$1" "$log" || bad "not there: $1"; }
says_not() { if grep -q -- "$1" "$log"; then bad "there: $1"; fi; }
groups() { find /sys/fs/cgroup -maxdepth 8 -name 'pawl-job-*' 2>/dev/null | sort; }
# What others run at the same time may have groups, too.
ours() { comm -13 <(echo "$before") <(groups); }
# A living supervisor, which is somebody else's, holds a lock on its group.
left_over() { ours | while read -r dir; do if flock -xn "$dir" true 2>/dev/null; then echo "$dir"; fi; done; }
is_gone() {
	for _ in $(seq 100); do
		if [ -z "$(left_over)" ]; then return; fi
		sleep 0.1
	done
	bad "$1: groups are left: $(left_over)"
}

find_own() {
	repository <<-'END'
	look: {variables: {PAWL_MEMORY_LIMIT: 1g, PAWL_PIDS_LIMIT: "500", PAWL_CPU_LIMIT: "1"}, script: [touch up, sleep 20]}
	END
	(cd repo && exec timeout 30 pawl run -x shell --in-place) >"$log" 2>&1 &
	for _ in $(seq 100); do
		if [ -e repo/up ]; then break; fi
		sleep 0.1
	done
	own_group=$(ours)
	own_files=$(for dir in $own_group; do ls "$dir"; done)
	kill %% && wait %%
}

# 200 MB are more than 60; who takes too much is named, and others of the job are not hurt.
memory() {
	{ head_of "$1" && cat; } <<-'END' | repository
	greedy:
	  variables: {PAWL_MEMORY_LIMIT: 60m}
	  script:
	    - eval "$HOG"
	  after_script: [echo after it]
	lucky:
	  stage: deploy
	  when: always
	  variables: {PAWL_MEMORY_LIMIT: 60m}
	  script:
	    - eval "$HOG" || echo went on
	fine:
	  stage: deploy
	  when: always
	  variables: {PAWL_MEMORY_LIMIT: 400m}
	  script: [eval "$HOG"]
	END
	run -x "$1" && bad "a job that needs more memory than its limit passed"
	says "greedy *| .*failed.*the job was out of memory: its limit is 60 MiB (the job's PAWL_MEMORY_LIMIT)"
	if [ -r /dev/kmsg ] && dmesg >/dev/null 2>&1; then says "out of memory.*; killed: \(python3\|busybox\)"; fi
	says "greedy *| after it"
	says "lucky *| WARNING: the job was out of memory: its limit is 60 MiB"
	says "lucky *| went on"
	says "lucky *| .*passed"
	says "fine .*passed"
	is_gone "memory, $1"
}

bomb() {
	{ head_of "$1" && cat; } <<-'END' | repository
	bomb:
	  variables: {PAWL_PIDS_LIMIT: "60"}
	  script:
	    - sh -c 'bomb() { bomb | bomb & }; bomb' 2>/dev/null || true
	    - sleep 0.5
	    - sh -c 'for i in $(seq 100); do sleep 30 & done'
	other:
	  script:
	    - for i in 1 2 3 4 5 6 7 8; do sleep 0.1; sh -c true || exit 1; done
	    - echo not disturbed
	END
	run -x "$1" -j2 && bad "a shell that may not fork passed"
	says "bomb *| .*[Cc]annot fork\|bomb *| .*Resource temporarily unavailable"
	says "bomb *| WARNING: the job could not start all its processes: its limit is 60 processes"
	says "other *| not disturbed"
	is_gone "fork bomb, $1"
}

# Where nobody sets a limit there is one all the same.
crowd() {
	local most limit
	most=$(sort -n /proc/sys/kernel/{pid_max,threads-max} | head -n 1)
	repository <<-'END'
	look: {script: [cat /proc/self/cgroup >groups, touch up, "while [ ! -e down ]; do sleep 0.1; done"]}
	END
	(cd repo && exec timeout 60 pawl run -x shell --in-place) >"$log" 2>&1 &
	for _ in $(seq 100); do
		if [ -e repo/up ]; then break; fi
		sleep 0.1
	done
	limit=$(for dir in $(ours); do if grep -q "${dir##*/}" repo/groups; then cat "$dir/pids.max" 2>/dev/null; fi; done)
	touch repo/down
	wait %% || bad "the job failed"
	# shellcheck disable=SC2017 # as the runner divides
	[ "$limit" = $((most / 100 * 15)) ] || bad "a job may have $limit processes by default"
	is_gone "the default"
}

# A quarter of a processor, of what a runtime needs to start as well, and half a second.
processors() {
	{ head_of "$1" && cat; } <<-'END' | repository
	busy:
	  variables: {PAWL_CPU_LIMIT: "0.25"}
	  script: ["timeout 2 sh -c 'while :; do :; done' || true"]
	END
	run -x "$1" --json || bad "$1: a limited job failed"
	python3 - "$log" <<-'END' || bad "$1: not a quarter of a processor"
	import json, sys
	events = [json.loads(line) for line in open(sys.argv[1])]
	used = [e["cpu_us"] for e in events if e["event"] == "job" and "cpu_us" in e]
	took = events[-1]["time_us"] - events[0]["time_us"]
	print("used", used, "in", took)
	sys.exit(not used or used[-1] > min(took, 5000000) / 4 + 500000)
	END
}

# 100 MB of memory, 20 of output, some time; and the samples.
usage() {
	repository <<-'END'
	worker:
	  script:
	    - dd if=/dev/zero of=made bs=1M count=20 status=none
	    - python3 -c 'x = bytearray(100000000); import time; time.sleep(1.6)'
	tiny:
	  script: ["true"]
	END
	run -x "$1" || bad "$1: a job failed"
	says "worker *| peak 1[0-9][0-9] MB, [0-9.]* CPU-s"
	says_not "tiny *| peak"
	says "worker .*passed .*peak 1[0-9][0-9].[0-9] MB"
	says_not "limit of"
	set -- "$1" repo/.pawl/logs/*.usage
	if [ $# -ne 2 ] || ! [ -s "$2" ]; then bad "one job of two was long enough for samples: $*"; fi
	awk '/^pawl-usage 1$/ { head = 1 } /^[0-9]/ { n++; if ($2 > most) most = $2; if (NF != 8) wrong = 1 }
		END { exit !(head && n >= 1 && n <= 6 && most > 90000000 && !wrong) }' "$2" ||
		{ cat "$2"; bad "$1: samples"; }
}

nap=$((298000000 + $$)) # nobody else's

# Its supervisor killed: the next run finds the group, and what is in it.
swept() {
	repository <<-END
	long:
	  script:
	    - echo \$PPID >../supervisor-of-job
	    - (setsid env -i sleep $nap &)
	    - sleep $nap
	END
	rm -f supervisor-of-job
	(cd repo && timeout 60 pawl run -x shell -v "CI_BUILDS=x" --in-place) >"$log" 2>&1 &
	for _ in $(seq 300); do
		if [ -s supervisor-of-job ] && pgrep -f "^sleep $nap" >/dev/null; then break; fi
		sleep 0.1
	done
	kill -9 "$(cat supervisor-of-job)"
	wait %%
	is_gone "its supervisor killed"
	if pgrep -f "^sleep $nap" >/dev/null; then bad "a process is left"; fi
}

# Both are killed; the next run tidies up.
swept_later() {
	rm -f supervisor-of-job
	(cd repo && exec pawl run -x shell --in-place) >"$log" 2>&1 &
	for _ in $(seq 300); do
		if [ -s supervisor-of-job ] && pgrep -f "^sleep $nap" >/dev/null; then break; fi
		sleep 0.1
	done
	kill -9 "$(cat supervisor-of-job)" $!
	wait %% 2>/dev/null
	repository <<-'END'
	next: {script: ["true"]}
	END
	run -x shell || bad "the next run failed"
	is_gone "all killed"
	if pgrep -f "^sleep $nap" >/dev/null; then bad "a process is left"; fi
}

# All are killed, and that repository never runs again: another one tidies up, and leaves alone
# what lives beside it.
swept_elsewhere() {
	local living=
	repository <<-'END'
	living: {script: [touch up, "while [ ! -e down ]; do sleep 0.1; done", echo still here]}
	END
	mv repo living
	(cd living && exec timeout 60 pawl run -x shell --in-place) >living.log 2>&1 &
	living=$!
	repository <<-END
	long:
	  script:
	    - (setsid env -i sleep $nap &)
	    - echo \$PPID >../supervisor-of-job
	    - sleep $nap
	END
	rm -f supervisor-of-job
	(cd repo && exec pawl run -x shell --in-place) >"$log" 2>&1 &
	for _ in $(seq 300); do
		if [ -s supervisor-of-job ] && [ -e living/up ] && pgrep -f "^sleep $nap" >/dev/null; then break; fi
		sleep 0.1
	done
	kill -9 "$(cat supervisor-of-job)" $!
	wait $! 2>/dev/null
	rm -rf repo "$HOME"/.cache/pawl/repo-*
	repository <<-'END'
	next: {script: ["true"]}
	END
	mv repo elsewhere
	(cd elsewhere && timeout 60 pawl run -x shell) >"$log" 2>&1 || bad "the next run failed"
	if pgrep -f "^sleep $nap" >/dev/null; then bad "a process is left"; fi
	touch living/down
	wait $living || { cat living.log; bad "a living job was hurt"; }
	is_gone "all killed, for ever"
	rm -rf living elsewhere
}

in_containers() {
	local runtime
	type -P crun >/dev/null && type -P runc >/dev/null || return
	for runtime in crun runc; do
		export PAWL_OCI_RUNTIME
		PAWL_OCI_RUNTIME=$(type -P $runtime)
		if grep -q '^memory[.]' <<<"$own_files"; then memory container; fi
		if [ $runtime = crun ] && grep -q '^pids[.]' <<<"$own_files"; then bomb container; fi
		if [ $runtime = runc ] && grep -q '^cpu[.]\(max\|cfs\)' <<<"$own_files"; then processors container; fi
	done
	unset PAWL_OCI_RUNTIME
}

# Of version 2 alone: runc, left to itself, would make its group beside the job's.
in_version_two() {
	type -P runc >/dev/null && unshare -m sh -c 'umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup' || return
	repository <<-END
	one: {image: "$box", script: [busybox cat /proc/self/cgroup]}
	END
	(cd repo && PAWL_OCI_RUNTIME=$(type -P runc) unshare -m sh -c 'umount -l /sys/fs/cgroup &&
	    mount -t cgroup2 none /sys/fs/cgroup && exec timeout 60 pawl run -x container') >"$log" 2>&1 ||
	    bad "runc: a job in version 2 failed"
	says '0::/.*pawl-job-[0-9a-f]*/pawl-[0-9a-f]*$'
	is_gone "version 2"
}

# Nothing to be had: the limit is said not to hold, and the numbers come from the kernel's
# accounts.
without() {
	repository <<-'END'
	worker:
	  variables: {PAWL_MEMORY_LIMIT: 60m}
	  script:
	    - python3 -c 'x = bytearray(100000000); import time; time.sleep(1.5)'
	END
	(cd repo && as_who timeout 60 "$@" pawl run -x shell) >"$log" 2>&1 || bad "without groups a job failed"
	says "worker *| WARNING: the job's limit of memory (the job's PAWL_MEMORY_LIMIT) does not hold"
	says "worker *| peak 1[0-9][0-9] MB, [0-9.]* CPU-s"
}

refused() {
	repository <<-'END'
	odd: {variables: {PAWL_MEMORY_LIMIT: plenty}, script: ["true"]}
	END
	run -x shell && bad "a limit that is none passed"
	says 'PAWL_MEMORY_LIMIT should be a size such as 512m or 2g, not "plenty"'
}

check() {
	before=$(groups)
	refused
	for x in $executors; do usage "$x"; done
	if [ "${#as[@]}" -gt 0 ]; then
		without # nobody gave this user a group
		return
	fi
	find_own
	is_gone "a look around"
	if [ "$(id -u)" -ne 0 ] && [ -z "$own_group" ]; then
		without
		return
	fi
	if [ -n "$own_group" ]; then
		swept
		swept_later
		swept_elsewhere
	fi
	if grep -q '^pids[.]' <<<"$own_files"; then crowd; fi
	for x in $executors; do
		if grep -q '^memory[.]' <<<"$own_files"; then memory "$x"; fi
		if grep -q '^pids[.]' <<<"$own_files"; then bomb "$x"; fi
	done
	if grep -q '^cpu[.]\(max\|cfs\)' <<<"$own_files"; then processors shell; fi
	in_containers
	if [ "$(id -u)" -ne 0 ]; then return; fi
	in_version_two
	without unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"' sh
}

both_users
exit $wrong
