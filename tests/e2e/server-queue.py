"""The queue of a real server, asked by runners of the test's own."""
import sys

from server import Runner, Server


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


with open('settings.yml', 'w') as f:
    f.write('runner: {enabled: false}\nlimits: {project_jobs: 2}\n')
server = Server(sys.argv[1], args=['--config', 'settings.yml']).start()


def make(project, ref='main'):
    made = server.post('/api/v4/projects/%d/pipeline' % project, {'ref': ref})
    assert made.status == 201, made.body
    return made.json['id']


def jobs(project, pipeline):
    rows = server.get('/api/v4/projects/%d/pipelines/%d/jobs?include_retried=true&per_page=100'
                      % (project, pipeline)).json
    return {row['name']: row for row in rows}


def why(project, pipeline, name):
    row = jobs(project, pipeline)[name]
    assert 'waits' in row, '%s does not wait: %r' % (name, row)
    return row['waits']


def no_job(runner):
    """A poll that is not answered within a moment."""
    try:
        reply = runner.request(timeout=0.4)
    except TimeoutError:
        return True
    except OSError as e:
        return 'timed out' in str(e)
    raise AssertionError('got a job: %r' % reply.body)


# ---- nobody could take it, and that is said at once
tagged = server.project('a/tags', {'.gitlab-ci.yml': 'train: {tags: [gpu], script: [x]}\n'
                                                     'plain: {script: [x]}\n'})
pipeline = make(tagged)
wait = why(tagged, pipeline, 'plain')
same((wait['code'], wait['never']), ('no_runner', True), 'without any runner')

linux = Runner(server, description='r1', tag_list='linux', run_untagged=True)
wait = why(tagged, pipeline, 'train')
same((wait['code'], wait['never'], wait['tag']), ('tag', True, 'gpu'), 'without its tag')
assert 'gpu' in wait['text'] and 'r1' in wait['text'] and 'linux' in wait['text'], wait['text']

# ---- all that waits, in one list; a token of one project sees its own
rows = server.get('/api/pawl/v1/queue').json
same([(r['name'], r['tag_list'], r['waits']['code']) for r in rows],
     [('train', ['gpu'], 'tag'), ('plain', [], 'offline')], 'the queue')
same((rows[1]['project'], rows[1]['pipeline'], rows[1]['status'], rows[1]['waits']['position']),
     ({'id': tagged, 'path_with_namespace': 'a/tags'}, {'id': pipeline, 'ref': 'main'},
      'pending', 1), 'one of the queue')
reply = server.get('/api/pawl/v1/queue?per_page=1&page=2')
same(([r['name'] for r in reply.json], reply.headers['X-Total']), (['plain'], '2'), 'its second page')
stranger = server.project('a/stranger', {'.gitlab-ci.yml': 'x: {script: [x]}\n'})
token = server.post('/api/v4/projects/%d/access_tokens' % stranger,
                    {'name': 'narrow', 'scopes': ['read_api']}).json['token']
same(server.get('/api/pawl/v1/queue', token=token).json, [], 'of another project')

# ---- what fits is taken, what does not waits
job = linux.take()
same([r['name'] for r in server.get('/api/pawl/v1/queue').json], ['train'], 'what is left')
shown = server.get('/api/v4/runners').json[0]
same((shown['tag_list'], shown['running_jobs'], shown['job_execution_status']),
     (['linux'], 1, 'active'), 'the runner in the list')
same(job['job_info']['name'], 'plain', 'job of the runner without gpu')
gpu = Runner(server, description='r2', tag_list='gpu', run_untagged=False)
train = gpu.take()
same(train['job_info']['name'], 'train', 'job of the runner with gpu')
linux.update(job, 'success')
gpu.update(train, 'success')

# ---- a paused runner takes nothing
server.call('PUT', '/api/v4/runners/%d' % linux.id, {'paused': True})
same(linux.request().status, 204, 'poll of a paused runner')
pipeline = make(tagged)
same(why(tagged, pipeline, 'plain')['code'], 'paused', 'with its runner paused')
server.call('PUT', '/api/v4/runners/%d' % linux.id, {'paused': False})
job = linux.take()
linux.update(job, 'success')
gpu.update(gpu.take(), 'success')

# ---- a runner for protected refs alone
careful = server.project('a/careful', {'.gitlab-ci.yml': 'x: {tags: [safe], script: [x]}\n'})
server.call('PUT', '/api/v4/projects/%d' % careful, {'default_branch': 'main'})
safe = Runner(server, description='safe', tag_list='safe', run_untagged=False,
              access_level='ref_protected')
server.commit('a/careful', {'more': 'x'}, branch='side')
pipeline = make(careful, 'side')
same(why(careful, pipeline, 'x')['code'], 'protected', 'on a branch that is not protected')

# ---- the limit of a project; another project's job comes first then
many = server.project('b/many', {'.gitlab-ci.yml': 'j: {script: [x], parallel: 4}\n'})
few = server.project('b/few', {'.gitlab-ci.yml': 'k: {script: [x]}\n'})
pipeline = make(many)
first, second = linux.take(), linux.take()
same({first['job_info']['project_id'], second['job_info']['project_id']}, {many}, 'first two')
assert no_job(linux)
wait = why(many, pipeline, 'j 3/4')
same(wait['code'], 'project_limit', 'beyond the limit')
make(few)
third = linux.take()
same(third['job_info']['project_id'], few, 'the third')
for job in (first, second, third):
    linux.update(job, 'success')
