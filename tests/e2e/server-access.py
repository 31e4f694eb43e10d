"""Every route the source declares, asked by each who may not. A route without a row here
fails the test, and so does a row without a route. docs/rest.md describes them all."""
import re
import sqlite3
import sys

from api_routes import compare, declared
from server import Runner, Server

ASKERS = ('nobody', 'wrong', 'other', 'job', 'reader', 'user', 'bound')
# What each kind of route answers: no token, a wrong one, one of another project, that of a
# job that is over; then a token that only reads, one of a user who is no administrator, and
# an administrator's for this one project. None: it may pass, whatever then becomes of it.
KINDS = {
    'read': (401, 401, 404, 401, None, None, None),
    'write': (401, 401, 404, 401, 403, None, None),
    'own': (401, 401, None, 401, None, None, None),  # whoever has a token, of oneself
    'admin': (401, 401, 403, 401, 403, 403, 403),
    'create': (401, 401, 403, 401, 403, None, 403),  # not with a token of one project
    'mint': (401, 401, 404, 401, 403, None, 403),
    'mint_own': (401, 401, 403, 401, 403, 403, 403),  # by log-in, or an administrator's
    'other': (401, 401, 404, 401, 403, 404, 404),  # what is not one's own is not there
    'runner': (403, 403, 403, 403, 403, 403, 403),  # opens with a runner's or job's alone
    'unregister': (403, 403, 403, 403, 403, 403, 403),
    'download': (401, 401, 401, 401, 401, 401, 401),
    'session': (401, 401, 401, 401, None, None, 401),  # by the token in the body
    'open': (None,) * 7,
}
P = '/api/v4/projects/:id'
J = P + '/jobs/:job'
TABLE = {
    'read': [
        ('GET', P), ('GET', P + '/pipelines/:pipeline/variables'),
        ('GET', P + '/pipelines/:pipeline/test_report'),
        ('GET', P + '/pipelines/:pipeline/test_report_summary'),
        ('GET', P + '/repository/branches'),
        ('GET', P + '/repository/branches/*branch'), ('GET', P + '/ci/lint'),
        ('GET', P + '/pipelines'), ('GET', P + '/pipelines/latest'),
        ('GET', P + '/pipelines/:pipeline'), ('GET', P + '/pipelines/:pipeline/jobs'),
        ('GET', P + '/jobs'), ('GET', J), ('GET', J + '/trace'), ('GET', J + '/artifacts'),
        ('GET', J + '/artifacts/*path'),
        ('GET', P + '/jobs/artifacts/:ref/download'),
        ('GET', P + '/jobs/artifacts/:ref/raw/*path'),
        ('GET', '/api/pawl/v1/projects/:id/jobs/:job/log/events'),
        ('GET', '/api/pawl/v1/projects/:id/form'),
        ('GET', '/api/pawl/v1/projects/:id/jobs/:job/tries'),
        ('GET', '/api/pawl/v1/projects/:id/jobs/:job/usage'),
        ('GET', '/api/pawl/v1/projects/:id/jobs/:job/files'),
        ('GET', '/api/pawl/v1/projects/:id/pipelines/:pipeline/graph'),
        ('GET', '/api/pawl/v1/projects/:id/pipelines'),
        ('GET', '/api/pawl/v1/projects/:id/pipelines/:pipeline/file'),
        ('GET', '/api/pawl/v1/projects/:id/pipelines/:pipeline/tests'),
        ('GET', '/api/pawl/v1/projects/:id/tests/history'),
        ('GET', '/api/pawl/v1/projects/:id/jobs/:job/log/lines'),
        ('GET', '/api/pawl/v1/projects/:id/jobs/:job/log/outline'),
        ('GET', '/api/pawl/v1/projects/:id/jobs/:job/log/search'),
        ('GET', P + '/variables'), ('GET', P + '/variables/:key'),
        ('GET', P + '/access_tokens'), ('GET', P + '/runners'),
        ('GET', P + '/resource_groups'), ('GET', P + '/protected_branches'),
        ('GET', P + '/protected_branches/:pattern'), ('GET', P + '/protected_tags'),
        ('GET', P + '/protected_tags/:pattern'),
        ('GET', P + '/resource_groups/:group'),
        ('GET', P + '/resource_groups/:group/upcoming_jobs'),
    ],
    'write': [
        ('PUT', P), ('DELETE', P + '/pipelines/:pipeline'),
        ('POST', '/api/pawl/v1/projects/:id/plan'), ('POST', P + '/ci/lint'), ('POST', P + '/pipeline'),
        ('POST', P + '/pipelines/:pipeline/retry'),
        ('POST', P + '/pipelines/:pipeline/cancel'),
        ('POST', J + '/erase'), ('DELETE', J + '/artifacts'),
        ('POST', J + '/artifacts/keep'), ('POST', J + '/retry'), ('POST', J + '/cancel'), ('POST', J + '/play'),
        ('POST', P + '/variables'), ('PUT', P + '/variables/:key'),
        ('DELETE', P + '/variables/:key'), ('DELETE', P + '/access_tokens/:token'),
        ('PUT', '/api/pawl/v1/projects/:id/pipelines/:pipeline/priority'),
        ('PUT', P + '/resource_groups/:group'), ('POST', P + '/protected_branches'),
        ('DELETE', P + '/protected_branches/:pattern'), ('POST', P + '/protected_tags'),
        ('DELETE', P + '/protected_tags/:pattern'),
    ],
    'mint': [('POST', P + '/access_tokens')],
    'mint_own': [('POST', '/api/v4/user/personal_access_tokens')],
    'own': [
        ('GET', '/api/v4/personal_access_tokens'), ('GET', '/api/pawl/v1/settings'),
        ('GET', '/api/v4/projects'), ('GET', '/api/pawl/v1/overview'), ('GET', '/api/v4/user'), ('GET', '/api/v4/version'),
        ('GET', '/api/v4/personal_access_tokens/self'),
        ('DELETE', '/api/v4/personal_access_tokens/self'), ('GET', '/api/pawl/v1/events'),
        ('GET', '/api/pawl/v1/queue'),
    ],
    'create': [('POST', '/api/v4/projects')],
    'other': [('DELETE', '/api/v4/personal_access_tokens/:id')],
    'admin': [
        ('GET', '/api/v4/runners'), ('GET', '/api/v4/runners/all'),
        ('GET', '/api/v4/runners/:id'), ('PUT', '/api/v4/runners/:id'),
        ('DELETE', '/api/v4/runners/:id'), ('POST', '/api/v4/user/runners'),
        ('POST', '/api/v4/users/:id/personal_access_tokens'),
        ('GET', '/api/v4/admin/ci/variables'), ('POST', '/api/v4/admin/ci/variables'),
        ('GET', '/api/v4/admin/ci/variables/:key'),
        ('PUT', '/api/v4/admin/ci/variables/:key'),
        ('DELETE', '/api/v4/admin/ci/variables/:key'),
    ],
    'session': [('POST', '/api/pawl/v1/session')],
    'runner': [
        ('POST', '/api/v4/runners/verify'), ('DELETE', '/api/v4/runners'),
        ('POST', '/api/v4/jobs/request'), ('PUT', '/api/v4/jobs/:id'),
        ('PATCH', '/api/v4/jobs/:id/trace'), ('POST', '/api/v4/jobs/:id/artifacts'),
        ('POST', '/api/pawl/v1/hook'),
    ],
    'download': [('GET', '/api/v4/jobs/:id/artifacts')],
    'open': [
        ('GET', '/-/health'), ('GET', '/-/ready'), ('GET', '/metrics'),
        ('GET', '/api/pawl/v1/session'), ('DELETE', '/api/pawl/v1/session'),
        ('GET', '/-/assets/:build/*path'),
    ],
}


