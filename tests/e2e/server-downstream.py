"""Downstream pipelines, by a runner of the test's own."""
import sys

from server import Runner, Server


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
runner = Runner(server, description='r1')


def base_of(project):
    return '/api/v4/projects/%d' % project


def make(project, variables=(), ref='main'):
    made = server.post(base_of(project) + '/pipeline', {
        'ref': ref, 'variables': [{'key': k, 'value': v} for k, v in variables]})
    assert made.status == 201, made.body
    return made.json['id']


def job(project, pipeline, name):
    rows = server.get('%s/pipelines/%d/jobs' % (base_of(project), pipeline)).json
    return {row['name']: row for row in rows}[name]


def pipeline_status(project, pipeline):
    return server.get('%s/pipelines/%d' % (base_of(project), pipeline)).json['status']


def wait_for(project, pipeline, name, status):
    server.wait_for(lambda: job(project, pipeline, name)['status'] == status,
                    '%s to be %s: %r' % (name, status, job(project, pipeline, name)))
    return job(project, pipeline, name)


def downstream(project, pipeline, name):
    server.wait_for(lambda: 'downstream_pipeline' in job(project, pipeline, name),
                    'what %s sets off: %r' % (name, job(project, pipeline, name)))
    return job(project, pipeline, name)['downstream_pipeline']


def take(name):
    taken = runner.take()
    same(taken['job_info']['name'], name, 'the job that is due')
    return taken


def variables(taken):
    return {v['key']: v['value'] for v in taken['variables']}


# ---- a child: strategies, and what is forwarded
CHILD = 'inner: {script: [x], rules: [{if: $FAILS}, {when: on_success}]}\n'
MANUAL = 'asked: {script: [x], when: manual, allow_failure: false}\n'
PARENT = '''
variables: {COLOUR: red}
depends:
  variables: {OWN: mine}
  trigger: {include: child.yml, strategy: depend}
  rules: [{if: $WHICH == "depends"}]
forwards:
  variables: {OWN: mine}
  trigger:
    include: child.yml
    strategy: depend
    forward: {yaml_variables: false, pipeline_variables: true}
  rules: [{if: $WHICH == "forwards"}]
leaves:
  trigger: {include: child.yml}
  rules: [{if: $WHICH == "leaves"}]
mirrors:
  trigger: {include: manual.yml, strategy: mirror}
  rules: [{if: $WHICH == "mirrors"}]
after: {stage: deploy, script: [x]}
'''
app = server.project('team/app', {'.gitlab-ci.yml': PARENT, 'child.yml': CHILD,
                                  'manual.yml': MANUAL})


def start(which, **more):
    return make(app, [('WHICH', which), *more.items()])


p = start('depends')
child = downstream(app, p, 'depends')
same((child['source'], child['project_id']), ('parent_pipeline', app), 'the child')
listed = {q: [row['id'] for row in server.get('/api/v4/projects/%s/pipelines%s' % (app, q)).json]
          for q in ('', '?source=parent_pipeline')}
same(listed, {'': [p, 1], '?source=parent_pipeline': [child['id']]}, 'children are listed when asked for')
same(server.get('/api/v4/projects/%s/pipelines/latest' % app).json['id'], p, 'the latest')
same(job(app, p, 'depends')['status'], 'running', 'as long as the child has not ended')
inner = take('inner')
got = variables(inner)
same((got['COLOUR'], got['OWN'], got['CI_PIPELINE_SOURCE']), ('red', 'mine', 'parent_pipeline'),
     'forwarded')
assert 'WHICH' not in got, 'variables of the pipeline are forwarded'
same(job(app, p, 'after')['status'], 'created', 'the next stage')
runner.update(inner, 'success')
wait_for(app, p, 'depends', 'success')
runner.update(take('after'), 'success')
server.wait_for(lambda: pipeline_status(app, p) == 'success', 'the end')

p = start('forwards')
inner = take('inner')
got = variables(inner)
same(got['WHICH'], 'forwards', 'the variable of the pipeline')
assert 'OWN' not in got and 'COLOUR' not in got, 'variables of the file are forwarded'
runner.update(inner, 'failed', exit_code=1)
row = wait_for(app, p, 'forwards', 'failed')
same(row['failure_reason'], 'downstream_failure', 'reason')
same(job(app, p, 'after')['status'], 'skipped', 'after a failure')
same(pipeline_status(app, p), 'failed', 'the pipeline above')

# ---- what was tried again below counts above, also over a crash
child = downstream(app, p, 'forwards')['id']
server.post('%s/pipelines/%d/retry' % (base_of(app), child))
inner = take('inner')
server.kill()
server.start()
same(runner.update(inner, 'success').status, 200, 'told after the crash')
server.wait_for(lambda: pipeline_status(app, child) == 'success', 'the child')

p = start('leaves')
wait_for(app, p, 'leaves', 'success')
inner, after = sorted((runner.take(), runner.take()), key=lambda t: t['job_info']['name'],
                      reverse=True)
same(after['job_info']['name'], 'after', 'what does not wait for the child')
runner.update(inner, 'failed', exit_code=1)
runner.update(after, 'success')
server.wait_for(lambda: pipeline_status(app, p) == 'success', 'a parent that does not care')

