"""Killing server and runner while a job runs."""
import os
import re
import signal
import subprocess
import sys
import time

from server import Server

LINES = 120
PIPELINE = '''
count:
  script:
    - 'for i in $(seq %d); do echo "line $i"; sleep 0.05; done'
    - echo made >made.txt
  artifacts: {paths: [made.txt]}
use:
  needs: [count]
  script: [cat made.txt]
''' % LINES


def runner_pid():
    """Of the runner that holds the lock."""
    out = subprocess.run(['pgrep', '-f', 'pawl-runner run .*' + os.path.abspath('data')],
                         capture_output=True, text=True).stdout.split()
    return int(out[0]) if out else None


def kill_runner():
    pid = runner_pid()
    assert pid is not None, 'no runner is there'
    os.kill(pid, signal.SIGKILL)


def lines_of(server, job):
    text = server.get('/api/v4/projects/1/jobs/%d/trace' % job).body.decode()
    return [int(n) for n in re.findall(r'^line (\d+)\r?$', text, re.M)]


def jobs(server):
    rows = server.get('/api/v4/projects/1/jobs?per_page=100').json
    return {row['name']: row for row in rows if row['pipeline']['id'] == pipeline}


def try_once(server, kills):
    """A pipeline during which these happen, each after some more lines."""
    global pipeline
    made = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})
    assert made.status == 201, made.body
    pipeline = made.json['id']
    server.wait_for(lambda: jobs(server)['count']['status'] == 'running', 'the job')
    job = jobs(server)['count']['id']
    for number, kill in enumerate(kills):
        seen = 4 + 25 * number
        server.wait_for(lambda: len(lines_of(server, job)) >= seen, 'line %d' % seen)
        kill()
    server.wait_for(lambda: jobs(server)['use']['status'] not in
                    ('created', 'pending', 'running'), 'the end', 60)
    rows = jobs(server)
    got = lines_of(server, job)
    assert got == list(range(1, LINES + 1)), 'lines of the log: %r' % got
    for name in ('count', 'use'):
        assert rows[name]['status'] == 'success', '%s: %r' % (name, rows[name])
        assert rows[name]['attempt'] == 1, '%s was tried again' % name


build = sys.argv[1]
server = Server(build, args=['--concurrent', '2', '--runner', build + '/pawl-runner',
                             '--hook', build + '/pawl-hook'])
server.start()
server.project('team/app', {'.gitlab-ci.yml': PIPELINE})


def kill_server():
    server.kill()
    server.start()


def kill_both():
    server.kill()
    kill_runner()
    server.start()


try:
    try_once(server, [])
    try_once(server, [kill_runner])
    try_once(server, [kill_server])
    try_once(server, [kill_both])
    try_once(server, [kill_runner, kill_server, kill_runner])
    server.stop()
    deadline = time.time() + 10
    while runner_pid() is not None:
        assert time.time() < deadline, 'the runner stays when the server ends in good order'
        time.sleep(0.05)
finally:
    if server.process.poll() is None:
        server.kill()
    subprocess.run(['pkill', '-9', '-f', 'pawl-runner run .*' + os.path.abspath('data')])
