"""A session by python-gitlab."""
import sys
import time

import gitlab

from client_session import PIPELINE, begin

server = begin(sys.argv[1], 'python-gitlab')
gl = gitlab.Gitlab(server.url, private_token=server.token)


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


def refused(status, call, *args, **kw):
    try:
        call(*args, **kw)
    except gitlab.exceptions.GitlabError as e:
        same(e.response_code, status, 'refused with')
        return str(e)
    raise AssertionError('%r was not refused' % call)


def until(get, wanted, what):
    deadline = time.time() + 60
    while time.time() < deadline:
        it = get()
        if it.status == wanted:
            return it
        time.sleep(0.1)
    raise AssertionError('%s is %s, not %s' % (what, it.status, wanted))


# ---- who
gl.auth()
same(gl.user.username, 'root', 'the user')
same(len(gl.version()), 2, 'the version')

# ---- projects and branches
project = gl.projects.get('team/app')
same((project.path_with_namespace, project.default_branch), ('team/app', 'main'), 'project')
same([p.id for p in gl.projects.list(search='APP', membership=True, order_by='path',
                                     sort='asc', simple=True)], [project.id], 'search')
second = gl.projects.create({'name': 'second', 'visibility': 'private'})
same(second.path_with_namespace, 'root/second', 'created')
second.name = 'Second one'
second.description = 'of two'
second.save()
same([(p.name, p.description) for p in gl.projects.list(search='second')],
     [('Second one', 'of two')], 'a changed project')
project.default_branch = 'topic/one'
project.ci_config_path = 'ci.yml'
project.save()
project = gl.projects.get('team/app')
same((project.default_branch, project.ci_config_path), ('topic/one', 'ci.yml'), 'changed')
project.default_branch = 'main'
project.ci_config_path = ''
project.save()
project = gl.projects.get('team/app')
same((project.default_branch, project.ci_config_path), ('main', ''), 'changed back')
assert 'does not exist' in refused(400, gl.projects.update, project.id,
                                   {'default_branch': 'none'})
refused(400, gl.projects.update, project.id, {'path': 'other'})
refused(400, gl.projects.update, project.id, {'name': ' '})
refused(400, gl.projects.update, project.id, {'visibility': 'odd'})
same({b.name for b in project.branches.list(iterator=True)}, {'main', 'topic/one'},
     'branches')
same(project.branches.get('topic/one').commit['message'], 'a commit\n', 'a branch')
refused(404, project.branches.get, 'none')
refused(404, gl.projects.get, 'team/none')

# ---- variables
made = project.variables.create({'key': 'GREETING', 'value': 'hello-there', 'masked': True})
same((made.value, made.masked), ('hello-there', True), 'variable')
made.value = 'hello-again'
made.protected = True
made.save()
same(project.variables.get('GREETING').value, 'hello-again', 'changed variable')
project.variables.create({'key': 'GREETING', 'value': 'elsewhere',
                          'environment_scope': 'review/*'})
same(project.variables.get('GREETING', filter={'environment_scope': 'review/*'}).value,
     'elsewhere', 'variable by scope')
project.variables.delete('GREETING', filter={'environment_scope': 'review/*'})
same([v.key for v in project.variables.list(get_all=True)], ['GREETING'], 'variables')
assert 'is invalid' in refused(400, project.variables.create,
                               {'key': 'X', 'value': 'x', 'masked': True})
instance = gl.variables.create({'key': 'OF_ALL', 'value': 'x'})
same([v.key for v in gl.variables.list()], ['OF_ALL'], 'variables of the instance')
instance.delete()

# ---- lint
lint = project.ci_lint.create({'content': PIPELINE, 'include_jobs': True})
same((lint.valid, lint.errors, [j['name'] for j in lint.jobs]),
     (True, [], ['make', 'check', 'ship']), 'lint')
assert 'mkdir' in lint.merged_yaml, lint.merged_yaml
lint = project.ci_lint.create({'content': 'x: {scirpt: [y]}'})
same(lint.valid, False, 'lint of what is wrong')
assert 'scirpt' in lint.errors[0], lint.errors
same(project.ci_lint.get(dry_run=True).valid, True, 'lint of the commit')

# ---- pipelines
pipeline = project.pipelines.create({'ref': 'main', 'variables': [
    {'key': 'EXTRA', 'value': 'given'}]})
same((pipeline.ref, pipeline.source), ('main', 'api'), 'pipeline')
same([(v.key, v.value) for v in pipeline.variables.list()], [('EXTRA', 'given')],
     'variables of the pipeline')
until(lambda: project.pipelines.get(pipeline.id), 'success', 'the pipeline')
same([p.id for p in project.pipelines.list(ref='main', status='success')], [pipeline.id],
     'pipelines')
assert 'Reference not found' in refused(400, project.pipelines.create, {'ref': 'none'})
refused(404, project.pipelines.get, 4711)
listed = project.pipelines.list(per_page=1, page=1, get_all=False)
same(len(listed), 1, 'a page')
same(len(list(project.pipelines.list(iterator=True, per_page=1))),
     project.pipelines.list(iterator=True).total, 'pages')

