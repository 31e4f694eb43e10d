"""Play with job_variables_attributes."""
import glob
import sys
import threading

from server import Runner, Server


def same(got, want, what):
    assert got == want, '%s: %s, not %s' % (what, got, want)


def values(job):
    return {v['key']: v['value'] for v in job['variables']}


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
project = server.project('team/app', {'.gitlab-ci.yml': '''
first: {script: [x], artifacts: {reports: {dotenv: d}}}
deploy:
  script: [x]
  when: manual
  needs: [first]
  variables: {TARGET: nowhere, OTHER: as written}
other: {script: [x], when: manual, needs: [first]}
'''})
base = '/api/v4/projects/%d' % project
runner = Runner(server)
made = server.post(base + '/pipeline', {'ref': 'main'})
same(made.status, 201, 'a pipeline')
first = runner.take()
report = b'FROM_REPORT=report\nTARGET=report\n'
same(runner.upload(first, report, 'd', '?artifact_type=dotenv&artifact_format=raw').status, 201,
     'a report')
runner.update(first, 'success')
jobs = {j['name']: j['id'] for j in
        server.get('%s/pipelines/%d/jobs' % (base, made.json['id'])).json}
play = '%s/jobs/%d/play' % (base, jobs['deploy'])
SECRET = 'given-by-hand-4711'


def given(**variables):
    return {'job_variables_attributes': [{'key': k, 'value': v} for k, v in variables.items()]}


# ---- what is wrong is refused, and leaves nothing
for wrong in ({'job_variables_attributes': [{'key': 'no name', 'value': 'x'}]},
              {'job_variables_attributes': [{'value': 'x'}]}, {'job_variables_attributes': 'x'}):
    same(server.post(play, wrong).status, 400, wrong)
same(server.get('%s/jobs/%d' % (base, jobs['deploy'])).json['status'], 'manual', 'the job')

# ---- to a runner that waits already
taken = []
waits = threading.Thread(target=lambda: taken.append(runner.request().json))
waits.start()
server.wait_for(lambda: b'pawl_runner_polls 1\n' in server.get('/metrics').body, 'the poll')
same(server.post(play, given(TARGET=SECRET, MORE='a b')).status, 200, 'the play')
waits.join()
job = taken[0]
got = values(job)
same((got['TARGET'], got['MORE'], got['OTHER'], got['FROM_REPORT']),
     (SECRET, 'a b', 'as written', 'report'), 'its variables')
runner.update(job, 'running')

# ---- who plays it once more is refused, and takes nothing away
assert server.post(play, given(TARGET='late')).status >= 400
runner.update(job, 'failed', failure_reason='script_failure', exit_code=1)
retried = server.post('%s/jobs/%d/retry' % (base, job['id']))
same(retried.status, 201, 'a retry')

# ---- after a restart, for a later try; and for nobody else
server.kill()
server.start()
job = runner.take()
same(job['id'], retried.json['id'], 'the retried job')
same((values(job)['TARGET'], values(job)['MORE']), (SECRET, 'a b'), 'variables of the retry')
runner.update(job, 'success')
same(server.post('%s/jobs/%d/play' % (base, jobs['other'])).status, 200, 'the other')
got = values(runner.take())
same((got['TARGET'], 'MORE' in got), ('report', False), 'variables of the other')

# ---- sealed
server.stop()
for path in glob.glob('data/**/*', recursive=True):
    try:
        assert SECRET.encode() not in open(path, 'rb').read(), 'the value lies in ' + path
    except (IsADirectoryError, OSError):
        pass
assert SECRET not in open('server.out').read()
print('played')
