#!/bin/bash
# A runner that is not heard of any more: its job is taken from it within the lease, tried
# again, and what it says later counts no more. A runner that only beats keeps its job, but
# not beyond the job's timeout, whatever it says.
# only waits
set -eu

python3 - "$BUILD" <<'END'
import os
import sys
import time

sys.path.insert(0, os.environ['SRC'] + '/tests/e2e')
from server import Runner, Server  # noqa: E402

server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
server.project('team/app', {'.gitlab-ci.yml': 'lost: {script: [x]}\nkept: {script: [x]}\n'
                                              'liar: {script: [x], timeout: 1 second}\n'
                                              'dropped: {script: [x]}\nunread: {script: [x]}\n'})
runner = Runner(server, description='r1')
made = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})
pipeline = '/api/v4/projects/1/pipelines/%d' % made.json['id']
jobs = {}
for _ in range(4):
    job = runner.take()
    jobs[job['job_info']['name']] = job
# pawl's own accepts at once, unless it was killed before it read the answer
unread = Runner(server, description='r2').request(name='pawl-runner').json
assert unread['job_info']['name'] == 'unread', unread['job_info']


def row(job):
    return server.get('/api/v4/projects/1/jobs/%d' % job['id']).json


def last_line(job):
    text = server.get('/api/v4/projects/1/jobs/%d/trace' % job['id']).body.decode()
    return text.splitlines()[-1] if text else ''


# This one is canceled, and its runner does not hear of it.
assert runner.log(jobs['dropped'], 0, b'begun\n').status == 202
canceled = server.post('/api/v4/projects/1/jobs/%d/cancel' % jobs['dropped']['id'])
assert canceled.status == 201, canceled.body
assert row(jobs['dropped'])['status'] == 'canceling', row(jobs['dropped'])
assert jobs['liar']['runner_info']['timeout'] == 1, jobs['liar']['runner_info']
begin = time.time()
while row(jobs['lost'])['status'] == 'running':
    assert runner.update(jobs['liar'], 'running').status == 200
    assert time.time() - begin < 45, 'nobody notices that the runner is gone'
    assert runner.update(jobs['kept'], 'running').status == 200
    time.sleep(1)
took = time.time() - begin
lost = row(jobs['lost'])
assert lost['status'] == 'failed', lost
assert lost['failure_reason'] in ('runner_system_failure', 'stuck_or_timeout_failure'), lost
assert 'its runner was not heard of any more' in last_line(jobs['lost']), last_line(jobs['lost'])
assert row(jobs['kept'])['status'] == 'running', 'a beating runner lost its job'
late = runner.update(jobs['lost'], 'success')
assert late.status == 403, 'the late word of a lost runner was taken: %d' % late.status
again = {}
for _ in range(2):
    job = runner.take()
    again[job['job_info']['name']] = job['id']
    runner.update(job, 'success')
assert time.time() - begin < 60, 'it takes too long to see that an answer was not read'
assert again['lost'] != jobs['lost']['id'] and again['unread'] == unread['id'], again
runner.update(jobs['kept'], 'success')
while row(jobs['liar'])['status'] == 'running':
    assert time.time() - begin < 120, 'a runner goes on beyond the timeout of its job'
    runner.update(jobs['liar'], 'running')
    time.sleep(1)
assert row(jobs['liar'])['failure_reason'] == 'job_execution_timeout', row(jobs['liar'])
assert 'it took longer than its timeout' in last_line(jobs['liar']), last_line(jobs['liar'])
server.wait_for(lambda: row(jobs['dropped'])['status'] == 'canceled', 'the end of its lease')
assert 'Job canceled: its runner has not said' in last_line(jobs['dropped'])
assert last_line(jobs['kept']) == '', 'a runner tells the end of its job itself'
late = runner.update(jobs['liar'], 'success')
assert late.status == 403, 'its success was taken: %d' % late.status
server.wait_for(lambda: server.get(pipeline).json['status'] == 'failed',
                'the end')
print('noticed after %.0f s' % took)
server.stop()
END