# ---- jobs
jobs = {j.name: j for j in pipeline.jobs.list(get_all=True)}
same(sorted(jobs), ['check', 'make', 'ship'], 'jobs')
make = project.jobs.get(jobs['make'].id)
same((make.status, make.stage, make.pipeline['id']), ('success', 'build', pipeline.id), 'job')
log = make.trace()
assert b'greeting=[MASKED]' in log and b'hello-again' not in log, log
assert make.artifacts()[:2] == b'PK', 'the artifacts are no zip'
same(make.artifact('out/deep/a file'), b'inner\n', 'one file')
refused(404, make.artifact, 'out/none')
same(project.artifacts.download(ref_name='main', job='make')[:2], b'PK', 'by ref')
same(project.artifacts.raw('main', 'out/deep/a file', 'make'), b'inner\n', 'a file by ref')
refused(404, project.artifacts.download, ref_name='main', job='check')
refused(404, project.artifacts.download, ref_name='none', job='make')
assert make.artifacts_expire_at is not None
make.keep_artifacts()
same(project.jobs.get(make.id).artifacts_expire_at, None, 'kept artifacts')
same(len(project.jobs.list(scope=['manual', 'skipped'], get_all=True)) > 0, True, 'scope')
ship = project.jobs.get(jobs['ship'].id)
same(ship.status, 'manual', 'a manual job')
ship.play()
until(lambda: project.jobs.get(ship.id), 'success', 'the played job')
again = make.retry()
assert again['id'] != make.id, 'a retry is a job of its own'
until(lambda: project.jobs.get(again['id']), 'success', 'the retried job')

# ---- erased
again = project.jobs.get(again['id'])
again.delete_artifacts()
again = project.jobs.get(again.id)
same(again.attributes['artifacts'], [], 'artifacts of it')
assert b'greeting' in again.trace(), 'the log went with the artifacts'
refused(404, again.keep_artifacts)
again.erase()
again = project.jobs.get(again.id)
assert again.erased_at is not None
same((again.status, again.trace()), ('success', b''), 'an erased job')
assert 'not erasable' in refused(403, again.erase)

# ---- cancel and retry of a whole one
server.commit('team/app', {'.gitlab-ci.yml': 'long: {script: [sleep 100]}\n'}, push=False)
server.push('team/app', 'long')
pipeline = project.pipelines.create({'ref': 'long'})
until(lambda: project.pipelines.get(pipeline.id), 'running', 'the long one')
pipeline.cancel()
until(lambda: project.pipelines.get(pipeline.id), 'canceled', 'the canceled one')
pipeline.retry()
until(lambda: project.pipelines.get(pipeline.id), 'running', 'the retried one')
job = project.jobs.get(pipeline.jobs.list()[0].id)
assert 'not erasable' in refused(403, job.erase)
job.cancel()
until(lambda: project.jobs.get(job.id), 'canceled', 'the canceled job')

# ---- runners
runners = gl.runners.list(get_all=True)
same(len(runners), 1, 'runners')
runner = gl.runners.get(runners[0].id)
same((runner.online, runner.paused), (True, False), 'the runner')
runner.description = 'renamed'
runner.save()
same(gl.runners.get(runner.id).description, 'renamed', 'renamed runner')
made = gl.user.runners.create({'runner_type': 'project_type', 'project_id': project.id,
                               'tag_list': 'gpu,big', 'access_level': 'ref_protected'}) \
    if hasattr(gl.user, 'runners') else None
if made is None:
    gl.http_post('/user/runners', post_data={
        'runner_type': 'project_type', 'project_id': project.id, 'tag_list': 'gpu,big',
        'access_level': 'ref_protected', 'maximum_timeout': 60})
same([r.runner_type for r in gl.runners.list(tag_list='gpu,big')], ['project_type'], 'by tag')
same(gl.runners.list(tag_list='gpu,small'), [], 'by tags none has')
ours = gl.runners.get(gl.runners.list(type='project_type')[0].id)
same((ours.tag_list, ours.run_untagged, ours.access_level, ours.status),
     (['gpu', 'big'], True, 'ref_protected', 'never_contacted'), 'its details')
same(len(gl.runners.list(status='online')), 1, 'those online')
same([len(p.runners.list()) for p in (project, gl.projects.get(second.id))], [2, 1],
     'runners of projects')
same(gl.runners.list(paused=True), [], 'those paused')
same(len(list(gl.runners.list(iterator=True, per_page=1))), 2, 'pages of runners')
refused(400, gl.http_list, '/runners', {'status': 'odd'})
refused(400, gl.http_list, '/runners', {'type': 'odd'})

# ---- who may not
stranger = gitlab.Gitlab(server.url, private_token='glpat-wrong')
refused(401, stranger.projects.list)
token = project.access_tokens.create({'name': 'reads', 'scopes': ['read_api'],
                                      'access_level': 20})
reader = gitlab.Gitlab(server.url, private_token=token.token)
same([p.id for p in reader.projects.list()], [project.id], 'what a project token sees')
refused(403, reader.projects.get(project.id).pipelines.create, {'ref': 'main'})
refused(404, reader.projects.get, second.id)
project.access_tokens.delete(token.id)
refused(401, reader.projects.list)

server.stop()
print('python-gitlab', gitlab.__version__, 'met')
