"""Projects and pipelines as pages list them, a pipeline's file, its tests one by one."""
import gzip
import sys
from urllib.parse import quote

from server import Runner, Server

FILE = '''stages: [build, test, ship]
make: {stage: build, script: [x]}
unit: {stage: test, needs: [make], script: [x]}
lint: {stage: test, needs: [], allow_failure: true, script: [x]}
deploy: {stage: ship, when: manual, script: [x]}
'''
SUITE = '''<testsuite name="math"><testcase name="adds" classname="Sum" time="%s"/>
<testcase name="carries" classname="Sum" time="0.5">%s</testcase>
<testcase name="later" time="0"><skipped/></testcase></testsuite>'''

server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
runner = Runner(server)


def equal(got, want):
    assert got == want, '\n%r\nis not\n%r' % (got, want)


def ask(path, status=200):
    reply = server.get('/api/pawl/v1' + path)
    assert reply.status == status, (path, reply.status, reply.body)
    return reply


def make(project='app'):
    made = server.post('/api/v4/projects/team%%2F%s/pipeline' % project, {'ref': 'main'})
    assert made.status == 201, made.body
    return made.json['id']


def run(outcomes, report):
    """The three that nobody has to play; each ends as said of its name."""
    for _ in range(3):
        job = runner.take()
        name = job['job_info']['name']
        if name == 'unit':
            assert runner.upload(job, gzip.compress(report.encode()), 'junit.xml.gz',
                                 '?artifact_type=junit&artifact_format=gzip').status == 201
        assert runner.update(job, outcomes.get(name, 'success')).status == 200


# ---- all projects, the busy one first

equal(ask('/overview').json, [])
server.project('team/idle', {'.gitlab-ci.yml': FILE})  # its push started one that is skipped
server.project('team/app', {'.gitlab-ci.yml': FILE, 'other.yml': 'a: {script: [x]}'})
first = make()
run({'lint': 'failed'}, SUITE % ('0.1', ''))
second = make()
run({'unit': 'failed'}, SUITE % ('0.2', '<failure message="1 is not 2">%s</failure>' % ('x' * 40000)))

reply = ask('/overview')
app, idle = reply.json
equal((app['path'], idle['path']), ('team/app', 'team/idle'))
equal([(p['status'], p['source'], p['started_at']) for p in idle['pipelines']], [('skipped', 'push', None)])
equal([(p['id'], p['status'], p['warnings'], p['ref'], p['source']) for p in app['pipelines'][:2]],
      [(second, 'failed', False, 'main', 'api'), (first, 'success', True, 'main', 'api')])
assert all(p['started_at'] and p['finished_at'] for p in app['pipelines'][:2])
equal(reply.headers['X-Total'], '2')
equal([p['path'] for p in ask('/overview?search=IDL').json], ['team/idle'])
equal([p['path'] for p in ask('/overview?per_page=1&page=2').json], ['team/idle'])
for _ in range(13):
    assert server.post('/api/v4/projects/team%2Fidle/pipeline', {'ref': 'main'}).status == 201
equal([(p['path'], len(p['pipelines'])) for p in ask('/overview').json], [('team/idle', 12), ('team/app', 3)])
bound = server.post('/api/v4/projects/%d/access_tokens' % app['id'],
                    {'name': 'one', 'scopes': ['read_api']}).json['token']
equal([p['path'] for p in server.get('/api/pawl/v1/overview', token=bound).json], ['team/app'])

# ---- a project's pipelines

base = '/projects/team%2Fapp'
newest, oldest = ask(base + '/pipelines?source=api').json
equal((newest['id'], newest['status'], newest['user'], newest['commit']),
      (second, 'failed', {'username': 'root', 'name': newest['user']['name']},
       {'title': 'a commit', 'author_name': newest['commit']['author_name']}))
equal([(s['name'], s['status'], s['warnings']) for s in newest['stages']],
      [('build', 'success', False), ('test', 'failed', False), ('ship', 'skipped', False)])
equal([(s['name'], s['status'], s['warnings']) for s in oldest['stages']],
      [('build', 'success', False), ('test', 'success', True), ('ship', 'skipped', False)])
