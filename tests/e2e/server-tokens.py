"""Tokens of jobs, people and runners; secrets at rest."""
import base64
import gzip
import os
import subprocess
import sys

from server import Runner, Server

PIPELINE = '''
stages: [build, test]
needed: {stage: build, script: [x], artifacts: {paths: [a], reports: {dotenv: e}}}
other: {stage: build, script: [x], artifacts: {paths: [a]}}
check: {stage: test, script: [x], needs: [needed]}
sleeper: {stage: build, script: [x]}
'''


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
server.project('team/other', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project
runner = Runner(server, description='r1')
server.post(base + '/variables', {'key': 'SECRET', 'value': 'sealed-value-1'})
server.post('/api/v4/admin/ci/variables', {'key': 'ALL', 'value': 'sealed-value-2'})


def with_job(job, method, path, body=None, **headers):
    return server.call(method, path, body, token=None,
                       headers={'JOB-TOKEN': job['token'], **headers})


def git(job, path, service='git-upload-pack'):
    """Status of git's first question, with the job's token as its password."""
    login = base64.b64encode(b'gitlab-ci-token:' + job['token'].encode()).decode()
    return server.call('GET', '/%s.git/info/refs?service=%s' % (path, service), token=None,
                       headers={'Authorization': 'Basic ' + login}).status


made = server.post(base + '/pipeline', {'ref': 'main', 'variables': [
    {'key': 'GIVEN', 'value': 'sealed-value-3'}]})
jobs = {}
for _ in range(3):
    job = runner.take()
    jobs[job['job_info']['name']] = job
same(runner.upload(jobs['needed'], gzip.compress(b'DOT=sealed-value-4\n'), 'e.gz',
                   '?artifact_type=dotenv&artifact_format=gzip').status, 201, 'dotenv')
for name in ('needed', 'other'):
    same(runner.upload(jobs[name], b'archive of ' + name.encode()).status, 201, 'upload')
    same(runner.update(jobs[name], 'success').status, 200, 'end')
check = jobs['check'] = runner.take()
same(check['job_info']['name'], 'check', 'the job that is due')


def artifacts(job, of):
    return with_job(job, 'GET', '/api/v4/jobs/%d/artifacts' % jobs[of]['id'])


same({v['key']: v['value'] for v in check['variables']}['DOT'], 'sealed-value-4', 'dotenv')

# ---- what it needs
same([d['name'] for d in check['dependencies']], ['needed'], 'dependencies')
same(artifacts(check, 'needed').body, b'archive of needed', 'what it needs')
same(git(check, 'team/app'), 200, 'its project')
same(runner.log(check, 0, b'x\n').status, 202, 'its log')

# ---- and no more
same(artifacts(check, 'other').status, 404, 'what it does not need')
same(artifacts(jobs['sleeper'], 'needed').status, 404, 'by a job that needs nothing')
assert git(check, 'team/other') in (401, 403, 404), 'another project'
assert git(check, 'team/app', 'git-receive-pack') in (401, 403), 'a push'
same(with_job(check, 'PUT', '/api/v4/jobs/%d' % jobs['sleeper']['id'],
              {'token': check['token'], 'state': 'success', 'info': {}}).status, 403,
     'the end of another job')
for path in ('', '/jobs', '/pipelines', '/variables'):
    same(with_job(check, 'GET', base + path).status, 401, 'GET ' + path)
    same(server.get(base + path, token=check['token']).status, 401, 'as a person')
same(with_job(check, 'POST', base + '/pipeline', {'ref': 'main'}).status, 401, 'a pipeline')
same(server.post('/api/v4/jobs/request', {'token': check['token'], 'info': {}},
                 token=None).status, 403, 'as a runner')


# ---- nothing of it lies on the disk, while it lives
def look_for(*secrets):
    for folder, _, names in os.walk('data'):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.isfile(path):
                continue
            with open(path, 'rb') as f:
                text = f.read()
            for secret in secrets:
                assert secret.encode() not in text, '%s holds %s' % (path, secret)


secrets = (check['token'], runner.token, server.token, 'sealed-value-1', 'sealed-value-2',
           'sealed-value-3', 'sealed-value-4')
look_for(*secrets)
key = [n for n in os.listdir('data') if 'key' in n]
for name in ['data/db/' + n for n in os.listdir('data/db')] + ['data/' + n for n in key]:
    same(os.stat(name).st_mode & 0o077, 0, 'who else may read ' + name)
assert key, 'where is the key?'

# ---- it lives as long as the job: over a crash too
server.kill()
server.start()
same(artifacts(check, 'needed').body, b'archive of needed', 'after a crash')
same(runner.update(check, 'success').status, 200, 'the end')
same(artifacts(check, 'needed').status, 401, 'artifacts after the end')
same(git(check, 'team/app'), 401, 'git after the end')
same(runner.log(check, 2, b'y\n').status, 403, 'log after the end')
same(runner.update(check, 'success').status, 403, 'a second end')
same(runner.upload(check, b'z').status, 403, 'upload after the end')
server.post('%s/jobs/%d/cancel' % (base, jobs['sleeper']['id']))
runner.update(jobs['sleeper'], 'failed', failure_reason='job_canceled')
same(git(jobs['sleeper'], 'team/app'), 401, 'git after a cancel')

# ---- a token that has been taken back, and one of a removed runner
made = server.post('/api/v4/users/1/personal_access_tokens', {'name': 'x', 'scopes': ['api']})
same(made.json['last_used_at'], None, 'not used yet')
same(server.get('/api/v4/user', token=made.json['token']).status, 200, 'a new token')


def last_used():
    return [t['last_used_at'] for t in server.get('/api/v4/personal_access_tokens').json if t['id'] == made.json['id']][0]


server.wait_for(last_used, 'the use to be on disk')
used = last_used()
same(server.get('/api/v4/user', token=made.json['token']).status, 200, 'again')
same(last_used(), used, 'within a minute it is not written again')
server.stop()
server.start()
same(last_used(), used, 'on disk')
server.call('DELETE', '/api/v4/personal_access_tokens/%d' % made.json['id'])
same(server.get('/api/v4/user', token=made.json['token']).status, 401, 'revoked')
server.call('DELETE', '/api/v4/runners/%d' % runner.id)
same(runner.request().status, 403, 'a removed runner')
server.stop()
look_for(*secrets, made.json['token'])
assert subprocess.run(['grep', '-rq', 'SECRET', 'data/db']).returncode == 0, \
    'the names of variables are looked for elsewhere'
