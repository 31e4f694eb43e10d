"""The runner's side of the wire, against a real server."""
import gzip
import io
import os
import sqlite3
import sys
import threading
import time
import zipfile
import zlib

from server import Runner, Server

PIPELINE = '''
stages: [build, test]
make:
  stage: build
  script: [make]
  artifacts: {paths: [out], reports: {dotenv: env}}
check:
  stage: test
  script: ['echo $COLOUR']
flaky:
  stage: test
  retry: 1
  script: ['false']
  allow_failure: true
'''


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        for name, text in files.items():
            z.writestr(name, text)
    return out.getvalue()


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project
runner = Runner(server, description='r1')


def variables(job):
    return {v['key']: v['value'] for v in job['variables']}


def job_row(job_id):
    return server.get('%s/jobs/%d' % (base, job_id)).json


# ---- verify, and who may not
same(server.post('/api/v4/runners/verify', {'token': runner.token}, token=None).json['id'],
     runner.id, 'verify')
same(server.post('/api/v4/runners/verify', {'token': 'glrt-wrong'}, token=None).status, 403,
     'verify with a wrong token')
same(server.post('/api/v4/jobs/request', {'token': 'wrong'}, token=None).status, 403,
     'request with a wrong token')

# ---- a long poll is answered with the job itself
got = []
poll = threading.Thread(target=lambda: got.append(runner.request()))
poll.start()
made = server.post(base + '/pipeline', {'ref': 'main', 'variables': [
    {'key': 'FROM_API', 'value': 'yes'}]})
same(made.status, 201, 'a pipeline by hand')
poll.join()
same(got[0].status, 201, 'the poll')
job = got[0].json
same(job['job_info']['name'], 'make', 'first job')
same(variables(job)['FROM_API'], 'yes', 'variable of the pipeline')
same(variables(job)['CI_PROJECT_PATH'], 'team/app', 'CI_PROJECT_PATH')
same(variables(job)['CI_JOB_ID'], str(job['id']), 'CI_JOB_ID')
same(job['git_info']['sha'], made.json['sha'], 'sha')
same([s['name'] for s in job['steps']], ['script'], 'steps')
same(job_row(job['id'])['status'], 'pending', 'status before it was accepted')

# ---- two-phase accept
accepted = runner.update(job, 'running')
same((accepted.status, accepted.headers['Job-Status']), (200, 'running'), 'accept')
same(job_row(job['id'])['status'], 'running', 'status after it was accepted')

# ---- the log, by offset
same(server.call('PATCH', '/api/v4/jobs/%d/trace' % job['id'], b'x', token=None,
                 headers={'JOB-TOKEN': 'glcbt-wrong', 'Content-Range': '0-0'}).status, 403,
     'log with a wrong token')
first = runner.log(job, 0, b'one\n')
same((first.status, first.headers['Range']), (202, '0-4'), 'first patch')
again = runner.log(job, 0, b'one\n')
same((again.status, again.headers['Range']), (416, '0-4'), 'the same again')
same(runner.log(job, 4, b'two\n').headers['Range'], '0-8', 'second patch')
same(runner.log(job, 10, b'late\n').status, 416, 'a gap')

# ---- artifacts and reports
archive = zipped({'out': 'made\n', 'dir/file.txt': 'inner\n'})
same(runner.upload(job, archive).status, 201, 'upload')
same(runner.upload(job, gzip.compress(b'COLOUR=blue\n'), 'env.gz',
                   '?artifact_type=dotenv&artifact_format=gzip').status, 201, 'dotenv')
same(runner.upload(job, gzip.compress(b'no assignment\n'), 'env.gz',
                   '?artifact_type=dotenv&artifact_format=gzip').status, 400, 'bad dotenv')
same(runner.upload(job, b'x', query='?artifact_type=../../etc').status, 400, 'bad type')
same(server.post('/api/v4/jobs/%d/artifacts' % job['id'], b'x', token=None,
                 headers={'JOB-TOKEN': 'wrong'}).status, 403, 'upload with a wrong token')

# ---- the end
crc = zlib.crc32(b'one\ntwo\n')
same(runner.update(job, 'success', output={
    'checksum': 'crc32:%08x' % crc, 'bytesize': 8}).status, 200, 'end')
same(job_row(job['id'])['status'], 'success', 'status at the end')
same(runner.log(job, 8, b'more').status, 403, 'log after the end')
same(runner.update(job, 'running').status, 403, 'a word after the end')
same(server.get('%s/jobs/%d/trace' % (base, job['id'])).body, b'one\ntwo\n', 'trace')
part = server.get('%s/jobs/%d/trace' % (base, job['id']), headers={'Range': 'bytes=4-6'})
same((part.status, part.body), (206, b'two'), 'part of the trace')
same(server.get('%s/jobs/%d/artifacts' % (base, job['id'])).body, archive, 'archive')
same(server.get('%s/jobs/%d/artifacts/dir/file.txt' % (base, job['id'])).body, b'inner\n',
     'one file')
same(server.get('%s/jobs/%d/artifacts/none' % (base, job['id'])).status, 404, 'no such file')

# ---- what it hands on
check = runner.take()
same(check['job_info']['name'], 'check', 'second job')
same(variables(check)['COLOUR'], 'blue', 'dotenv variable')
same([d['id'] for d in check['dependencies']], [job['id']], 'dependencies')
dependency = check['dependencies'][0]
same(server.get('/api/v4/jobs/%d/artifacts' % dependency['id'], token=None,
                headers={'JOB-TOKEN': dependency['token']}).body, archive, 'download')
