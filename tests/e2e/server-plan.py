"""What is decided stays decided: plans over variables that change and servers that die."""
import sys

from server import Runner, Server

PIPELINE = '''
build: {script: [x]}
gated:
  script: [x]
  needs: []
  environment: production
  rules: [{if: '$GATE == "on"', when: manual}]
later:
  script: [x]
  needs: []
  rules: [{if: '$GATE == "on"', when: delayed, start_in: 3 seconds}]
other:
  script: [x]
  rules: [{if: '$GATE == "off"'}]
'''


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project
runner = Runner(server)


def set_variable(key, value, **more):
    made = server.post(base + '/variables', {'key': key, 'value': value, **more})
    if made.status == 400:
        made = server.call('PUT', base + '/variables/' + key, {'value': value})
    assert made.status in (200, 201), made.body


def make():
    made = server.post(base + '/pipeline', {'ref': 'main'})
    assert made.status == 201, made.body
    return made.json['id']


def jobs(pipeline):
    rows = server.get('%s/pipelines/%d/jobs?per_page=100' % (base, pipeline)).json
    return {row['name']: row for row in rows}


def shape(pipeline):
    return {name: row['id'] for name, row in jobs(pipeline).items()}


def plan_hash(pipeline):
    return server.get('%s/pipelines/%d' % (base, pipeline)).json['plan_hash']


def variables(job):
    return {v['key']: v['value'] for v in job['variables']}


def take(name):
    job = runner.take()
    same(job['job_info']['name'], name, 'the job that is due')
    return job


set_variable('GATE', 'on')
set_variable('TOKEN', 'first-token', masked=True)
set_variable('LEAVES', 'was here')
pipeline = make()
first = shape(pipeline)
same(set(first), {'build', 'gated', 'later'}, 'jobs')
build = take('build')
same(variables(build)['TOKEN'], 'first-token', 'a variable at once')
runner.update(build, 'failed', exit_code=1)

# ---- all that the rules went by changes, and the server is killed
set_variable('GATE', 'off')
set_variable('TOKEN', 'second-token')
set_variable('NEW', 'came later')
set_variable('WHERE', 'for production', environment_scope='production')
same(server.call('DELETE', base + '/variables/LEAVES').status, 204, 'deleted')
before = plan_hash(pipeline)
server.kill()
server.start()
assert 'another plan' not in open('server.out').read(), open('server.out').read()
same(shape(pipeline), first, 'jobs after the crash')
same(plan_hash(pipeline), before, 'plan hash after the crash')
later = take('later')
runner.update(later, 'success')
same(server.post('%s/jobs/%d/play' % (base, first['gated'])).status, 200, 'played')
gated = take('gated')
got = variables(gated)
same((got['TOKEN'], got['NEW'], got['WHERE'], got['GATE']),
     ('second-token', 'came later', 'for production', 'off'), 'values of now')
assert 'LEAVES' not in got, 'what was deleted reaches a job'
runner.update(gated, 'success')

# ---- the same for a pipeline that had ended, and is tried again
server.wait_for(lambda: server.get('%s/pipelines/%d' % (base, pipeline)).json['status'] ==
                'failed', 'the end')
set_variable('TOKEN', 'third-token')
same(server.post('%s/pipelines/%d/retry' % (base, pipeline)).status, 201, 'retried')
build = take('build')
same(variables(build)['TOKEN'], 'third-token', 'after a retry')
assert 'WHERE' not in variables(build), 'a variable of an environment in a job without'
runner.update(build, 'success')
same(set(jobs(pipeline)), {'build', 'gated', 'later'}, 'jobs in the end')

# ---- and without any restart, for a job that waits
set_variable('GATE', 'on')
pipeline = make()
set_variable('TOKEN', 'fourth-token')
same(server.post('/api/v4/admin/ci/variables', {'key': 'ALL', 'value': 'everywhere'}).status,
     201, 'of the instance')
build = take('build')
same((variables(build)['TOKEN'], variables(build)['ALL']), ('fourth-token', 'everywhere'),
     'while it waited')
runner.update(build, 'success')

# ---- a new plan goes by what is now
server.post('%s/pipelines/%d/cancel' % (base, pipeline))
set_variable('GATE', 'off')
pipeline = make()
same(set(jobs(pipeline)), {'build', 'other'}, 'a new pipeline')
assert plan_hash(pipeline) != before, 'another plan has another hash'
server.stop()
