#!/bin/bash
# Services: a real PostgreSQL and a real Redis beside jobs in containers and in the sandbox;
# what is said when one does not come up; that nothing is left.
# shellcheck disable=SC2016,SC2154 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/tun.sh"
. "$SRC/tests/both-users.sh"
for tool in skopeo slirp4netns python3; do
	if ! type -P $tool >/dev/null; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done
if ! type -P crun >/dev/null && ! type -P runc >/dev/null; then
	echo "skipped: neither crun nor runc is installed"
	exit 77
fi
if ! unshare -n true 2>/dev/null && ! unshare -Urn true 2>/dev/null; then
	echo "skipped: no network namespaces here"
	exit 77
fi

passes() {
	(cd repo && as_who timeout 120 pawl run "$@") >"$log" 2>&1 || bad "$*: ended with $?"
}
says() { grep -qE -- "$1" "$log" || bad "not there: $1"; }

# ---- the images: Debian's packages, made once ------------------------------------------

. "$SRC/tests/databases.sh"
image() { python3 "$SRC/tests/e2e/oci_image.py" "$@"; }
image debian.oci --config "$debian_config" "$databases"
image ill.oci --config "$ill_config" "$databases"
image postgres.oci --config "$postgres_config" "$databases" entry
image redis.oci --config "$redis_config" "$databases"
chmod -R a+rX ./*.oci
chmod a+x "$(dirname "$PWD")" .
images=$PWD

databases() {
	repository <<-END
	variables: {PGPASSWORD: secret}
	stages: [use, after]
	both:
	  stage: use
	  image: oci:$images/debian.oci
	  services:
	    - {name: "oci:$images/postgres.oci", alias: "db,postgres", variables: {POSTGRES_PASSWORD: secret}}
	    - {name: "oci:$images/redis.oci", alias: redis}
	  script:
	    - psql -qAt -h postgres -U postgres -c 'create table t (n int); insert into t values (41)'
	    - test "\$(psql -qAt -h db -U postgres -c 'select n + 1 from t')" = 42
	    - test "\$(redis-cli -h redis incr hits)" = 1 && echo both answer
	  after_script: [redis-cli -h redis get hits]
	sandbox:
	  stage: use
	  services: [{name: "oci:$images/redis.oci", alias: redis}]
	  script:
	    - exec 3<>/dev/tcp/redis/6379
	    - printf 'INCR hits\r\n' >&3 && read -r answer <&3 && echo "sandbox heard \$answer"
	other:
	  stage: after
	  image: oci:$images/debian.oci
	  services: [{name: "oci:$images/redis.oci", alias: redis}]
	  script: [test "\$(redis-cli -h redis incr hits)" = 1]
	END
	passes "$@"
	says 'Waiting for services to be up'
}

# A service that ends, and one that never answers: the job goes on and knows why.
ill() {
	repository <<-END
	ends:
	  image: oci:$images/debian.oci
	  services: [{name: "oci:$images/ill.oci", alias: bad, command: [sh, -c, "echo no configuration >&2; exit 3"]}]
	  script: [echo went on]
	none:
	  image: oci:$images/debian.oci
	  services: [{name: "oci:$images/ill.oci", alias: bad, entrypoint: [/no/such/program]}]
	  script: [echo went on]
	shown:
	  image: oci:$images/debian.oci
	  variables: {CI_DEBUG_SERVICES: "true"}
	  services: [{name: "oci:$images/debian.oci", alias: talks, command: [sh, -c, "printf here; sleep 0.1; echo ' I am'; echo; printf unfinished; sleep 317"]}]
	  script: [sleep 0.5]
	END
	passes
	says 'WARNING: service .*ill.oci probably did not start properly: it ended with exit code 3'
	says 'no configuration'
	says 'cannot start /no/such/program: No such file'
	says '\[service:.*\] here I am$'
	says '\[service:.*\] unfinished$'
}

# A folder the job and its services share.
shares() {
	repository <<-END
	both:
	  image: oci:$images/debian.oci
	  services: [{name: "oci:$images/debian.oci", alias: writer, command: [bash, -c, "echo secret >/certs/key; exec sleep 317"]}]
	  script:
	    - for i in \$(seq 100); do [ -s /certs/key ] && break; sleep 0.1; done
	    - test "\$(cat /certs/key)" = secret && echo shared it
	END
	passes -x container --volume /certs
	says 'shared it'
}

# Without its device slirp4netns says so, and the services are reached all the same.
no_way_out() {
	repository <<-END
	alone:
	  image: oci:$images/debian.oci
	  services: [{name: "oci:$images/redis.oci", alias: redis}]
	  script: ["(echo PING; sleep 0.5) >/dev/tcp/redis/6379 && echo reached it"]
	END
	chmod 600 /dev/net/tun
	passes
	chmod 666 /dev/net/tun
	says 'reached it'
	says 'slirp4netns did not give its network a way out: it does not start: open."/dev/net/tun".: Permission denied; '
}

# PID:BEGIN of a process and of all below it, so that no later one of that number is meant.
began() { sed -n 's/.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
all_below() { # PID
	local child
	echo "$1:$(began "$1")"
	for child in $(pgrep -P "$1"); do all_below "$child"; done
}
# Those of them that run, with their words; who has ended has none.
running() { # PID:BEGIN…
	local one words
	for one; do
		words=$(tr '\0' ' ' 2>/dev/null <"/proc/${one%:*}/cmdline")
		if [ -n "$words" ] && [ "$(began "${one%:*}")" = "${one#*:}" ]; then echo "${one%:*} $words"; fi
	done 2>/dev/null
}

# What is killed at once leaves no container, network or process.
ends() {
	local run all name nap=$((318000000 + $$))
	repository <<-END
	long:
	  image: oci:$images/debian.oci
	  services: [{name: "oci:$images/redis.oci", alias: redis}]
	  script: [sleep $nap]
	END
	(cd repo && exec "${as[@]}" pawl run) >"$log" 2>&1 &
	run=$!
	for _ in $(seq 1200); do pgrep -f "^sleep $nap" >/dev/null && break; sleep 0.05; done
	pgrep -f "^sleep $nap" >/dev/null || bad "the job did not start"
	mapfile -t all < <(all_below $run)
	for name in "sleep $nap" redis-server slirp4netns; do
		if [ "$name" = slirp4netns ] && ! type -P "$name" >/dev/null; then continue; fi
		running "${all[@]}" | grep -qF "$name" || bad "no $name runs"
	done
	pkill -9 -P $run
	kill -9 $run 2>/dev/null
	for _ in $(seq 200); do [ -n "$(running "${all[@]}")" ] || break; sleep 0.05; done
	if [ -n "$(running "${all[@]}")" ]; then
		running "${all[@]}"
		bad "processes outlive pawl"
		kill -9 "${all[@]%:*}" 2>/dev/null
	fi
	wait $run 2>/dev/null
}

check() {
	if [ "$("${as[@]}" id -u)" = 0 ]; then
		databases
		says 'both answer'
	else
		databases sandbox other # PostgreSQL wants a user of its own
	fi
	says 'sandbox heard :1'
	ill
	shares
	ends
	if [ "$("${as[@]}" id -u)" != 0 ] && [ -n "${own_tun-}" ]; then no_way_out; fi
}

both_users
exit $wrong
