#!/bin/bash
# Services of the executor docker: a real PostgreSQL and a real Redis beside a job, by the
# engines of Docker and Podman; what is said when one does not come up; that no container
# and no network is left, whoever dies.
# shellcheck disable=SC2016 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/engine.sh"
. "$SRC/tests/both-users.sh" # repository(), bad()
trap end_engines EXIT
as=()

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: starting a container engine needs root"
	exit 77
fi
. "$SRC/tests/databases.sh"

nap=$((1000000 + $$)) # nobody else's
runs() { (cd repo && DOCKER_HOST=unix://$engine timeout 100 pawl run -x docker) >"$log" 2>&1; }
passes() { runs || bad "ended with $?"; }
says() { grep -qE -- "$1" "$log" || bad "not there: $1"; }

# The archive of all images, which share their layers.
make_images() {
	local name layers=$databases
	mkdir -p images
	ln -sf "$databases" images/root.tar
	tar -C entry --sort=name -cf images/entry.tar .
	root=$(sha256sum "$databases" | cut -d' ' -f1)
	over=$(sha256sum images/entry.tar | cut -d' ' -f1)
	for name in debian ill postgres redis; do
		layers=${name}_config
		printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s"]}}' \
		    "$(go_arch)" "${!layers}" "$root" "$over" >images/$name.json
		printf '{"Config":"%s.json","RepoTags":["test/%s:1"],"Layers":["root.tar","entry.tar"]}\n' $name $name
	done | paste -sd, | sed 's/.*/[&]/' >images/manifest.json
	tar -C images -chf images.tar manifest.json debian.json ill.json postgres.json redis.json root.tar entry.tar
	rm images/root.tar
}

limits_hold() { ask http://engine/info | grep -q '"MemoryLimit":true'; }

left() {
	ask 'http://engine/containers/json?all=true&filters=%7B%22label%22%3A%5B%22pawl.marker%22%5D%7D' | sed 's/^\[\]$//'
	ask 'http://engine/networks?filters=%7B%22label%22%3A%5B%22pawl.marker%22%5D%7D' | sed 's/^\[\]$//'
}
none_left() {
	local i
	for ((i = 0; i < 200; i++)); do
		if [ -z "$(left | tr -d ' \n')" ]; then return; fi
		sleep 0.1
	done
	bad "$1: left: $(left)"
}

databases() {
	repository <<-'END'
	variables: {PGPASSWORD: secret}
	both:
	  image: test/debian:1
	  services:
	    - {name: "test/postgres:1", alias: "db,postgres", variables: {POSTGRES_PASSWORD: secret}}
	    - {name: "test/redis:1", alias: redis}
	  script:
	    - psql -qAt -h postgres -U postgres -c 'create table t (n int); insert into t values (41)'
	    - test "$(psql -qAt -h db -U postgres -c 'select n + 1 from t')" = 42
	    - psql -qAt -h test__postgres -U postgres -c 'select 1' && psql -qAt -h test-postgres -U postgres -c 'select 1'
	    - test "$(redis-cli -h redis incr hits)" = 1 && echo both answer
	  after_script: [redis-cli -h redis get hits]
	END
	passes
	says 'Waiting for services to be up'
	says 'both answer'
	if grep -q WARNING "$log"; then bad "a warning"; fi
	none_left databases
}

# A service that ends, and one that cannot be started: the job goes on and knows why.
ill() {
	# the kernel may take pawl-init for want of memory, too; here it does so first
	local eat='"echo 1000 >/proc/1/oom_score_adj; for i in 1 2 3; do dd if=/dev/zero bs=30M count=1 | sleep 317 & done; wait"'
	repository <<-END
	ends:
	  image: test/debian:1
	  services: [{name: "test/ill:1", alias: bad, command: [sh, -c, "echo no configuration >&2; exit 3"]}]
	  script: [echo went on]
	none:
	  image: test/debian:1
	  services: [{name: "test/ill:1", alias: bad, entrypoint: [/no/such/program]}]
	  script: [echo went on]
	hungry:
	  image: test/debian:1
	  variables: {PAWL_MEMORY_LIMIT: 60m}
	  services: [{name: "test/ill:1", alias: bad, command: [dd, if=/dev/zero, of=/dev/null, bs=200M, count=1]}]
	  script: [echo went on]
	taken:
	  image: test/debian:1
	  allow_failure: true
	  variables: {PAWL_MEMORY_LIMIT: 60m}
	  services: [{name: "test/ill:1", alias: taken, command: [sh, -c, $eat]}]
	  script: [$eat]
	shown:
	  image: test/debian:1
	  variables: {CI_DEBUG_SERVICES: "true"}
	  services: [{name: "test/debian:1", alias: talks, command: [sh, -c, "echo here I am; sleep 317"]}]
	  script: [sleep 0.3]
	END
	passes
	says 'WARNING: service test/ill:1 probably did not start properly: it ended with exit code 3'
	says 'no configuration'
	if limits_hold; then
		says 'hungry \| .*WARNING: service test/ill:1 was out of memory: its limit is 60 MiB'
		says 'taken +\| .*WARNING: service test/ill:1 probably did not start properly: its container ended'
		says 'taken +\| .*WARNING: service test/ill:1 was out of memory: its limit is 60 MiB'
		says 'taken +\| .*WARNING: the job was out of memory: its limit is 60 MiB'
		says 'taken  *test  .*failed .*the job was out of memory: its limit is 60 MiB'
	fi
	says 'cannot start /no/such/program: No such file'
	says '\[service:test/debian:1\] here I am'
	none_left ill
}

# What the job and its services share goes with it; what is of this machine stays as it was.
shares() {
	rm -rf host
	mkdir host
	echo kept >host/file
	repository <<-'END'
	both:
	  image: test/debian:1
	  services: [{name: "test/debian:1", alias: writer, command: [bash, -c, "echo secret >/certs/client/key; exec sleep 317"]}]
	  script:
	    - for i in $(seq 100); do [ -s /certs/client/key ] && break; sleep 0.1; done
	    - test "$(cat /certs/client/key)" = secret && test "$(cat /host/file)" = kept
	    - if touch /host/other 2>/dev/null; then exit 1; fi
	    - echo shared it
	END
	(cd repo && DOCKER_HOST=unix://$engine timeout 100 pawl run -x docker --volume /certs/client \
	    --volume "$OLDPWD/host:/host:ro") >"$log" 2>&1 || bad "ended with $?"
	says 'shared it'
	none_left shares
	if ask http://engine/volumes | grep -q pawl-; then bad "a volume is left"; fi
	if (cd repo && timeout 100 pawl run -x docker --volume ../host:/host) >"$log" 2>&1; then bad "a bad volume passed"; fi
	says 'paths from the root'
}

# Killed by -9: pawl and its supervisor; a service's pawl-docker, whose network goes with the next job.
ends() {
	local victims
	for victims in "pawl pawl-supervise" pawl-docker; do
		repository <<-END
		long:
		  image: test/debian:1
		  services: [{name: "test/redis:1", alias: redis}]
		  script: [sleep $nap]
		END
		runs &
		wait_for_it "sleep $nap"
		# shellcheck disable=SC2086 # words are wanted
		kill_of $! $victims
		wait $!
		if [ "$victims" = pawl-docker ]; then
			repository <<-'END'
			next:
			  image: test/debian:1
			  script: [echo next]
			END
			passes
		fi
		none_left "kill -9 of $victims"
	done
	if pgrep -f "sleep $nap"; then bad "a process is left"; fi
}

make_box
make_images
for engine_name in docker podman; do
	who=$engine_name
	if "start_$engine_name" && ask -X POST -H 'Content-Type: application/x-tar' -T images.tar \
	    http://engine/images/load >>engine.log && has_networks; then
		tested=1
		databases
		# what is said of them is not the engine's
		if [ "$who" = docker ] || [ -n "$SOAK" ]; then ill; fi
		shares
		ends
	else
		echo "not tested: $engine_name cannot run services here:"
		tail -n 5 engine.log
	fi
	end_engines
done
if [ -z "${tested-}" ]; then
	echo "skipped: neither Docker nor Podman can run services here"
	exit 77
fi
exit $wrong
