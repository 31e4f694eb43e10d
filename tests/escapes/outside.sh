# Sourced by tests/e2e/escape-*.sh after tests/both-users.sh: what lies around a cage while
# tests/escapes/attempts.sh runs in it, and whether all of it is as it was.
# shellcheck shell=bash disable=SC2154,SC2016,SC2086,SC2116

for tool in python3 ipcmk busybox; do
	if ! type -P "$tool" >/dev/null; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done

outside_pids=()
outside_folders=()
outside_shm=

# It must hold for all that is known of a secret: one of its own each time.
outside_begin() {
	local i
	secret=canary$RANDOM$RANDOM$RANDOM
	home=$("${as[@]}" printenv HOME)
	beside=$(as_who mktemp -d /tmp/pawl-escape-XXXXXX)
	memory=$(as_who mktemp -d /dev/shm/pawl-escape-XXXXXX)
	outside_folders+=("$beside" "$memory")
	canaries=
	for i in "$home/canary" "$beside/canary" "$memory/canary"; do
		as_who mkdir -p "$i"
		echo "$secret" | as_who tee "$i/key" >/dev/null
		as_who chmod 600 "$i/key"
		canaries+=" $i/key $i"
	done
	make_cgroup
	"${as[@]}" env PAWL_CANARY="$secret" sleep 600 &
	outsider=$!
	outside_pids+=("$outsider")
	as_who python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$beside/socket"
	outside_shm=$(as_who ipcmk -M 64 -p 600 | grep -oE '[0-9]+$')
	shm_key=$(ipcs -m | awk -v id="$outside_shm" '$2 == id { print $1 }')
	[ -n "$shm_key" ] || bad 'no memory to share'
	until grep -qa '^sleep' "/proc/$outsider/cmdline" && grep -q '^State:.S' "/proc/$outsider/status"; do sleep 0.01; done
	facts >facts.before
}

