"""The files of the pages over HTTP, sessions with their cookie, and the event stream."""
import gzip
import http.client
import json
import os
import re
import sys
import threading

from server import Runner, Server

server = Server(sys.argv[1]).start()
HTML = {'Accept': 'text/html,*/*'}


def ask(method, path, headers=None, body=None):
    return server.call(method, path, body, headers=headers, token=None)


# ---- files: one page for all addresses, its parts kept for ever, nothing from elsewhere

page = ask('GET', '/', HTML)
assert page.status == 200 and page.headers['Content-Type'] == 'text/html; charset=utf-8'
policy = page.headers['Content-Security-Policy']
assert "default-src 'none'" in policy and 'unsafe' not in policy and "frame-ancestors 'none'" in policy, policy
assert page.headers['X-Content-Type-Options'] == 'nosniff'
text = page.body.decode()
assert '@BUILD@' not in text and '<script>' not in text and 'style=' not in text
assert not re.search(r'(src|href)="(?!/-/assets/|/api/)', text), text
for path in ('/team/app', '/team/app/-/jobs/1', '/-/login', '/no/such/thing'):
    assert ask('GET', path, HTML).body == page.body, path
for path, headers in (('/team/app', {}), ('/api/v4/nothing', HTML), ('/-/assets/0/app.js', {})):
    assert ask('GET', path, headers).status == 404, path
assert ask('POST', '/', HTML).status == 404

for path in set(re.findall(r'"(/-/assets/[^"]+)"', text)):
    plain = ask('GET', path)
    packed = ask('GET', path, {'Accept-Encoding': 'gzip, br'})
    assert plain.status == packed.status == 200, path
    assert packed.headers['Content-Encoding'] == 'gzip' and gzip.decompress(packed.body) == plain.body
    assert 'immutable' in plain.headers['Cache-Control']
    assert plain.headers['ETag'] != packed.headers['ETag'] and not plain.headers['ETag'].startswith('W/')
    for reply, headers in ((plain, {}), (packed, {'Accept-Encoding': 'gzip'})):
        again = ask('GET', path, {'If-None-Match': reply.headers['ETag'], **headers})
        assert again.status == 304 and again.body == b'', (again.status, path)
    assert ask('GET', path, {'If-None-Match': '"other"'}).status == 200
    assert ask('GET', path.replace('/-/assets/', '/-/assets/x')).status == 404
assert ask('GET', '/', {**HTML, 'Accept-Encoding': 'gzip;q=0'}).headers['Content-Encoding'] is None

build_id = re.search('/-/assets/([^/]+)/', text).group(1)
files = re.findall(r'^WEB_FILES \+= web/(\S+)$', open(os.environ['SRC'] + '/web/local.mk').read(), re.M)
moved = {f: len(ask('GET', f'/-/assets/{build_id}/{f}', {'Accept-Encoding': 'gzip'}).body) for f in files}
print('all files of the pages, compressed: %d bytes' % sum(moved.values()))
assert len(files) > 10 and sum(moved.values()) < 60000, moved
# what the oldest of the browsers that docs/web.md names do not know, and cannot do without
for f in files:
    new = re.search(r'light-dark\(|\b(Map|Object)\.groupBy|withResolvers|fromAsync|AbortSignal\.any|URL\.parse',
                    open(os.environ['SRC'] + '/web/' + f).read())
    assert new is None, (f, new)

# ---- sessions

nobody = ask('GET', '/api/pawl/v1/session')
assert nobody.status == 200 and nobody.json == {'username': None}, nobody.body
for token in ('wrong', '', None):
    assert ask('POST', '/api/pawl/v1/session', body={'token': token}).status == 401, token
