"""The server's own lines, and SIGTERM."""
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

from server import Runner, Server


def same(got, want, what):
    assert got == want, '%s: %s, not %s' % (what, got, want)


def lines():
    """What it said on standard error: JSON, a line each; the greeting is no such line."""
    text = open('server.out').read()
    return [json.loads(line) for line in text.splitlines() if line.startswith('{')]


class Background(threading.Thread):
    """A call that is answered, or not, while the test goes on."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.result = call, None
        self.start()

    def run(self):
        try:
            self.result = self.call()
        except Exception as e:  # the connection broke
            self.result = e

    def end(self):
        self.join(60)
        assert not self.is_alive(), 'it is not answered'
        return self.result


with open('settings.yml', 'w') as f:
    f.write('log_format: json\n')
server = Server(sys.argv[1], args=['--config', 'settings.yml', '--concurrent', '-1']).start()
PIPELINE = '''
build: {script: [make]}
fails: {script: [x], needs: []}
'''
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project
SECRET = 'hunter2-of-the-team'
server.post(base + '/variables', {'key': 'PASSWORD', 'value': SECRET})
runner = Runner(server, run_untagged=True)
made = server.post(base + '/pipeline', {'ref': 'main', 'variables': [
    {'key': 'ALSO', 'value': SECRET + '-too'}]})
same(made.status, 201, 'a pipeline')
pipeline = made.json['id']
first, second = runner.take(), runner.take()
if first['job_info']['name'] != 'build':
    first, second = second, first
time.sleep(0.05)
server.call('GET', '/api/v4/user', token='glpat-' + 'x' * 24)
same(runner.update(second, 'failed', failure_reason='script_failure').status, 200, 'its end')

# ---- a line each, that says whom it speaks of
said = lines()
for line in said:
    assert {'time', 'level', 'program', 'message'} <= set(line), line
    assert line['level'] in ('error', 'warning', 'info'), line
    assert not line['level'] == 'error', line
    same((len(line['time']), line['time'][-1], line['program']), (24, 'Z', 'server'), line)
about = [{k: v for k, v in line.items() if k not in ('time', 'level', 'program')}
         for line in said]
same(about[0], {'message': 'listening on ' + server.url}, 'the first line')
assert {'message': 'pipeline of team/app', 'project': project, 'pipeline': pipeline, 'user': 1,
        'ref': 'main', 'source': 'api', 'status': 'created'} in about, about
running = {'message': 'job build', 'project': project, 'pipeline': pipeline,
           'job': first['id'], 'runner': runner.id, 'status': 'running'}
assert running in about, about
failed = [line for line in about if line.get('status') == 'failed']
assert failed[0].pop('duration_ms') >= 50, failed
same(failed[0], {'message': 'job fails', 'project': project, 'pipeline': pipeline,
                 'job': second['id'], 'runner': runner.id, 'status': 'failed',
                 'reason': 'script_failure'}, 'the end of a job')

# ---- SIGTERM: who waits is answered at once
runner.log(first, 0, b'before\n')
poll = Background(runner.request)
follower = Background(lambda: server.get(
    base + '/jobs/%d/trace?follow=true' % first['id']).body)
server.wait_for(lambda: b'pawl_runner_polls 1\n' in server.get('/metrics').body, 'the poll')
# an upload in hand, of which half is there
import http.client  # noqa: E402
upload = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
body = (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        + b'x' * 100000 + b'\r\n--b--\r\n')
upload.putrequest('POST', '/api/v4/jobs/%d/artifacts' % first['id'])
for header in (('JOB-TOKEN', first['token']), ('Content-Length', str(len(body))),
               ('Content-Type', 'multipart/form-data; boundary=b')):
    upload.putheader(*header)
upload.endheaders(body[:50000])
time.sleep(0.2)
began = time.time()
server.process.send_signal(signal.SIGTERM)
same(poll.end().status, 204, 'the poll')
assert time.time() - began < 30, 'the poll was left to its own end'
broken = follower.end()
assert isinstance(broken, (http.client.IncompleteRead, ConnectionError)), broken
upload.send(body[50000:])
same(upload.getresponse().status, 201, 'the upload')
same(server.process.wait(30), 0, 'exit code')
same([line['message'] for line in lines()[-2:]],
     ['draining: no new jobs; a second signal ends at once', 'ended'], 'last lines')

# ---- what ran goes on
server.start()
same(server.get(base + '/jobs/%d' % first['id']).json['status'], 'running', 'the job')
same(runner.log(first, 7, b'after\n').status, 202, 'its log')
same(runner.update(first, 'success').status, 200, 'its end')
same(server.get(base + '/jobs/%d/trace' % first['id']).body, b'before\nafter\n', 'the log')
same(server.get(base + '/jobs/%d/artifacts' % first['id']).body, b'x' * 100000, 'the upload')

# ---- who pushed and waits is told
server.post(base + '/variables', {'key': 'NOISE', 'value': 'x'})
push = Background(lambda: subprocess.run(
    ['git', '-C', 'work-team-app', 'push', '-o', 'ci.wait',
     'http://root:%s@127.0.0.1:%d/team/app.git' % (server.token, server.port), 'HEAD:topic'],
    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60))
server.wait_for(lambda: server.get(base + '/pipelines?ref=topic').json, 'the pipeline')
server.stop()
told = push.end()
assert b'the server is ending; what runs goes on' in told.stdout, told.stdout
same(told.returncode, 0, 'the push')

# ---- a second signal does not wait for anybody
server.start()
slow = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
slow.putrequest('POST', '/api/v4/projects?private_token=' + server.token)
slow.putheader('Content-Length', '10')
slow.endheaders(b'{')
time.sleep(0.2)
began = time.time()
server.process.send_signal(signal.SIGTERM)
time.sleep(0.3)
assert server.process.poll() is None, 'it did not wait for what is in hand'
server.process.send_signal(signal.SIGTERM)
same(server.process.wait(30), 0, 'exit code')

# ---- how others reach it does not hide where it listens
with open('settings.yml', 'a') as f:
    f.write('url: https://ci.example.org\n')
server.start()
same([line['message'] for line in lines() if line['message'].startswith('listening')][-1],
     'listening on %s, reached at https://ci.example.org' % server.url, 'where it is')
greeting = 'pawl server: %s (reached at https://ci.example.org, data in ' % server.url
assert greeting in open('server.out').read(), 'the greeting'
server.stop()
with open('wrong.yml', 'w') as f:
    f.write('create_on_push: true\nurl: ci.example.org\n')
wrong = subprocess.run([sys.argv[1] + '/pawl-server', '--data', 'none', '--config', 'wrong.yml'],
                       stderr=subprocess.PIPE, timeout=60)
same((wrong.returncode, wrong.stderr.decode()),
     (2, 'wrong.yml:2:6: error: settings:url must begin with http:// or https://, '
         'not be "ci.example.org"\n'), 'an address without a scheme')

# ---- what ends a start is the last word
wrong = subprocess.run([sys.argv[1] + '/pawl-server', '--data', 'none', '--listen', '192.0.2.1:1'],
                       stderr=subprocess.PIPE, timeout=60)
assert wrong.stderr.startswith(b'pawl: ') and wrong.stderr.count(b'\n') == 1, wrong.stderr

# ---- and nothing of all this told a secret
text = open('server.out').read()
for secret in (SECRET, server.token, runner.token, first['token'], second['token'], 'glpat-x'):
    assert secret not in text, 'a line has a secret: ' + secret
print('%d lines' % len(lines()))

# ---- who follows a log is let go at once, beside a runner of the server's own too
os.rename('server.token', 'server.token.old')
followed = Server(sys.argv[1], data='followed', args=['--runner', sys.argv[1] + '/pawl-runner'])
followed.starts = server.starts
server = followed.start()
shutil.rmtree('work-team-app')
project = server.project('team/app', {'.gitlab-ci.yml': 'j: {script: [echo begun, sleep 5]}\n'})
base = '/api/v4/projects/%d' % project
same(server.post(base + '/pipeline', {'ref': 'main'}).status, 201, 'a pipeline')
job = server.get(base + '/jobs').json[0]['id']
server.wait_for(lambda: b'begun' in server.get(base + '/jobs/%d/trace' % job).body, 'the job')
followers = {'events': '/api/pawl/v1/projects/%d/jobs/%d/log/events' % (project, job),
             'bytes': base + '/jobs/%d/trace?follow=true' % job}
streams = [subprocess.Popen(['curl', '-sN', '-o', name, '-H', 'PRIVATE-TOKEN: ' + server.token,
                             server.url + path]) for name, path in followers.items()]
for name in followers:
    server.wait_for(lambda: os.path.exists(name) and 'begun' in open(name).read(), 'a stream')
began = time.time()
server.process.send_signal(signal.SIGTERM)
same(server.process.wait(30), 0, 'exit code')
assert time.time() - began < 5, 'it waited for who follows a log'
for stream in streams:
    same(stream.wait(30), 18, 'a stream that broke off')
