"""Harm, and a look whether all is well after each."""
import os
import random
import shutil
import socket
import subprocess
import sys
import time

from server import Runner, Server

PIPELINE = 'j: {script: [x]}\n'
build = sys.argv[1]
many_refs = int(sys.argv[2] or 3000)


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


server = Server(build, args=['--concurrent', '-1', '--hook', build + '/pawl-hook']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
runner = Runner(server, description='r1')
host, port = server.url[7:].split(':')
remote = server.url.replace('http://', 'http://root:%s@' % server.token) + '/team/app.git'


def raw(data, wait=5):
    """The first line of what the server says to these bytes."""
    with socket.create_connection((host, int(port)), timeout=wait) as s:
        try:
            s.sendall(data)
            return s.recv(200).split(b'\r\n')[0]
        except (ConnectionError, TimeoutError):
            return b''


def upright(what):
    assert server.process.poll() is None, 'the server ended: ' + what
    same(server.get('/-/health').status, 200, 'health after ' + what)


def git(*args, **kw):
    return subprocess.run(['git', '-C', 'work-team-app', *args], capture_output=True,
                          text=True, timeout=120, **kw)


def said(words):
    return sum(words in line for line in open('server.out'))


# ---- heads
same(raw(b'GET / HTTP/1.1\r\nHost: x\r\nX: ' + b'a' * 100000 + b'\r\n\r\n')[9:12], b'431',
     'a huge header')
raw(b'GET /' + b'a' * 100000 + b' HTTP/1.1\r\n\r\n')
raw(b'\x00\xff' * 1000 + b'\r\n\r\n', 1)
raw(b'POST /api/v4/jobs/request HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', 1)
raw(b'POST /api/v4/jobs/request HTTP/1.1\r\nHost: x\r\n'
    b'Content-Length: 99999999999999999999\r\n\r\n', 1)
upright('odd heads')

# ---- who asks and leaves at once, before anything was read
in_project = '/api/v4/projects/%d' % project
server.post(in_project + '/pipeline', {'ref': 'main'})
job = runner.take()
runner.upload(job, b'x')
runner.update(job, 'success')
for path in ('/api/v4/projects', in_project + '/pipelines', in_project + '/jobs/%d/trace' % job['id'],
             in_project + '/jobs/%d/trace?follow=true' % job['id'],
             in_project + '/jobs/%d/artifacts' % job['id']):
    for _ in range(80):
        with socket.create_connection((host, int(port)), timeout=5) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            s.sendall(b'GET %s HTTP/1.1\r\nHost: x\r\nPRIVATE-TOKEN: %s\r\n\r\n'
                      % (path.encode(), server.token.encode()))
            time.sleep(random.random() / 300)
    upright('%s, which nobody waits for' % path)

# ---- bodies
for body in (b'', b'{', b'[]', b'null', b'"x"', b'{"token":5}', b'{"token":null}',
             b'{"a":' * 5000, b'\xff\xfe\x00', b'{"token":"' + b'x' * 500000 + b'"}'):
    status = server.post('/api/v4/jobs/request', body, token=None,
                         headers={'Content-Type': 'application/json'}).status
    assert status in (400, 403, 413), '%r: %d' % (body[:20], status)
    status = server.post('/api/v4/projects/%d/pipeline' % project, body,
                         headers={'Content-Type': 'application/json'}).status
    assert status in (400, 413), '%r: %d' % (body[:20], status)
same(server.post('/api/v4/projects', b'x' * (2 << 20)).status, 413, 'a body above the limit')
upright('odd bodies')

# ---- a job's calls, with anything in them
server.post('/api/v4/projects/%d/pipeline' % project, {'ref': 'main'})
job = runner.take()
random.seed(7)
for _ in range(200):
    kind = random.randrange(4)
    noise = random.randbytes(random.choice((0, 1, 10, 5000)))
    headers = {'JOB-TOKEN': job['token']}
    if kind == 0:
        headers['Content-Range'] = random.choice(
            ('', '-', '5', '-5-3', '9999999999999999999-1', 'a-b', '1-2-3', '0-'))
        server.call('PATCH', '/api/v4/jobs/%d/trace' % job['id'], noise, headers, None)
    elif kind == 1:
        server.call('PUT', '/api/v4/jobs/%d' % job['id'], noise, headers, None)
    elif kind == 2:
        headers['Content-Type'] = random.choice(
            ('multipart/form-data', 'multipart/form-data; boundary=x', 'text/plain'))
        server.post('/api/v4/jobs/%d/artifacts?artifact_type=%s' % (
            job['id'], random.choice(('archive', 'junit', '..%2f..', '%00', 'x' * 300))),
            noise, headers=headers, token=None)
    else:
        server.get('/api/v4/projects/%s/jobs/%d/artifacts/%s' % (
            random.choice(('1', 'team%2Fapp', '%00', '..', '9' * 30)), job['id'],
            random.choice(('..%2f..%2fetc', 'a%00b', '%ff', 'x'))))
upright('odd calls of a job')
size = len(server.get('/api/v4/projects/%d/jobs/%d/trace' % (project, job['id'])).body)
runner.log(job, size, b'fine\n')
same(runner.upload(job, b'no zip at all').status, 201, 'an archive that is none')
same(server.get('/api/v4/projects/%d/jobs/%d/artifacts/x' % (project, job['id'])).status, 400,
     'a file out of it')
same(runner.update(job, 'success').status, 200, 'its end')

# ---- refs: names git allows, and more of them than anyone needs
for name in ('a;b', 'a$(id)', "a'b", 'a"b', 'ü', 'a&b|c', 'very/' * 30 + 'deep'):
    git('branch', '-f', name)
    pushed = git('push', '-q', remote, name)
    same(pushed.returncode, 0, 'push of %s: %s' % (name, pushed.stderr))
server.wait_for(lambda: len(server.get(
    '/api/v4/projects/%d/pipelines?source=push&per_page=100' % project).json) >= 7, 'pipelines')
sha = git('rev-parse', 'HEAD').stdout.strip()
refs = ''.join('create refs/heads/many/%06d %s\n' % (n, sha) for n in range(many_refs))
subprocess.run(['git', '--git-dir', 'data/repos/team/app.git', 'update-ref', '--stdin'],
               input=refs, text=True, check=True)
git('commit', '-q', '--allow-empty', '-m', 'among many')
before = time.time()
same(git('push', '-q', '-o', 'ci.skip', remote, 'HEAD:main').returncode, 0, 'push among many refs')
print('a push among %d refs: %.2f s' % (many_refs, time.time() - before))
upright('many refs')

# ---- a log longer than what is sent at once, whole; then its file is damaged
job = runner.take()
long_log = b'0123456789abcdef\n' * 200000
runner.log(job, 0, long_log)
same(server.get('/api/v4/projects/%d/jobs/%d/trace' % (project, job['id'])).body == long_log,
     True, 'a long log, while it is written')
runner.update(job, 'success')
same(server.get('/api/v4/projects/%d/jobs/%d/trace' % (project, job['id'])).body == long_log,
     True, 'a long log, afterwards')
folder = 'data/logs/%d' % (job['id'] // 1000)
packed = '%s/%d.log.zst' % (folder, job['id'])
server.wait_for(lambda: os.path.exists(packed), 'the packed log')
with open(packed, 'r+b') as f:
    f.seek(200)
    f.write(b'rubbish' * 20)
try:
    server.get('/api/v4/projects/%d/jobs/%d/trace' % (project, job['id']), timeout=10)
except OSError:
    pass  # broken off: what cannot be read is not made up
except Exception as e:
    assert 'IncompleteRead' in repr(e), e
upright('a damaged log')
for name in os.listdir('data/artifacts/0'):
    shutil.rmtree('data/artifacts/0/' + name)
upright('artifacts that were taken away')

# ---- peers that are slow, and many
idle = []
for _ in range(300):
    s = socket.create_connection((host, int(port)))
    s.sendall(b'GET /-/health HT')
    idle.append(s)
upright('300 peers that say half a line')
for s in idle:
    s.close()
server.stop()

# ---- a full disk: reads go on, writes say so, nothing is torn
os.mkdir('small')
if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=16m', 'none', 'small'],
                  stderr=subprocess.DEVNULL).returncode != 0:
    print('skipped: a full disk (mounting one is not allowed here)')
    sys.exit(0)
try:
    full = Server(build, data='small/data', args=['--concurrent', '-1'])
    os.rename('server.token', 'server.token.old')
    full.starts = server.starts
    full.start()
    project = full.project('team/full', {'.gitlab-ci.yml': PIPELINE})
    runner = Runner(full, description='r1')
    full.post('/api/v4/projects/%d/pipeline' % project, {'ref': 'main'})
    job = runner.take()
    same(runner.log(job, 0, b'before\n').status, 202, 'a patch before it is full')
    filler = os.open('small/filler', os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(filler, b'x' * 4096)
    except OSError:
        os.close(filler)
    ready = full.get('/-/ready')
    same(ready.status, 503, 'ready on a full disk, before anybody has written')
    assert ready.body.startswith(b'writes fail: the disk of '), ready.body
    reply = runner.log(job, 7, b'y' * 100000)
    assert reply.status in (500, 503), 'patch on a full disk: %d' % reply.status
    reply = runner.upload(job, b'z' * 100000)
    assert reply.status in (500, 503), 'upload on a full disk: %d' % reply.status
    assert b'full' in reply.body or b'space' in reply.body, reply.body
    same(full.get('/api/v4/projects/%d/jobs/%d' % (project, job['id'])).status, 200, 'a read')
    time.sleep(2.5)
    for _ in range(3):
        runner.log(job, 7, b'y' * 100000)
    same(said('writes fail: '), 1, 'lines of the log about a full disk')
    same(said('writes work again'), 0, 'lines of the log about room')
    os.unlink('small/filler')
    at = int(runner.log(job, 0, b'x').headers['Range'].split('-')[1])
    assert 7 <= at, 'acknowledged bytes are gone'
    same(runner.log(job, at, b'after\n').status, 202, 'a patch with room again')
    same(runner.update(job, 'success').status, 200, 'the end with room again')
    trace = full.get('/api/v4/projects/%d/jobs/%d/trace' % (project, job['id'])).body
    assert trace.startswith(b'before\n') and trace.endswith(b'after\n'), trace[:50]
    full.wait_for(lambda: full.get('/-/ready').status == 200, 'ready with room again')
    same((said('writes fail: '), said('writes work again')), (1, 1), 'lines of the log')
    full.stop()
finally:
    if full.process.poll() is None:
        full.kill()
    subprocess.run(['umount', '-l', 'small'])