made = ask('POST', '/api/pawl/v1/session', body={'token': server.token})
assert made.status == 201 and made.json['username'] == 'root' and made.json['is_admin'] is True, made.body
cookie = made.headers['Set-Cookie']
assert 'HttpOnly' in cookie and 'SameSite=Strict' in cookie and 'Path=/' in cookie and 'Secure' not in cookie
kept = {'Cookie': 'a=1; ' + cookie.split(';')[0] + '; b=2'}
csrf = {'X-CSRF-Token': made.json['csrf_token']}
assert server.token not in cookie and made.json['csrf_token'] not in cookie
same = ask('GET', '/api/pawl/v1/session', kept).json
assert same['csrf_token'] == made.json['csrf_token'] and same['username'] == 'root'

new = {'name': 'app', 'namespace_path': 'team'}
assert ask('GET', '/api/v4/projects', kept).status == 200
assert ask('GET', '/api/v4/projects').status == 401
assert ask('POST', '/api/v4/projects', kept, new).status == 403
assert ask('POST', '/api/v4/projects', {**kept, 'X-CSRF-Token': 'x'}, new).status == 403
assert ask('POST', '/api/v4/projects', {**kept, **csrf}, new).status == 201
assert ask('GET', '/api/v4/projects', {'Cookie': 'pawl_session=' + 'x' * 30}).status == 401

# what a reader's token opens may read only; a project's token is no person's
reader = server.post('/api/v4/users/1/personal_access_tokens',
                     {'name': 'reads', 'scopes': ['read_api'], 'expires_at': '2999-01-01'}).json['token']
opened = ask('POST', '/api/pawl/v1/session', body={'token': reader})
reads = {'Cookie': opened.headers['Set-Cookie'].split(';')[0], 'X-CSRF-Token': opened.json['csrf_token']}
assert ask('GET', '/api/v4/projects', reads).status == 200
assert ask('POST', '/api/v4/projects', reads, {'name': 'b', 'namespace_path': 'team'}).status == 403
bound = server.post('/api/v4/projects/1/access_tokens', {'name': 'b', 'scopes': ['api']}).json['token']
assert ask('POST', '/api/pawl/v1/session', body={'token': bound}).status == 401

# ---- changes

server.commit('team/app', {'.gitlab-ci.yml': 'job: {script: [echo]}\nnext: {stage: deploy, script: [echo]}\n'}, push=False)
server.push('team/app')
other = server.project('team/other', {'.gitlab-ci.yml': 'job: {script: [echo]}\n'})


class Stream(threading.Thread):
    def __init__(self, query, headers=None):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
        self.connection.request('GET', '/api/pawl/v1/events?' + query, headers={**kept, **(headers or {})})
        self.reply = self.connection.getresponse()
        self.events, self.last = [], ''
        if self.reply.status == 200:
            self.start()
            server.wait_for(lambda: any(k == 'hello' for k, _ in self.events), 'hello')

    def run(self):
        kind, data = 'message', ''
        try:
            for line in self.reply:
                line = line.decode().rstrip('\n')
                name, _, value = line.partition(': ')
                if line == '':
                    if data:
                        self.events.append((kind, json.loads(data)))
                    kind, data = 'message', ''
                elif name == 'event':
                    kind = value
                elif name == 'data':
                    data = value
                elif name == 'id':
                    self.last = value
        except (OSError, http.client.HTTPException, ValueError):
            pass
        self.events.append(('end', None))

    def changes(self):
        return [e for k, e in self.events if k == 'change']

    def close(self):
        self.connection.sock.close() if self.connection.sock else None


for query in ('', 'of=', 'of=project:', 'of=project:x', 'of=job:-1', 'of=thing:1', '&'.join(['of=all'] * 65)):
    assert Stream(query).reply.status == 400, query

