#!/bin/bash
# Jobs that say nothing for a minute are not lost: one of the server's own runner, which beats
# every 5 s, and one of GitLab's runner, which beats when it has sent nothing for more than
# 30 s. One of its older releases, which never says that it takes a job, has it all the same.
# only waits
set -eu

python3 - "$BUILD" <<'END'
import os
import sys
import time

sys.path.insert(0, os.environ['SRC'] + '/tests/e2e')
from server import Runner, Server  # noqa: E402

STOCK = {'name': 'gitlab-runner', 'version': '14.7.1', 'platform': 'linux', 'architecture': 'amd64',
         'executor': 'shell', 'features': {}}

server = Server(sys.argv[1], args=['--concurrent', '1', '--runner', sys.argv[1] + '/pawl-runner']).start()
server.project('team/app', {'.gitlab-ci.yml':
                            'own: {script: [sleep 66]}\nstock: {tags: [stock], script: [x]}\n'})
runner = Runner(server, tag_list='stock', run_untagged=False)
made = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})


def row(name):
    jobs = server.get('/api/v4/projects/1/pipelines/%d/jobs?include_retried=true' % made.json['id']).json
    mine = [job for job in jobs if job['name'] == name]
    assert len(mine) == 1, 'it was tried again: %s' % mine
    return mine[0]


reply = server.post('/api/v4/jobs/request', {'token': runner.token, 'info': STOCK}, token=None)
assert reply.status == 201, reply.body
server.wait_for(lambda: row('stock')['status'] == 'running', 'the job to run without a word')
server.wait_for(lambda: row('own')['status'] == 'running', 'the own runner to take its job')
told = server.get('/api/v4/runners/%d' % runner.id).json
assert (told['version'], told['platform'], told['architecture']) == ('14.7.1', 'linux', 'amd64'), told
for _ in range(2):
    time.sleep(34)
    assert runner.update(reply.json, 'running').status == 200, 'a job of a stock runner was lost'
assert runner.update(reply.json, 'success').status == 200
server.wait_for(lambda: row('own')['status'] == 'success', 'the silent job')
assert row('stock')['status'] == 'success' and row('stock')['duration'] > 60, row('stock')
server.stop()
END
