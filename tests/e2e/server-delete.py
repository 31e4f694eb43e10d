"""DELETE of pipelines: what goes, what stays, and who cannot have it back."""
import os
import random
import sys
import threading

from server import Runner, Server


def same(got, want, what):
    assert got == want, '%s: %s, not %s' % (what, got, want)


def files():
    """Of logs and artifacts: paths that lie below the data folder."""
    return sorted(os.path.join(at, name) for top in ('logs', 'artifacts')
                  for at, _, names in os.walk('data/' + top) for name in names)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
project = server.project('team/app', {
    '.gitlab-ci.yml': 'a: {script: [x]}\nb: {script: [x], when: manual}\n'})
other = server.project('team/other', {'.gitlab-ci.yml': 'a: {script: [x]}\n'})
base = '/api/v4/projects/%d' % project
runner = Runner(server)


def make():
    made = server.post(base + '/pipeline', {'ref': 'main'})
    assert made.status == 201, made.body
    return made.json['id']


def run(job=None):
    job = job or runner.take()
    same(runner.log(job, 0, b'said\n').status, 202, 'its log')
    same(runner.upload(job, b'zip').status, 201, 'its artifacts')
    same(runner.update(job, 'success').status, 200, 'its end')
    return job


def delete(pipeline, of=base):
    return server.call('DELETE', '%s/pipelines/%d' % (of, pipeline)).status


# ---- all of it goes, and nothing of another
before = files()
kept = make()
kept_job = run()
with_kept = files()
assert len(with_kept) > len(before), 'a job leaves no files'
gone = make()
job = runner.take()
same(delete(gone), 403, 'one that runs')
same(delete(gone, '/api/v4/projects/%d' % other), 404, 'of another project')
run(job)
same(delete(gone), 204, 'one that waits for a person')
same(files(), with_kept, 'files')
for path in ('/pipelines/%d' % gone, '/jobs/%d' % job['id'], '/jobs/%d/trace' % job['id'],
             '/jobs/%d/artifacts' % job['id'], '/pipelines/%d/variables' % gone):
    same(server.get(base + path).status, 404, path)
for action in ('retry', 'cancel'):
    same(server.post('%s/pipelines/%d/%s' % (base, gone, action)).status, 404, action)
same(server.post('%s/jobs/%d/retry' % (base, job['id'])).status, 404, 'retry of its job')
same(delete(gone), 404, 'once more')
same(server.get('%s/jobs/%d/trace' % (base, kept_job['id'])).body, b'said\n', 'the other log')
same(server.get('%s/jobs/%d/artifacts' % (base, kept_job['id'])).body, b'zip', 'its archive')

# ---- deleted and retried at once: one of the two, and the server goes on
for turn in range(20):
    pipeline = make()
    job = run()
    answers = {}

    def ask(what, call):
        answers[what] = call()

    calls = [threading.Thread(target=ask, args=(
        'retry', lambda: server.post('%s/jobs/%d/retry' % (base, job['id'])).status)),
        threading.Thread(target=ask, args=('delete', lambda: delete(pipeline)))]
    random.shuffle(calls)
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert answers['delete'] in (204, 403, 503), answers
    assert answers['retry'] in (201, 404), answers
    assert (answers['delete'] == 204) != (answers['retry'] == 201), answers
    if answers['retry'] == 201:
        run()
        same(delete(pipeline), 204, 'after the retry')
    same(server.get('%s/pipelines/%d' % (base, pipeline)).status, 404, 'the pipeline')
same(files(), with_kept, 'files after all that')

# ---- and after a restart
server.stop()
server.start()
same(delete(kept), 204, 'one that was there before')
same(files(), before, 'files at the end')
server.stop()
assert 'error' not in open('server.out').read(), open('server.out').read()
print('deleted')