# One that was given to an ordinary user, as systemd does, with all that is in it.
make_cgroup() {
	local top=/sys/fs/cgroup
	cgroup=
	if [ -d $top/unified ]; then top=$top/unified; fi
	if ((${#as[@]} == 0)) || ! mkdir "$top/pawl-escape-$$" 2>/dev/null; then return; fi
	cgroup=$top/pawl-escape-$$
	chown -R "$("${as[@]}" id -u)" "$cgroup"
	canaries+=" $cgroup/cgroup.procs $cgroup"
}

# What a job must not change; not what others change beside it.
facts() {
	cat /proc/sys/kernel/{core_pattern,hostname} /proc/sys/vm/overcommit_memory
	stat -c '%n %a %u %g %s %Y' $canaries "$beside/socket"
	cat "$beside/canary/key" "$home/canary/key" "$memory/canary/key"
	ls -a "$home/canary" "$beside" "$memory" "$beside/canary" "$memory/canary"
	cat /sys/class/net/lo/mtu
	ipcs -m | awk -v id="$outside_shm" '$2 == id { print $1, $4 }'
	tr '\0' ' ' <"/proc/$outsider/cmdline" || echo 'the process is gone'
	sed -n 's/^\(State\|TracerPid\):/&/p' "/proc/$outsider/status" | tr -d '\n'
	find /sys/fs/cgroup -maxdepth 4 -name escaped
	ls -d /escaped /usr/escaped /etc/escaped /opt/escaped 2>/dev/null
	for file in /etc/shadow /etc/passwd /usr/bin/env; do stat -c '%n %a %u %s %Y' $file; done
}

outside_end() {
	facts >facts.after
	diff facts.before facts.after || bad 'something outside was changed'
	ipcrm -m "$outside_shm"
	outside_shm=
	kill "$outsider"
	wait "$outsider" 2>/dev/null
	rm -rf "$beside" "$memory" "$home/canary"
	if [ -n "$cgroup" ]; then rmdir "$cgroup"; fi
}

outside_clear() {
	if ((${#outside_pids[@]} > 0)); then kill "${outside_pids[@]}" 2>/dev/null; fi
	if [ -n "${cgroup-}" ] && [ -d "$cgroup" ]; then find "$cgroup" -depth -type d -exec rmdir {} +; fi
	if [ -n "$outside_shm" ]; then ipcrm -m "$outside_shm"; fi
	if ((${#outside_folders[@]} > 0)); then rm -rf "${outside_folders[@]}"; fi
}

# A repository whose job `attack` tries everything, whose `victim` is there meanwhile, and
# whose `next` looks whether it gets what was committed. More of the jobs from standard
# input: what stands below `default:`.
outside_repository() {
	local reversed
	reversed=$(rev <<<"$secret")
	{
		echo 'default:'
		cat
		cat <<-END
		attack:
		  variables:
		    TOOL: ./escape-tool
		    SECRET: $reversed
		    CANARY: "$(echo $canaries)"
		    OUTSIDE: "$outsider"
		    SHARED: "$shm_key"
		    SOCKETS: "$beside/socket"
		  script:
		    - mkdir bin && ./busybox --install -s bin && PATH="\$PATH:\$PWD/bin" sh ./attempts.sh
		    - echo escaped >>source/file; rm -rf .git; rm -f .gitlab-ci.yml; chmod -R 777 .
		    - cp busybox suid; chmod 6755 suid; echo escaped >/tmp/left; mkdir -p \$HOME; echo escaped >\$HOME/left
		victim:
		  variables: {REVERSED: $reversed}
		  script:
		    - export OWN=\$(echo \$REVERSED | ./busybox rev)
		    - echo \$OWN | ./busybox tee mine >/tmp/mine
		    - 'echo ready: \$REVERSED'
		    - while ./busybox sleep 0.2; do :; done
		  after_script:
		    - 'test "\$(cat mine)" = "\$(cat /tmp/mine)" && test "\$(cat source/file)" = whole && ./busybox rev <mine | ./busybox sed "s/^/victim has /"'
		next:
		  script: ['test "\$(cat source/file)" = whole && test ! -e suid && test ! -e /tmp/left && test ! -e "\$HOME/left"']
		END
	} | repository
	as_who mkdir repo/source
	echo whole | as_who tee repo/source/file >/dev/null
	cp "$BUILD/tests/escape-tool" "$SRC/tests/escapes/attempts.sh" "$(type -P busybox)" repo
	chmod a+rx repo/{escape-tool,attempts.sh,busybox}
	as_who git -C repo add . && as_who git -C repo commit -qm two
}

# All that later jobs are made of.
kept_files() {
	(cd "$home/.cache/pawl" && find . \( -path '*/snapshots/*/tree/*' -o -path '*/images/layers/*' \) -not -name '*.lock' \
	    -printf '%p %m %s %T@ %l\n' | sort && find . -type f -path '*/snapshots/*/tree/*' -exec sha256sum {} + | sort)
}

pawl_run() { (cd repo && exec "${as[@]}" timeout 100 pawl run "$@"); }

# With the options given to pawl run.
attack() {
	local run i
	pawl_run "$@" next >"$log" 2>&1 || bad 'the first one failed'
	kept_files >kept.before
	(cd repo && exec "${as[@]}" pawl run -j2 "$@" attack victim) >"$log" 2>&1 &
	run=$!
	for ((i = 0; i < 900; i++)); do
		if grep -q '^attack | \* [pf]a' "$log" && grep -q 'ready: ' "$log" || ! kill -0 $run; then break; fi
		sleep 0.1
	done
	kill -TERM $run
	wait $run
	grep -q '^attack | \* passed' "$log" || bad 'the attack failed'
	grep -q 'tried everything' "$log" || bad 'not everything was tried'
	if grep -q ESCAPED "$log"; then bad 'it got out'; fi
	if grep -q "$secret" "$log"; then bad 'the secret was seen'; fi
	grep -q "victim has $(rev <<<"$secret")" "$log" || bad 'the victim was hurt'
	pawl_run "$@" next >"$log" 2>&1 || bad 'the next one failed'
	kept_files >kept.after
	diff kept.before kept.after || bad 'what later jobs are made of was changed'
	[ -s kept.after ] || bad 'nothing is kept'
	if [ -n "$(find "$home/.cache/pawl" -path '*/jobs/*/*' | head -n 3)" ]; then bad 'files of jobs are left'; fi
}
