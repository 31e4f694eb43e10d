"""Tries of a job by the file, the system and a person; pipelines that newer ones cancel."""
import json
import os
import subprocess
import re
import sys

from server import Runner, Server

PIPELINE = '''
plain: {script: [x]}
once: {script: [x], retry: 0}
again: {script: [x], retry: 1}
'''


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project
runner = Runner(server, description='r1')


def make(ref='main'):
    made = server.post(base + '/pipeline', {'ref': ref})
    assert made.status == 201, made.body
    return made.json['id']


def tries(pipeline, name):
    """Status, attempt and cause of each, the first one first."""
    rows = server.get('%s/pipelines/%d/jobs?include_retried=true&per_page=100'
                      % (base, pipeline)).json
    return [(r['status'], r['attempt'], r.get('cause'))
            for r in sorted(rows, key=lambda r: r['id']) if r['name'] == name]


def status(pipeline):
    """What `pawl status` prints of each job."""
    env = dict(os.environ, PAWL_TOKEN=server.token)
    reply = subprocess.run(
        [sys.argv[1] + '/pawl', 'status', str(pipeline), '--json', '--server', server.url,
         '--project', 'team/app'], env=env, capture_output=True, text=True, timeout=60)
    same(reply.returncode, 0, 'pawl status: ' + reply.stderr)
    return {job['name']: job for job in json.loads(reply.stdout)['jobs']}


def take_all(count):
    jobs = [runner.take() for _ in range(count)]
    return {job['job_info']['name']: job for job in jobs}


# ---- the runner breaks under all three: only who wrote `retry: 0` is left alone
pipeline = make()
for job in take_all(3).values():
    same(runner.update(job, 'failed', failure_reason='runner_system_failure').status, 200, 'told')
same(tries(pipeline, 'plain'), [('failed', 1, None), ('pending', 2, 'system')], 'plain')
same(tries(pipeline, 'once'), [('failed', 1, None)], 'retry: 0')
same(tries(pipeline, 'again'), [('failed', 1, None), ('pending', 2, 'file')], 'retry: 1')

# ---- killed in between, it knows why there are second tries
server.kill()
server.start()
same(tries(pipeline, 'plain')[1], ('pending', 2, 'system'), 'after the crash')
jobs = take_all(2)
same(status(pipeline)['plain']['why'], 'tried again after a failure of the system', 'shown')
for job in jobs.values():
    runner.update(job, 'failed', exit_code=1)
same(tries(pipeline, 'plain')[1:], [('failed', 2, 'system')], 'a failure of the script is its own')
same(tries(pipeline, 'again')[1:], [('failed', 2, 'file')], 'no more than the file asks for')
same(server.post('%s/pipelines/%d/retry' % (base, pipeline)).status, 201, 'retried')
same(tries(pipeline, 'plain')[2:], [('pending', 3, 'person')], 'by a person')
for job in take_all(3).values():
    runner.update(job, 'success')
server.wait_for(lambda: server.get('%s/pipelines/%d' % (base, pipeline)).json['status'] ==
                'success', 'the end')

# ---- what a newer commit cancels says by which pipeline, also after a crash
files = {'.gitlab-ci.yml': 'workflow: {auto_cancel: {on_new_commit: interruptible}}\n'
                           'may: {script: [x], interruptible: true}\n'
                           'must: {script: [x]}\n'}
server.commit('team/app', files, push=False)
server.push('team/app')
old = make()
jobs = take_all(2)
server.commit('team/app', {'more': 'x'}, push=False)
server.push('team/app')
new = make()
same(server.get('%s/pipelines/%d' % (base, old)).json['superseded_by'], new, 'superseded')
server.kill()
server.start()
row = server.get('%s/pipelines/%d' % (base, old)).json
same((row['superseded_by'], row['status']), (new, 'canceling'), 'superseded, after the crash')
same(status(old)['may']['why'],
     "a newer commit's pipeline took its place: pipeline %d" % new, 'said of the job')
reply = runner.update(jobs['may'], 'running')
same(reply.headers['Job-Status'], 'canceling', 'what its runner hears')
runner.update(jobs['may'], 'failed', failure_reason='job_canceled')
same(tries(old, 'must'), [('running', 1, None)], 'what may not be interrupted')
runner.update(jobs['must'], 'success')
server.wait_for(lambda: server.get('%s/pipelines/%d' % (base, old)).json['status'] ==
                'canceled', 'the end of the old one')
same(server.get('%s/pipelines/%d' % (base, old)).json['superseded_by'], new, 'at the end')
# ---- each end is said once, however often it is tried again
ends = [re.search(r' job=\d+', line).group() for line in open('server.out')
        if re.search(r' job=\d+ .*status=(success|failed|canceled)', line)]
same(len(ends) > 3 and sorted(ends), sorted(set(ends)), 'ends in the log')
server.stop()