for query, want in (('status=failed', [second]), ('status=success', [first]), ('ref=none', []),
                    ('username=root', [second, first]), ('username=nobody', []),
                    ('source=push', []), ('per_page=1&page=2', [first])):
    equal([p['id'] for p in ask(base + '/pipelines?' + query).json if p['status'] != 'skipped'], want)
ask(base + '/pipelines?status=lost', 400)

# ---- a pipeline's jobs and whom they need; some of them, for who knows the others

graph = base + '/pipelines/%d/graph' % second
whole = ask(graph).json
equal([(j['name'], j['index'], j['needs'], j['status']) for j in whole['jobs']],
      [('make', 0, None, 'success'), ('unit', 1, [0], 'failed'), ('lint', 2, [], 'success'), ('deploy', 3, None, 'skipped')])
unit, lint = [j['id'] for j in whole['jobs'][1:3]]
equal(ask(graph + '?jobs=%d,%d,999' % (lint, unit)).json, {**whole, 'jobs': [whole['jobs'][2], whole['jobs'][1]]})
equal(ask(graph + '?jobs=0').json, {**whole, 'jobs': []})
elsewhere = ask(base + '/pipelines/%d/graph' % first).json['jobs'][0]['id']
equal(ask(graph + '?jobs=%d' % elsewhere).json['jobs'], [])
equal(ask(graph + '?jobs=').json, whole)
ask(graph + '?jobs=x', 400)
ask(graph + '?jobs=' + ','.join('7' * 201), 400)
ask(base + '/pipelines/999/graph', 404)

# ---- the file it was made from stays what it was

server.commit('team/app', {'.gitlab-ci.yml': 'new: {script: [x]}\n', 'bad.yml': 'new: {scirpt: [x]}\n'}, push=False)
server.push('team/app')
file = ask(base + '/pipelines/%d/file' % first).json
equal((file['path'], file['text'], file['generated'], file['why_not']), ('.gitlab-ci.yml', FILE, False, None))
equal(file['commit']['message'].strip(), 'a commit')
ask('/projects/team%%2Fidle/pipelines/%d/file' % first, 404)
ask(base + '/pipelines/999/file', 404)

# ---- tests: what failed first, and what became of each

tests = ask(base + '/pipelines/%d/tests' % second)
equal([(t['name'], t['status'], t['classname'], t['suite']) for t in tests.json],
      [('carries', 'failed', 'Sum', 'math'), ('adds', 'success', 'Sum', 'math'), ('later', 'skipped', None, 'math')])
failed = tests.json[0]
assert failed['output_is_cut'] and len(failed['output']) == 32 << 10 and not tests.json[1]['output_is_cut']
equal(tests.headers['X-Total'], '3')
for query, want in (('status=failed', ['carries']), ('search=ADD', ['adds']), ('search=sum', ['carries', 'adds']),
                    ('per_page=1&page=3', ['later']), ('job=%d' % failed['job'], ['carries', 'adds', 'later']),
                    ('job=999', [])):
    equal([t['name'] for t in ask(base + '/pipelines/%d/tests?%s' % (second, query)).json], want)
ask(base + '/pipelines/%d/tests?status=x' % second, 400)
ask('/projects/team%%2Fidle/pipelines/%d/tests' % second, 404)

past = ask(base + '/tests/history?suite=math&classname=Sum&name=carries').json
equal([(p['pipeline'], p['status'], p['ref'], p['job_name']) for p in past],
      [(second, 'failed', 'main', 'unit'), (first, 'success', 'main', 'unit')])
equal([p['pipeline'] for p in ask(base + '/tests/history?suite=math&name=later').json], [second, first])
equal(ask(base + '/tests/history?name=carries').json, [])
equal(ask(base + '/tests/history?name=' + quote("'; DROP TABLE jobs")).json, [])
ask(base + '/tests/history', 400)

# ---- a try that was retried has given its place away

again = server.post('/api/v4/projects/team%%2Fapp/jobs/%d/retry' % unit).json['id']
equal([(j['id'], j['attempt']) for j in ask(graph + '?jobs=%d,%d' % (unit, again)).json['jobs']], [(again, 2)])
server.stop()
