"""Jobs that must not seem to pass, and logs that say why they end, at a server with its own runner."""
import os
import shutil
import sys

from server import Server

PIPELINE = '''
steps:
  run: [{name: build, script: touch ran}]
secret:
  script: [echo ran]
  secrets: {PASSWORD: {vault: a/b/c@d}}
token:
  script: [echo ran]
  id_tokens: {TOKEN: {aud: 'https://example.org'}}
release:
  script: [echo ran]
  release: {tag_name: v1, description: first}
plain:
  script: [echo ran]
slow:
  timeout: 1 second
  script: [echo begins, sleep 60]
loud:
  script: ['seq 1 20000; sleep 60']
large:
  script: [mkdir out, 'head -c 100000 /dev/urandom > out/large', touch out/small]
  artifacts: {paths: [out]}
heavy:
  script: ['head -c 30000 /dev/zero > heavy']
  artifacts: {reports: {codequality: heavy}}
dotenv:
  script: ['echo "no variable" > build.env']
  artifacts: {reports: {dotenv: build.env}}
several:
  script: ['mkdir out', 'touch out/a out/b']
  artifacts: {reports: {codequality: 'out/*'}}
folder:
  script: [mkdir out]
  artifacts: {reports: {codequality: out}}
'''

WORDS = {
    'steps': 'this job has `run:` steps, which pawl does not run',
    'secret': 'this job has `secrets:`, which pawl does not fetch',
    'token': 'this job has `id_tokens:`, which pawl does not issue',
    'release': 'this job has `release:`, and pawl makes no releases',
}

FILES = {
    'large': 'artifacts "archive": packed they are larger than the 20 KiB this server takes: 2 files of 97.7 KiB, '
             'the largest is out/large (97.7 KiB). Leave something out of artifacts:paths',
    'heavy': 'artifacts "codequality": packed they are larger than the 20 KiB this server takes: 1 file of 29.3 KiB',
    'dotenv': 'the dotenv report: line 1: invalid format',
    'several': 'only one file can be sent as it is, and out/a and out/b were found',
    'folder': 'no file was found',
}

BUILD = sys.argv[1]
with open('server.yml', 'w') as f:
    f.write('limits: {log_size: 10 KiB, artifact_size: 20 KiB}\n')
server = Server(BUILD, args=['--concurrent', '2', '--runner',
                             BUILD + '/pawl-runner', '--config', 'server.yml']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project


def run(ref):
    pipeline = server.post('%s/pipeline' % base, {'ref': ref}).json['id']
    row = '%s/pipelines/%d' % (base, pipeline)
    server.wait_for(lambda: server.get(row).json['status'] in ('success', 'failed'),
                    'the pipeline ends')
    return {job['name']: job for job in server.get(row + '/jobs').json}


def log(job):
    return server.get('%s/jobs/%d/trace' % (base, job['id'])).body.decode()


jobs = run('main')
assert jobs['plain']['status'] == 'success', jobs['plain']
for name, words in WORDS.items():
    job = jobs[name]
    assert job['status'] == 'failed', job
    assert job['failure_reason'] == 'runner_unsupported', job
    assert 'ERROR: Job failed: ' + words in log(job), log(job)
    assert '\nran' not in log(job), log(job)

slow = jobs['slow']
assert slow['status'] == 'failed' and slow['failure_reason'] == 'job_execution_timeout', slow
assert log(slow).endswith('ERROR: Job failed: execution took longer than 1s seconds'
                          '\x1b[0;m\n'), log(slow)

# The log stays up to the limit, with whole characters, and says that it was cut.
loud = jobs['loud']
assert loud['status'] == 'failed' and loud['failure_reason'] == 'trace_size_exceeded', loud
text = log(loud)
assert text.endswith('ERROR: Job failed: its log was cut here: it is larger than the 10 KiB '
                     'this server keeps\x1b[0;m\n'), text[-300:]
assert '\n1\n2\n3\n' in text and 10 * 1024 < len(text) < 10 * 1024 + 200, len(text)
assert loud['message'] == 'the log is larger than the 10 KiB this server keeps', loud

# What is too large is known before all of it is packed and sent; a runner that is not told hears it then.
assert 'Uploading artifacts as' not in log(jobs['large']), log(jobs['large'])

# Files that cannot be taken are the job's own failure: another try would end as this one has.
for name, words in FILES.items():
    job = jobs[name]
    assert job['status'] == 'failed' and job['failure_reason'] == 'script_failure', job
    last = log(job).splitlines()[-1]
    assert last.startswith('\x1b[31;1mERROR: Job failed: ') and words in last, log(job)
    tries = server.get('%s/pipelines/%d/jobs?include_retried=true&per_page=100'
                       % (base, job['pipeline']['id'])).json
    assert len([t for t in tries if t['name'] == name]) == 1, tries
server.stop()

# Without any runner, too: what no runner does waits for none.
os.rename('server.token', 'server.token.old')
alone = Server(BUILD, data='alone', args=['--concurrent', '-1'])
alone.starts = server.starts
server = alone.start()
shutil.rmtree('work-team-app')
project = server.project('team/app', {'.gitlab-ci.yml': '\n'.join(
    PIPELINE.split('\nplain:')[:1] + ['after: {stage: deploy, script: [x]}'])})
base = '/api/v4/projects/%d' % project
jobs = run('main')
for name, words in WORDS.items():
    assert jobs[name]['status'] == 'failed', jobs[name]
    assert jobs[name]['failure_reason'] == 'runner_unsupported', jobs[name]
    assert jobs[name]['message'].startswith(words), jobs[name]
    assert log(jobs[name]).startswith('\x1b[31;1mERROR: Job failed: ' + words), log(jobs[name])
assert jobs['after']['status'] == 'skipped', jobs['after']
server.stop()
