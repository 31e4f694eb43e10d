"""Rounds of load, death and comparison."""
import http.client
import os
import random
import shutil
import sys
import threading
import time
import urllib.error

from server import Runner, Server

PIPELINE = '''
stages: [a, b]
one: {stage: a, script: [x], parallel: 3}
two: {stage: b, script: [x], artifacts: {paths: [f]}}
'''
GONE = (urllib.error.URLError, ConnectionError, http.client.HTTPException, TimeoutError)

rounds = int(sys.argv[2] or 15)
seed = int(time.time())
random.seed(seed)
print('seed', seed)
PER_SERVER = 20  # jobs whose runner died with a round stay open; not too many of them


def new_server(number):
    folder = 'server%d' % number
    os.mkdir(folder)
    os.chdir(folder)
    made = Server(sys.argv[1], args=['--concurrent', '-1'])
    made.start()
    made.project('team/app', {'.gitlab-ci.yml': PIPELINE})
    os.chdir('..')
    return made


class Facts:
    """What somebody was told."""

    def __init__(self):
        self.lock = threading.Lock()
        self.pipelines, self.logs, self.ends, self.archives = set(), {}, {}, {}


facts = Facts()
stop = threading.Event()


def make_pipelines():
    while not stop.is_set():
        try:
            made = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'}, timeout=5)
            if made.status == 201:
                with facts.lock:
                    facts.pipelines.add(made.json['id'])
        except GONE:
            return
        time.sleep(0.01)


def finish(runner, job, at):
    """From byte `at` on: a few lines, an archive, the end; each fact once it is told."""
    for n in range(3):
        line = b'job %d line %d\n' % (job['id'], n)
        reply = runner.log(job, at, line)
        if reply.status != 202:
            return
        at += len(line)
        with facts.lock:
            facts.logs[job['id']] = at
    if job['job_info']['name'] == 'two':
        if runner.upload(job, b'archive of %d' % job['id']).status == 201:
            with facts.lock:
                facts.archives[job['id']] = b'archive of %d' % job['id']
    state = random.choice(['success', 'success', 'failed'])
    more = {'failure_reason': 'script_failure'} if state == 'failed' else {}
    if runner.update(job, state, **more).status == 200:
        with facts.lock:
            facts.ends[job['id']] = state


def work(runner):
    while not stop.is_set():
        try:
            reply = runner.request(timeout=2)
            if reply.status == 201 and runner.update(reply.json, 'running').status == 200:
                finish(runner, reply.json, 0)
        except GONE:
            return


def check():
    with facts.lock:
        for pipeline in facts.pipelines:
            reply = server.get('/api/v4/projects/1/pipelines/%d' % pipeline)
            assert reply.status == 200, 'pipeline %d is gone' % pipeline
        for job, end in facts.ends.items():
            row = server.get('/api/v4/projects/1/jobs/%d' % job).json
            assert row['status'] == end, 'job %d: %s, told was %s' % (job, row['status'], end)
        for job, size in facts.logs.items():
            trace = server.get('/api/v4/projects/1/jobs/%d/trace' % job).body
            assert len(trace) >= size, 'log of %d: %d bytes, told were %d' % (
                job, len(trace), size)
            for n, line in enumerate(trace[:size].splitlines()):
                assert line == b'job %d line %d' % (job, n), 'log of %d is torn' % job
        for job, archive in facts.archives.items():
            got = server.get('/api/v4/projects/1/jobs/%d/artifacts' % job).body
            assert got == archive, 'archive of %d: %r' % (job, got)
        count = sum(map(len, (facts.pipelines, facts.ends, facts.logs, facts.archives)))
        for facts_of in (facts.pipelines, facts.ends, facts.logs, facts.archives):
            facts_of.clear()
    return count


def drain_queue():
    """So that rounds do not pile up: what is left is canceled."""
    for status in ('running', 'pending', 'created'):
        for row in server.get('/api/v4/projects/1/pipelines?per_page=100&status=%s'
                              % status).json:
            server.post('/api/v4/projects/1/pipelines/%d/cancel' % row['id'])


def one_round():
    stop.clear()
    threads = [threading.Thread(target=make_pipelines)] + [
        threading.Thread(target=work, args=(r,)) for r in runners]
    for t in threads:
        t.start()
    time.sleep(random.uniform(0.1, 1.5))
    server.kill()
    stop.set()
    for t in threads:
        t.join()
    os.chdir(folder)
    server.start()
    os.chdir('..')
    found = check()
    drain_queue()
    return found


told = 0
for number in range(rounds):
    if number % PER_SERVER == 0:
        folder = 'server%d' % number
        server = new_server(number)
        runners = [Runner(server, description='r%d' % i) for i in range(3)]
    try:
        told += one_round()
        if number % PER_SERVER == PER_SERVER - 1 or number == rounds - 1:
            os.chdir(folder)
            server.stop()
            os.chdir('..')
            shutil.rmtree(folder)
    except BaseException:
        server.process.kill()
        raise
print('%d rounds, %d facts, all there' % (rounds, told))
assert told > rounds, 'hardly anything was told: the test proves nothing'