runner = Runner(server)
of_all, of_project, of_other = Stream('of=all'), Stream('of=project:1'), Stream(f'of=project:{other}')
pipeline = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})
assert pipeline.status == 201, pipeline.body
pipeline = pipeline.json['id']
of_pipeline = Stream(f'of=pipeline:{pipeline}&of=project:{other}')
job = runner.take()
of_job = Stream(f'of=job:{job["id"]}')
server.wait_for(lambda: any(c.get('job') == job['id'] for c in of_pipeline.changes()), 'the job to begin')
runner.log(job, 0, b'first line\n')
server.wait_for(lambda: any(c.get('log_bytes') == 11 for c in of_job.changes()), 'its log')
assert not any('log_bytes' in c for s in (of_all, of_project, of_pipeline) for c in s.changes())
before = of_project.last
assert all(c['project'] == 1 and c['pipeline'] == pipeline for c in of_project.changes()) and of_project.changes()
assert of_other.changes() == []

# who comes back hears what was missed, and nothing twice
runner.update(job, 'success', exit_code=0)
server.wait_for(lambda: any(c.get('job') == job['id'] for c in of_job.changes() if 'log_bytes' not in c), 'its end')
back = Stream('of=project:1', {'Last-Event-ID': before})
missed = back.changes()
assert any(c.get('job') == job['id'] for c in missed), missed
assert not any(k == 'reset' for k, _ in back.events)
assert Stream('of=project:1', {'Last-Event-ID': back.last}).changes() == []
assert Stream('of=project:1&last_event_id=' + before).changes() == missed
for unknown in ('1-1', 'x', before.split('-')[0] + '-999999'):
    assert Stream('of=project:1', {'Last-Event-ID': unknown}).events[0][0] == 'reset', unknown

# a project's token hears of its project alone
narrow = Stream('of=all', {'Cookie': '', 'PRIVATE-TOKEN': bound})
assert narrow.reply.status == 200
server.post(f'/api/v4/projects/{other}/pipeline', {'ref': 'main'})
server.wait_for(lambda: any(c['project'] == other for c in of_all.changes()), 'the other project')
assert not any(c['project'] == other for c in narrow.changes())

# of runners hear administrators, and only who asks for them
of_runners, of_bound = Stream('of=runners'), Stream('of=runners&of=all', {'Cookie': '', 'PRIVATE-TOKEN': bound})
hidden = Runner(server)
server.wait_for(lambda: {'runner': hidden.id} in of_runners.changes(), 'the runner')
server.call('DELETE', '/api/v4/runners/%d' % hidden.id)
server.wait_for(lambda: of_runners.changes().count({'runner': hidden.id}) > 1, 'its end')
assert not any('runner' in c for s in (of_all, of_bound) for c in s.changes())

# many readers, some of which go
crowd = [Stream('of=all') for _ in range(40)]
for s in crowd[::2]:
    s.close()
again = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'}).json['id']
server.wait_for(lambda: all(any(c['pipeline'] == again for c in s.changes()) for s in crowd[1::2]), 'all to hear')

# a server that is started again says that numbers begin anew, and knows the session
last = of_project.last
server.stop()
server.wait_for(lambda: of_project.events[-1][0] == 'end', 'the stream to end')
server.start()
assert Stream('of=project:1', {'Last-Event-ID': last}).events[0][0] == 'reset'
assert ask('GET', '/api/pawl/v1/session', kept).json['username'] == 'root'

# ---- logging out

assert ask('DELETE', '/api/pawl/v1/session', kept).status == 403
gone = ask('DELETE', '/api/pawl/v1/session', {**kept, **csrf})
assert gone.status == 204 and 'Max-Age=0' in gone.headers['Set-Cookie']
assert ask('GET', '/api/v4/projects', kept).status == 401
assert ask('GET', '/api/pawl/v1/session', kept).json == {'username': None}
assert ask('DELETE', '/api/pawl/v1/session').status == 204
os.mkdir('secure')
os.chdir('secure')
secure = Server(sys.argv[1], args=['--url', 'https://ci.example.org']).start()
assert 'Secure' in secure.post('/api/pawl/v1/session', {'token': secure.token}).headers['Set-Cookie']
secure.stop()
os.chdir('..')
server.stop()