for _ in range(2):
    linux.update(linux.take(), 'success')

# ---- the limit of a runner, and the longest it lets a job run
server.call('PUT', '/api/v4/runners/%d' % linux.id, {'limit': 1, 'maximum_timeout': 700})
got = server.get('/api/v4/runners/%d' % linux.id).json
same((got['limit'], got['maximum_timeout']), (1, 700), 'as shown')
for wrong in ({'limit': -1}, {'maximum_timeout': -1}):
    same(server.call('PUT', '/api/v4/runners/%d' % linux.id, wrong).status, 400, str(wrong))
pipeline = make(few)
other = make(few)
job = linux.take()
same(job['runner_info']['timeout'], 700, 'timeout of the job')
assert no_job(linux)
wait = why(few, other, 'k')
same((wait['code'], wait['runner']), ('runner_limit', linux.id), 'beyond the limit of the runner')
linux.update(job, 'success')
linux.update(linux.take(), 'success')
server.call('PUT', '/api/v4/runners/%d' % linux.id, {'limit': 0, 'maximum_timeout': 0})

# ---- priority: within the project, at once, for what is set off too, and over a crash
def urgent(project, pipeline, priority):
    return server.call('PUT', '/api/pawl/v1/projects/%d/pipelines/%d/priority'
                       % (project, pipeline), {'priority': priority})


order = [make(few) for _ in range(4)]
got = urgent(few, order[2], 5)
same((got.status, got.json['priority']), (200, 5), 'set')
same(urgent(few, order[0], -5).status, 200, 'set')
for wrong in (101, -101, 'high', None):
    same(urgent(few, order[0], wrong).status, 400, repr(wrong))
same(urgent(few, 999999, 1).status, 404, 'no such pipeline')
server.kill()
server.start()
same(server.get('/api/v4/projects/%d/pipelines/%d' % (few, order[2])).json['priority'], 5,
     'after a crash')
taken = []
for _ in order:
    job = linux.take()
    taken.append(job['job_info']['id'] if 'id' in job['job_info'] else job['id'])
    linux.update(job, 'success')
by_job = {jobs(few, p)['k']['id']: p for p in order}
same([by_job[j] for j in taken], [order[2], order[1], order[3], order[0]], 'who went first')

# ---- resource groups: one at a time
deploy = server.project('c/deploy', {'.gitlab-ci.yml':
                                     'one: {script: [x], resource_group: prod}\n'
                                     'two: {script: [x], resource_group: prod}\n'})
pipeline = make(deploy)
holder = linux.take()
other = {'one': 'two', 'two': 'one'}[holder['job_info']['name']]
same(jobs(deploy, pipeline)[other]['status'], 'waiting_for_resource', 'status of the other')
wait = why(deploy, pipeline, other)
same((wait['code'], wait['job']), ('resource', holder['id']), 'who holds it')
linux.update(holder, 'success')
linux.update(linux.take(), 'success')

# ---- a newer pipeline of the branch cancels what may be interrupted
newer = server.project('d/newer', {'.gitlab-ci.yml':
                                   'workflow: {auto_cancel: {on_new_commit: interruptible}}\n'
                                   'j: {script: [x], interruptible: true}\n'})
old = make(newer)
server.commit('d/newer', {'second': 'x'})
new = make(newer)
row = jobs(newer, old)['j']
same(row['status'], 'canceled', 'the older one')
same(jobs(newer, new)['j']['status'], 'pending', 'the newer one')
linux.update(linux.take(), 'success')

# ---- a job that is never accepted goes back to the queue when its runner withdraws
again = make(few)
taken = linux.request().json
same(why(few, again, 'k')['code'], 'acceptance', 'given, not accepted')
linux.update(taken, 'running')
same(jobs(few, again)['k']['status'], 'running', 'accepted')
linux.update(taken, 'success')
server.stop()

# ---- the limit of the whole server
with open('settings.yml', 'w') as f:
    f.write('runner: {enabled: false}\nlimits: {jobs: 1}\n')
server.start()
# the commit that went to a repository behind its back gets its pipeline now
pushed = '/api/v4/projects/%d/pipelines' % newer
server.wait_for(lambda: server.get(pushed + '?source=push&status=pending').json, 'the pipeline')
for row in server.get(pushed + '?source=push&status=pending').json:
    server.post('%s/%d/cancel' % (pushed, row['id']))
first, second = make(few), make(many)


def take_from(project):
    """Refs that were moved behind the server's back get their pipelines meanwhile."""
    while True:
        job = linux.take()
        if job['job_info']['project_id'] == project:
            return job
        linux.update(job, 'success')


job = take_from(few)
assert no_job(linux)
wait = why(many, second, 'j 1/4')
same((wait['code'], wait['never']), ('instance_limit', False), 'beyond the limit of the server')
linux.update(job, 'success')
take_from(many)
server.stop()
