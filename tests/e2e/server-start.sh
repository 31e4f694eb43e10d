#!/bin/bash
# Starting a server: one that cannot listen has given no token away; another token can be
# had; few open files are enough for many jobs, whose logs are closed when they end.
set -eu

fail() {
	echo "$1"
	cat out* 2>/dev/null
	exit 1
}

start() { # ARGUMENT…
	pawl server --data data --no-runner "$@" >out 2>&1 &
	server=$!
	for _ in $(seq 400); do
		if grep -q 'listening on' out; then return; fi
		kill -0 $server 2>/dev/null || fail 'the server has ended'
		sleep 0.05
	done
	fail 'the server does not start'
}

end() {
	kill $server
	wait $server || fail 'the server does not end well'
}

# a port that is taken
start --listen 127.0.0.1:0
taken=$(sed -n 's,^pawl server: http://\(\S*\).*,\1,p' out)
if pawl server --data other --no-runner --listen "$taken" >out.taken 2>&1; then fail 'two listen on one port'; fi
grep -qi 'in use' out.taken || fail 'it is not said that the port is taken'
! grep -q glpat out.taken || fail 'a token is shown by a server that does not run'
first=$(grep -o 'glpat-[A-Za-z0-9_-]*' out | head -n 1)
end
mv data data.1
mv other data
start --listen 127.0.0.1:0
grep -q 'glpat-' out || fail 'no token at the first start that succeeds'
end
rm -r data
mv data.1 data

# nobody gets anywhere by 0.0.0.0
start --listen 0.0.0.0:0
grep -qE "^pawl server: http://0.0.0.0:[0-9]+ \(reached at http://$(uname -n):[0-9]+, " out || fail 'how it is reached is not said'
end
start --listen 127.0.0.1:0 --url https://ci.example.org --new-token
grep -qE 'git remote add pawl https://root:glpat-[^@]*@ci.example.org/GROUP/NAME.git' out || fail 'one cannot push by what is said'
end

# no token but when asked for, and then one that counts
start --listen 127.0.0.1:0
! grep -q glpat- out || fail 'a token at a later start'
end
start --listen 127.0.0.1:0 --new-token
second=$(grep -o 'glpat-[A-Za-z0-9_-]*' out | head -n 1)
url=$(sed -n 's,^pawl server: \(\S*\).*,\1,p' out)
for token in "$first" "$second"; do
	curl -sf -H "PRIVATE-TOKEN: $token" "$url/api/v4/projects" >/dev/null || fail "token $token does not count"
done
[ "$first" != "$second" ] || fail 'the same token again'
end

python3 - "$BUILD" <<'END'
import os
import resource
import sys

sys.path.insert(0, os.environ['SRC'] + '/tests/e2e')
from server import Runner, Server  # noqa: E402

resource.setrlimit(resource.RLIMIT_NOFILE, (200, 620))
server = Server(sys.argv[1], data='few', args=['--concurrent', '-1']).start()
server.project('team/app', {'.gitlab-ci.yml': 'j: {script: [x], parallel: 200}\n'})
runner = Runner(server)
server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})


def open_files():
    return len(os.listdir('/proc/%d/fd' % server.process.pid))


before = open_files()
for _ in range(200):
    job = runner.take()
    assert runner.log(job, 0, b'a word\n').status == 202
    assert runner.update(job, 'success').status == 200
assert open_files() < before + 20, 'logs stay open: %d files, then %d' % (before, open_files())
with open('/proc/%d/limits' % server.process.pid) as limits:
    row = [line.split() for line in limits if line.startswith('Max open files')][0]
assert row[3] == '620', 'it may open %s files' % row[3]
server.stop()

# its own runner takes jobs with an image when the settings choose the shell
os.mkdir('second')
os.chdir('second')
with open('settings.yml', 'w') as f:
    f.write('runner: {executor: shell, jobs: 1}\n')
server = Server(sys.argv[1], data='chosen',
                args=['--config', 'settings.yml', '--runner', sys.argv[1] + '/pawl-runner']).start()
server.project('team/app', {'.gitlab-ci.yml': 'j: {image: alpine, script: [echo ran]}\n'})
server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})
server.wait_for(lambda: server.get('/api/v4/projects/1/jobs/1').json['status'] in ('success', 'failed'),
                'the job')
log = server.get('/api/v4/projects/1/jobs/1/trace').body.decode()
assert server.get('/api/v4/projects/1/jobs/1').json['status'] == 'success' and '\nran\n' in log, log
server.stop()
END
