"""Jobs that must not seem to pass, and logs that say why they end, at a server with its own runner."""
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
'''

WORDS = {
    'steps': 'this job has `run:` steps, which pawl does not run',
    'secret': 'this job has `secrets:`, which pawl does not fetch',
    'token': 'this job has `id_tokens:`, which pawl does not issue',
    'release': 'this job has `release:`, and pawl makes no releases',
}

BUILD = sys.argv[1]
with open('server.yml', 'w') as f:
    f.write('limits: {log_size: 10 KiB}\n')
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
server.end()