same(server.get('/api/v4/jobs/%d/artifacts' % dependency['id'], token=None,
                headers={'JOB-TOKEN': job['token']}).status, 401, 'with a dead token')

# ---- a restart in the middle: kill -9, and the runner goes on with its job
runner.log(check, 0, b'before\n')
server.kill()
server.start()


def pushed():
    return server.get(base + '/pipelines?source=push').json


# its commit came by no push the server saw: the restart makes the pipeline, not wanted here
server.wait_for(pushed, 'the pipeline of an unseen ref')
server.post('%s/pipelines/%d/cancel' % (base, pushed()[0]['id']))
after = runner.log(check, 7, b'after\n')
same((after.status, after.headers['Range']), (202, '0-13'), 'patch after the restart')
same(job_row(check['id'])['status'], 'running', 'status after the restart')

# ---- cancel: told with the next word, ended by the runner's last
cancel = server.post('%s/jobs/%d/cancel' % (base, check['id']))
same(cancel.status, 201, 'cancel')
same(runner.log(check, 13, b'x\n').headers['Job-Status'], 'canceling', 'word of the cancel')
same(runner.update(check, 'failed', failure_reason='job_canceled').status, 200, 'its end')
same(job_row(check['id'])['status'], 'canceled', 'status of the canceled one')

# ---- a failure is tried again, once, and may be
flaky = runner.take()
same(flaky['job_info']['name'], 'flaky', 'third job')
same(runner.update(flaky, 'failed', failure_reason='script_failure', exit_code=7).status, 200,
     'its failure')
same(job_row(flaky['id'])['failure_reason'], 'script_failure', 'reason')
second = runner.take()
same(second['job_info']['name'], 'flaky', 'second try')
assert second['id'] != flaky['id'], 'a retry has an id of its own'
runner.update(second, 'failed', failure_reason='script_failure', exit_code=7)
row = server.get('%s/pipelines/%d' % (base, made.json['id'])).json
same(row['status'], 'canceled', 'pipeline')

# ---- forgotten by then, and wanted again
again = server.post('%s/jobs/%d/retry' % (base, check['id']))
same(again.status, 201, 'retry by a person')
third = runner.take()
same(third['id'], again.json['id'], 'the job of the retry')
same(variables(third)['COLOUR'], 'blue', 'dotenv variable after all that')
runner.update(third, 'success')
row = server.get('%s/pipelines/%d' % (base, made.json['id'])).json
same(row['status'], 'success', 'pipeline after the retry')
# ---- figures for who watches it
figures = dict(line.rsplit(' ', 1) for line in server.get('/metrics', token=None).body.decode()
               .splitlines() if not line.startswith('#'))
same(figures['pawl_jobs_ended_total{status="success"}'], '1', 'jobs that succeeded')
assert float(figures['pawl_job_wait_seconds_count']) >= 3, figures
assert float(figures['pawl_job_run_seconds_count']) >= 3, figures
same(figures['pawl_jobs_queued'], '0', 'jobs that wait')
server.stop()

# ---- what is kept no longer goes, files and rows; what is kept stays
os.environ['PAWL_RETENTION_MS'] = '1'
with open('settings.yml', 'w') as f:
    f.write('keep: {artifacts: 1 second, pipelines: never}\n')
server.args += ['--config', 'settings.yml']
server.start()
made = server.post(base + '/pipeline', {'ref': 'main'})
job = runner.take()
runner.log(job, 0, b'kept\n')
same(runner.upload(job, archive, query='?expire_in=1%20second').status, 201, 'upload')
runner.update(job, 'success')
time.sleep(1.2)
server.kill(15)
server.start()
server.wait_for(lambda: server.get('%s/jobs/%d/artifacts' % (base, job['id'])).status == 404,
                'the end of an artifact')
same(server.get('%s/jobs/%d/trace' % (base, job['id'])).body, b'kept\n', 'its log')

server.post('%s/pipelines/%d/cancel' % (base, made.json['id']))

# ---- a project may keep its pipelines shorter than the server does
whole = '/api/v4/projects/' + base.split('/')[4]
same(server.get(whole).json['ci_delete_pipelines_in_seconds'], None, 'as the server keeps them')
for wrong in -1, 60, 10 ** 12:
    same(server.call('PUT', whole, {'ci_delete_pipelines_in_seconds': wrong}).status, 400, 'kept for %d' % wrong)
same(server.call('PUT', whole, {'ci_delete_pipelines_in_seconds': 86400}).json['ci_delete_pipelines_in_seconds'],
     86400, 'kept for a day')
server.stop()
rows = sqlite3.connect('data/db/pawl.db')
rows.execute('UPDATE pipelines SET updated_us = updated_us - 90000000000 WHERE id = ?', [made.json['id']])
rows.commit()
rows.close()
left = made.json['id'] - 1
server.start()
server.wait_for(lambda: server.get('%s/pipelines/%d' % (base, made.json['id'])).status == 404,
                'the end of an old pipeline')
same(server.get('%s/pipelines/%d' % (base, left)).status, 200, 'a younger one')
same(server.get('%s/jobs/%d/trace' % (base, job['id'])).status, 404, 'the log of an old one')
same(server.call('PUT', whole, {'ci_delete_pipelines_in_seconds': 0}).json['ci_delete_pipelines_in_seconds'],
     None, 'as the server again')
server.stop()
print('met')