routes = declared(sys.argv[2])
known = {route for rows in TABLE.values() for route in rows}
assert len(routes) > 50, 'the tables of routes are not found in the source'
assert not routes - known, 'not in this table: %s' % sorted(routes - known)
assert not known - routes, 'in no table of routes: %s' % sorted(known - routes)
assert not compare(sys.argv[2]), '\n'.join(compare(sys.argv[2]))

server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
PIPELINE = 'a: {script: [x]}\n'
server.post('/api/v4/projects', {'name': 'app', 'namespace_path': 'team'})
server.commit('team/app', {'.gitlab-ci.yml': PIPELINE}, push=False)
server.push('team/app')
project = server.get('/api/v4/projects/team%2Fapp').json['id']
other = server.project('team/other', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project
runner = Runner(server)
pipeline = server.post('/api/v4/projects/%d/pipeline' % project, {'ref': 'main'}).json['id']
job = runner.take()
runner.upload(job, b'x')
assert runner.update(job, 'success').status == 200
server.post('/api/v4/projects/%d/variables' % project, {'key': 'KEY', 'value': 'x'})
server.post('/api/v4/admin/ci/variables', {'key': 'KEY', 'value': 'x'})
victim = server.post('/api/v4/users/1/personal_access_tokens',
                     {'name': 'victim', 'scopes': ['api']}).json


# a person who is no administrator
server.stop()
database = sqlite3.connect('data/db/pawl.db')
database.execute("INSERT INTO users (id, login, name, is_admin, blocked, created_us)"
                 " VALUES (77, 'ann', 'Ann', 0, 0, 1)")
database.commit()
database.close()
server.start()


def token_for(asker):
    """A new one each time: a route may end it."""
    if asker == 'nobody':
        return None
    if asker == 'wrong':
        return 'glpat-' + 'x' * 24
    if asker == 'job':
        return job['token']
    if asker in ('other', 'bound'):
        made = server.post('/api/v4/projects/%d/access_tokens'
                           % (other if asker == 'other' else project),
                           {'name': asker, 'scopes': ['api']})
    else:
        made = server.post('/api/v4/users/77/personal_access_tokens',
                           {'name': asker,
                            'scopes': ['read_api' if asker == 'reader' else 'api']})
    assert made.status == 201, made.body
    return made.json['token']


def address(pattern):
    values = {'id': project, 'pipeline': pipeline, 'job': job['id'], 'key': 'KEY',
              'group': 'prod', 'pattern': 'main', 'token': 1, 'branch': 'main', 'ref': 'main', 'path': 'file'}
    if pattern.startswith('/api/v4/jobs/'):
        values['id'] = job['id']
    elif pattern.startswith('/api/v4/runners/'):
        values['id'] = runner.id
    elif pattern.startswith('/api/v4/users/'):
        values['id'] = 1
    elif pattern.startswith('/api/v4/personal_access_tokens/'):
        values['id'] = victim['id']
    return re.sub(r'[:*](\w+)', lambda m: str(values[m.group(1)]), pattern)


before = server.get(base + '/pipelines').json
failures, asked = [], 0
for kind, rows in TABLE.items():
    for method, pattern in rows:
        for asker, want in zip(ASKERS, KINDS[kind]):
            if want is None:
                continue
            token = token_for(asker)
            for headers in ({'PRIVATE-TOKEN': token}, {'JOB-TOKEN': token},
                            {'Authorization': 'Bearer %s' % token}):
                if token is None:
                    headers = {}
                elif 'JOB-TOKEN' in headers and asker != 'job' and kind not in (
                        'runner', 'download'):
                    continue  # no token of a person opens anything by that header
                body = None if method == 'GET' else {'token': token or '', 'info': {}}
                got = server.call(method, address(pattern), body, headers=headers,
                                  token=None)
                asked += 1
                if got.status != want:
                    failures.append('%s %s by %s (%s): %d, not %d: %s' % (
                        method, pattern, asker, ''.join(headers), got.status, want,
                        got.body[:80]))
                elif b'KEY' in got.body or b'glpat-' in got.body:
                    failures.append('%s %s by %s tells: %s'
                                    % (method, pattern, asker, got.body))
assert not failures, '\n'.join(failures)

# ---- nothing of that left a trace, and one who may still may
assert server.get(base + '/variables/KEY').json['value'] == 'x'
assert server.get('/api/v4/runners/%d' % runner.id).status == 200
assert server.get('/api/v4/user', token=victim['token']).status == 200
assert server.get(base + '/pipelines').json == before, 'pipelines'
# ---- in a browser a person makes a token for himself; one made of it makes no others
login = server.call('POST', '/api/pawl/v1/session', {'token': token_for('user')}, token=None)
cookie = {'Cookie': login.headers['Set-Cookie'].split(';')[0], 'X-CSRF-Token': login.json['csrf_token']}
mine = {'name': 'mine', 'scopes': ['api']}
made = server.call('POST', '/api/v4/user/personal_access_tokens', mine, headers=cookie, token=None)
assert (made.status, made.json['user_id']) == (201, 77), made.body
assert server.post('/api/v4/user/personal_access_tokens', mine, token=made.json['token']).status == 403
print('%d refused, of %d routes' % (asked, len(routes)))
server.stop()
