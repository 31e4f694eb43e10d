"""A pawl server of a test's own, and a client for it."""
import atexit
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    def __init__(self, build, data='data', args=(), port=0):
        self.build, self.data, self.args, self.port = build, data, list(args), port
        self.process = None
        self.token = None
        atexit.register(self.end)

    def start(self):
        out = open('server.out', 'ab')
        token_file = 'server.token'
        self.process = subprocess.Popen(
            [self.build + '/pawl-server', '--data', self.data, '--listen',
             '127.0.0.1:%d' % self.port, '--token-file', token_file,
             '--hook', self.build + '/pawl-hook'] + self.args,
            stdout=out, stderr=subprocess.STDOUT)
        deadline = time.time() + 30
        while time.time() < deadline:
            if self.process.poll() is not None:
                raise SystemExit('the server ended: ' + open('server.out').read())
            lines = [l for l in open('server.out').read().splitlines()
                     if l.startswith('pawl server: http://')]
            if len(lines) > self.starts:
                break
            time.sleep(0.01)
        else:
            raise SystemExit('the server does not start')
        self.starts += 1
        self.url = lines[-1].split()[2]
        self.port = int(self.url.rsplit(':', 1)[1])
        if self.token is None:
            self.token = open(token_file).read().strip()
        self.wait_for(lambda: self.get('/-/ready').status == 200)
        return self

    starts = 0

    def wait_for(self, condition, what='that', timeout=30):
        deadline = time.time() + timeout
        while time.time() < deadline:
            if condition():
                return
            time.sleep(0.02)
        raise SystemExit('waited in vain for ' + what)

    def kill(self, signum=signal.SIGKILL):
        self.process.send_signal(signum)
        status = self.process.wait(30)
        return status

    def end(self):
        """At the test's end, however that came. Asked first: its runner goes with it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def stop(self):
        status = self.kill(signal.SIGTERM)
        if status != 0:
            raise SystemExit('the server ended with %d: %s'
                             % (status, open('server.out').read()))

    def call(self, method, path, body=None, headers=None, token='', timeout=60):
        headers = dict(headers or {})
        if token == '':
            token = self.token
        if token:
            headers['PRIVATE-TOKEN'] = token
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault('Content-Type', 'application/json')
        request = urllib.request.Request(self.url + path, data=body, headers=headers,
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as r:
                return Reply(r.status, r.headers, r.read())
        except urllib.error.HTTPError as e:
            return Reply(e.code, e.headers, e.read())

    def get(self, path, **kw):
        return self.call('GET', path, **kw)

    def post(self, path, body=None, **kw):
        return self.call('POST', path, body, **kw)

    def project(self, path, files):
        """A project with one commit of these files; its id."""
        group, name = path.rsplit('/', 1)
        made = self.post('/api/v4/projects', {'name': name, 'namespace_path': group})
        assert made.status == 201, made.body
        self.commit(path, files, push=False)
        self.push(path)
        return made.json['id']

    def commit(self, path, files, branch='main', push=True):
        work = 'work-' + path.replace('/', '-')
        if not os.path.isdir(work):
            subprocess.check_call(['git', 'init', '-q', '-b', branch, work])
        for name, text in files.items():
            with open(os.path.join(work, name), 'w') as f:
                f.write(text)
        subprocess.check_call(['git', '-C', work, 'add', '-A'])
        subprocess.check_call(['git', '-C', work, 'commit', '-qm', 'a commit'])
        if not push:
            return
        subprocess.check_call(['git', '-C', work, 'push', '-q',
                               os.path.join('..', self.data, 'repos', path + '.git'),
                               'HEAD:' + branch],
                              env=dict(os.environ, GIT_DIR=os.path.abspath(work + '/.git')))


    def push(self, path, branch='main', options=('ci.skip',)):
        """What was committed, the way people push: the server hears of it."""
        work = 'work-' + path.replace('/', '-')
        url = 'http://root:%s@%s/%s.git' % (self.token, self.url.split('//')[1], path)
        arguments = [word for o in options for word in ('-o', o)]
        subprocess.check_call(['git', '-C', work, 'push', '-q', *arguments, url,
                               'HEAD:' + branch], stderr=subprocess.DEVNULL)


class Runner:
    """What a stock runner says, call by call."""

    def __init__(self, server, **options):
        self.server = server
        options.setdefault('runner_type', 'instance_type')
        made = server.post('/api/v4/user/runners', options)
        assert made.status == 201, made.body
        self.token, self.id = made.json['token'], made.json['id']

    def request(self, timeout=60, accepts=True, name='gitlab-runner'):
        return self.server.post(
            '/api/v4/jobs/request',
            {'token': self.token, 'info': {'name': name, 'features': {'two_phase_job_commit': accepts}}},
            token=None, timeout=timeout)

    def take(self):
        reply = self.request()
        assert reply.status == 201, (reply.status, reply.body)
        job = reply.json
        assert self.update(job, 'running').status == 200
        return job

    def update(self, job, state, **more):
        body = {'token': job['token'], 'state': state, 'info': {}, **more}
        return self.server.call('PUT', '/api/v4/jobs/%d' % job['id'], body, token=None,
                                headers={'JOB-TOKEN': job['token']})

    def log(self, job, start, data):
        return self.server.call(
            'PATCH', '/api/v4/jobs/%d/trace' % job['id'], data, token=None,
            headers={'JOB-TOKEN': job['token'], 'Content-Type': 'text/plain',
                     'Content-Range': '%d-%d' % (start, start + len(data) - 1)})

    def upload(self, job, data, name='artifacts.zip', query=''):
        boundary = 'x1y2z3'
        body = (('--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
                 'Content-Type: application/octet-stream\r\n\r\n' % (boundary, name)).encode()
                + data + ('\r\n--%s--\r\n' % boundary).encode())
        return self.server.post(
            '/api/v4/jobs/%d/artifacts%s' % (job['id'], query), body, token=None,
            headers={'JOB-TOKEN': job['token'],
                     'Content-Type': 'multipart/form-data; boundary=' + boundary})
