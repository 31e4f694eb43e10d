"""Which refs are protected, by name, by pattern, by default."""
import subprocess
import sys
import urllib.parse

from server import Runner, Server

PIPELINE = '''
job:
  script: [x]
  tags: [safe]
'''


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project
for branch in ('release/1.0', 'topic', 'a/b-stable'):
    server.push('team/app', branch)
work = ['git', '-C', 'work-team-app']
for tag in ('v1.0', 'nightly'):
    subprocess.check_call(work + ['tag', tag])
    url = 'http://root:%s@%s/team/app.git' % (server.token, server.url.split('//')[1])
    subprocess.check_call(work + ['push', '-q', '-o', 'ci.skip', url, tag],
                          stderr=subprocess.DEVNULL)
server.post(base + '/variables', {'key': 'SECRET', 'value': 'for-protected', 'protected': True})
safe = Runner(server, description='safe', tag_list='safe', access_level='ref_protected')


def reached(ref):
    """Does a job of it get the protected variable? Its runner for protected refs agrees."""
    made = server.post(base + '/pipeline', {'ref': ref})
    same(made.status, 201, 'a pipeline of ' + ref)
    job = server.get('%s/pipelines/%d/jobs' % (base, made.json['id'])).json[0]
    runs = job['waits']['code'] != 'protected'
    runner = safe if runs else Runner(server, description='anyone', tag_list='safe')
    job = runner.take()
    variables = {v['key']: v['value'] for v in job['variables']}
    has = 'SECRET' in variables
    same((runs, variables['CI_COMMIT_REF_PROTECTED']), (has, 'true' if has else 'false'), ref)
    same(runner.update(job, 'success').status, 200, 'its end')
    if runner is not safe:
        server.call('DELETE', '/api/v4/runners/%d' % runner.id)
    return has


def protected(kind):
    return [row['name'] for row in server.get('%s/protected_%s' % (base, kind)).json]


def protect(kind, name):
    return server.post('%s/protected_%s' % (base, kind), {'name': name})


def unprotect(kind, name):
    return server.call('DELETE', '%s/protected_%s/%s'
                       % (base, kind, urllib.parse.quote(name, safe=''))).status


# ---- at first the default branch is, and nothing else
same((protected('branches'), protected('tags')), (['main'], []), 'at first')
same([reached(ref) for ref in ('main', 'topic', 'release/1.0', 'v1.0')],
     [True, False, False, False], 'at first')

# ---- by name and by pattern
made = protect('branches', 'release/*')
same((made.status, made.json['name'], made.json['push_access_levels'][0]['access_level']),
     (201, 'release/*', 30), 'a pattern')
same(protect('branches', '*-stable').status, 201, 'another')
same(protect('tags', 'v*').status, 201, 'tags')
same(protected('branches'), ['main', 'release/*', '*-stable'], 'then')
server.kill()
server.start()
same((protected('branches'), protected('tags')), (['main', 'release/*', '*-stable'], ['v*']),
     'after a crash')
same([reached(ref) for ref in ('main', 'topic', 'release/1.0', 'a/b-stable', 'v1.0', 'nightly')],
     [True, False, True, True, True, False], 'then')
rows = {b['name']: b['protected'] for b in server.get(base + '/repository/branches').json}
same(rows, {'main': True, 'topic': False, 'release/1.0': True, 'a/b-stable': True}, 'branches')
same(server.get(base + '/protected_branches/release%2F*').json['name'], 'release/*', 'one')

# ---- what a branch was when its pipeline was made counts
held = server.post(base + '/pipeline', {'ref': 'main'})
same(unprotect('branches', 'main'), 204, 'the default branch')
job = safe.take()
assert 'SECRET' in {v['key'] for v in job['variables']}, 'it was protected when it was made'
safe.update(job, 'success')
same([reached('main'), reached('release/1.0')], [False, True], 'without the default branch')

# ---- refused
same(unprotect('branches', 'main'), 404, 'twice')
same(unprotect('tags', 'release/*'), 404, 'as a tag')
same(server.get(base + '/protected_branches/none').status, 404, 'none')
twice = protect('tags', 'v*')
same((twice.status, twice.json['message']), (409, "Protected tag 'v*' already exists"), 'twice')
for wrong in ('', 'two words', 'a\nb', 'x' * 256):
    same(protect('branches', wrong).status, 400, repr(wrong))
same(server.post(base + '/protected_branches', {}).json['error'], 'name is missing', 'no name')

# ---- a default branch that is renamed takes its protection along, as long as nobody said more
other = server.project('team/renamed', {'.gitlab-ci.yml': PIPELINE})
server.push('team/renamed', 'trunk')
there = '/api/v4/projects/%d' % other
same(server.call('PUT', there, {'default_branch': 'trunk'}).status, 200, 'renamed')
same([row['name'] for row in server.get(there + '/protected_branches').json], ['trunk'],
     'after the renaming')

# ---- what is protected before the first push does not leave the default branch open
made = server.post('/api/v4/projects', {'name': 'new', 'namespace_path': 'team'}).json['id']
server.post('/api/v4/projects/%d/protected_branches' % made, {'name': 'release/*'})
server.commit('team/new', {'.gitlab-ci.yml': PIPELINE}, push=False)
server.push('team/new')
same([row['name'] for row in
      server.get('/api/v4/projects/%d/protected_branches' % made).json],
     ['release/*', 'main'], 'a default branch that came later')
server.stop()
