"""Whole logs are read some at once, in turn: who wants anything else does not wait for them."""
import http.client
import json
import select
import sys

from server import Runner, Server

MB = 1 << 20
READS = 9

server = Server(sys.argv[1]).start()
runner = Runner(server)
project = server.project('team/app', {'.gitlab-ci.yml': 'job: {script: [echo]}\n'})
assert server.post('/api/v4/projects/%d/pipeline' % project, {'ref': 'main'}).status == 201
job = runner.take()
piece = b''.join(b'%015d a line that is searched for something which no line has\n' % i for i in range(MB // 74))
for i in range(6):
    assert runner.log(job, i * len(piece), piece).status == 202
assert runner.update(job, 'success').status == 200
base = '/api/pawl/v1/projects/%d/jobs/%d/log/' % (project, job['id'])


def ask(path):
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=120)
    connection.request('GET', path, headers={'PRIVATE-TOKEN': server.token})
    return connection


def read(connection):
    reply = connection.getresponse()
    body = json.loads(reply.read())
    assert reply.status == 200, body
    return body


def answered(connections):
    return select.select([c.sock for c in connections], [], [], 0)[0]


total = read(ask(base + 'lines?from=0&count=1'))['total']
whole = [ask(base + 'outline') for _ in range(READS)]
assert server.get('/-/health').status == 200  # the server has read those questions
assert read(ask(base + 'lines?from=1000&count=1'))['lines'] == [piece.split(b'\n')[1000].decode()]
before = len(answered(whole))
# libuv has four threads: one of these would wait until at least five of them are done
assert before < 5, before
whole.pop(0).close()  # it is being read
whole.pop(-1).close()  # it waits
found = [read(c) for c in whole]
assert all(f['total'] == total and f['complete'] for f in found), found
server.stop()
