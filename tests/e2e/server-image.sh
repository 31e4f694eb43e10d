#!/bin/bash
# A job in a container says at the server which image that was, by its digest: when its tag
# has moved, who looks at the old job still knows. The job's runner is killed meanwhile.
set -eu
. "$SRC/tests/registry.sh"

if ! type -P crun >/dev/null && ! type -P runc >/dev/null; then
	echo 'skipped: neither crun nor runc is installed'
	exit 77
fi
trap '[ $? = 0 ] || tail -n 60 server.out; registry_stop' EXIT
registry_start images
mkdir -p base/{bin,etc,tmp}
cp "$(type -P busybox)" base/bin/busybox
ln -s busybox base/bin/sh
ln -s busybox base/bin/sleep
ln -s busybox base/bin/test
echo 'root:x:0:0::/root:/bin/sh' >base/etc/passwd
chmod -R a+rX base
push() {
	registry_push "$registry/team/app:1" --config "{\"Env\": [\"PATH=/bin\", \"BUILD=$1\"]}" base
}
push 1
export registry
export -f push registry_push

PYTHONPATH=$SRC/tests/e2e python3 - "$BUILD" <<'END'
import os, re, signal, subprocess, sys
from server import Server

with open('settings.yml', 'w') as f:
    f.write('runner: {executor: container, jobs: 1, config: runner.yml}\n')
with open('runner.yml', 'w') as f:
    f.write('pull_policy: always\n')
server = Server(sys.argv[1], args=['--config', 'settings.yml', '--runner', sys.argv[1] + '/pawl-runner']).start()
image = os.environ['registry'] + '/team/app:1'
server.project('team/app', {'.gitlab-ci.yml': f'''
plain: {{script: [echo plain], image: {image}}}
waits: {{script: ['echo began', 'sleep 3', 'echo over'], image: {image}}}
'''})


def job(number):
    return server.get('/api/v4/projects/1/jobs/%d' % number).json


def is_over(number):
    return job(number)['status'] in ('success', 'failed')


def log_of(number):
    return server.get('/api/v4/projects/1/jobs/%d/trace' % number).body.decode()


def digest(number):
    server.wait_for(lambda: is_over(number), 'job %d' % number, 60)
    assert job(number)['status'] == 'success', log_of(number)
    return job(number)['image_digest']


def of_registry():
    done = subprocess.run(['skopeo', 'inspect', '--tls-verify=false', '--format', '{{.Digest}}',
                           'docker://' + image], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def runner_pids():
    found = subprocess.run(['pgrep', '-P', str(server.process.pid), '-f', 'pawl-runner'],
                           capture_output=True, text=True, check=False).stdout.split()
    return [int(pid) for pid in found]


server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})
first = of_registry()
assert digest(1) == first, (job(1), first)
assert first in log_of(1)
server.wait_for(lambda: '\nbegan' in log_of(2), 'the job to begin', 60)
for pid in runner_pids():
    os.kill(pid, signal.SIGKILL)
assert digest(2) == first

subprocess.run(['bash', '-c', 'push 2'], check=True)
second = of_registry()
assert second != first
server.post('/api/v4/projects/1/jobs/1/retry', {})
assert digest(3) == second, (job(3), second)
server.kill()
server.start()
assert digest(1) == first and digest(3) == second
server.stop()


def left():
    """The runner that the killed server had started goes with the next one, too."""
    done = subprocess.run(['pgrep', '-f', 'pawl-runner run .*' + re.escape(os.getcwd())],
                          capture_output=True, text=True, check=False)
    return done.stdout.split()


server.wait_for(lambda: not left(), 'its runner to end')
END