p = start('mirrors')
wait_for(app, p, 'mirrors', 'manual')
child = downstream(app, p, 'mirrors')['id']
asked = job(app, child, 'asked')['id']
same(server.post('%s/jobs/%d/play' % (base_of(app), asked)).status, 200, 'played')
wait_for(app, p, 'mirrors', 'running')
server.kill()
server.start()
runner.update(take('asked'), 'success')
wait_for(app, p, 'mirrors', 'success')
runner.update(take('after'), 'success')

# ---- canceled above, canceled below
p = start('depends')
child = downstream(app, p, 'depends')['id']
server.post('%s/pipelines/%d/cancel' % (base_of(app), p))
server.wait_for(lambda: pipeline_status(app, child) == 'canceled', 'the child is canceled')
same(pipeline_status(app, p), 'canceled', 'the parent')

# ---- another project of the server
lib = server.project('team/lib', {'.gitlab-ci.yml': 'build: {script: [x]}\n'})
server.commit('team/lib', {'.gitlab-ci.yml': 'old: {script: [x]}\n'}, branch='old', push=False)
server.push('team/lib', 'old')
CALLER = '''
calls:
  variables: {FROM: caller}
  trigger: {project: team/lib, strategy: depend}
  rules: [{if: $WHICH == "calls"}]
branch:
  trigger: {project: team/lib, branch: $BRANCH, strategy: depend}
  rules: [{if: $BRANCH}]
'''
caller = server.project('team/caller', {'.gitlab-ci.yml': CALLER})
p = make(caller, [('WHICH', 'calls')])
below = downstream(caller, p, 'calls')
same((below['project_id'], below['source'], below['ref']), (lib, 'pipeline', 'main'), 'below')
build = take('build')
same((variables(build)['FROM'], variables(build)['CI_PROJECT_PATH']), ('caller', 'team/lib'),
     'its variables')
runner.update(build, 'success')
wait_for(caller, p, 'calls', 'success')
p = make(caller, [('BRANCH', 'old')])
below = downstream(caller, p, 'branch')
same(below['ref'], 'old', 'the branch')
runner.update(take('old'), 'failed', exit_code=1)
wait_for(caller, p, 'branch', 'failed')
same(pipeline_status(caller, p), 'failed', 'the pipeline above')

# ---- why there is none
REASONS = {
    'nowhere': ('{project: team/none}', 'there is no project team/none on this server'),
    'branchless': ('{project: team/lib, branch: none}',
                   'project team/lib has no branch none'),
    'wrong': ('{project: team/wrong}', 'the downstream file is wrong: .gitlab-ci.yml:1:'),
    'empty': ('{project: team/empty}', 'the downstream project has no pipeline file'),
    'filtered': ('{project: team/filtered}', 'it gives no pipeline: '),
    'missing': ('{include: none.yml}', 'this commit has no file none.yml'),
    'bad child': ('{include: bad.yml}', 'the downstream file is wrong: bad.yml:1:'),
}
server.project('team/wrong', {'.gitlab-ci.yml': 'x: {scirpt: [x]}\n'})
server.project('team/empty', {'README': 'nothing\n'})
server.project('team/filtered', {'.gitlab-ci.yml': 'workflow: {rules: [{when: never}]}\n'
                                                   'x: {script: [x]}\n'})
failing = server.project('team/failing', {
    '.gitlab-ci.yml': ''.join('%s: {trigger: %s}\n' % (name, what)
                              for name, (what, _) in REASONS.items()),
    'bad.yml': 'x: {scirpt: [x]}\n'})
p = make(failing)
for name, (_, words) in REASONS.items():
    row = wait_for(failing, p, name, 'failed')
    same(row['failure_reason'], 'downstream_failure', name)
    assert words in row['message'], '%s: %r' % (name, row['message'])

# ---- children nest two deep; what comes from elsewhere begins anew
nest = server.project('team/nest', {'.gitlab-ci.yml': 'one: {trigger: {include: a.yml}}\n',
                                    'a.yml': 'two: {trigger: {include: b.yml}}\n',
                                    'b.yml': 'three: {trigger: {include: c.yml}}\n',
                                    'c.yml': 'four: {script: [x]}\n'})
above = server.project('team/above', {'.gitlab-ci.yml': 'up: {trigger: {project: team/nest}}\n'})
for first in ((nest, make(nest)), None):
    if first is None:
        p = make(above)
        first = (nest, downstream(above, p, 'up')['id'])
    second = downstream(nest, first[1], 'one')['id']
    third = downstream(nest, second, 'two')['id']
    row = wait_for(nest, third, 'three', 'failed')
    same(row['message'], 'child pipelines nest at most 2 deep', 'a child of a child of a child')

# ---- a circle of projects ends
for name, other in (('ping', 'pong'), ('pong', 'ping')):
    server.project('team/' + name, {'.gitlab-ci.yml':
                                    'hit: {trigger: {project: team/%s}}\n' % other})
ping = server.get('/api/v4/projects/team%2Fping').json['id']
pong = server.get('/api/v4/projects/team%2Fpong').json['id']
at, p, rounds = ping, make(ping), 0
while rounds < 20:
    server.wait_for(lambda: job(at, p, 'hit')['status'] in ('success', 'failed'), 'a hit')
    if job(at, p, 'hit')['status'] == 'failed':
        break
    p, at, rounds = downstream(at, p, 'hit')['id'], pong if at == ping else ping, rounds + 1
assert 3 <= rounds <= 6, 'a circle goes round %d times' % rounds
same(job(at, p, 'hit')['message'],
     'pipelines of these projects trigger each other in a circle', 'why it ends')
server.stop()
