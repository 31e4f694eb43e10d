#!/bin/bash
# GitLab's own runner at a server of ours: it registers, takes jobs, hands artifacts and dotenv
# variables on, says exit codes, hears of a cancel. Debian has none; up to 14.7 its public source
# builds with Go alone (`go build -mod=vendor`).
set -eu

if ! command -v gitlab-runner >/dev/null; then
	echo "skipped: gitlab-runner is not in PATH"
	exit 77
fi

python3 - "$BUILD" <<'END'
import os
import subprocess
import sys

sys.path.insert(0, os.environ['SRC'] + '/tests/e2e')
from server import Server  # noqa: E402

PIPELINE = '''
stages: [build, test]
variables: {WHO: world}
build:
  stage: build
  script:
    - echo "hello $WHO"
    - mkdir out; echo made >out/file; echo VERSION=1.2 >v.env
  after_script: [echo "after $CI_JOB_STATUS"]
  artifacts: {paths: [out/], reports: {dotenv: v.env}}
test:
  stage: test
  script: [cat out/file, 'echo "version $VERSION"', git describe --always]
fails:
  stage: test
  script: [exit 3]
  allow_failure: {exit_codes: 3}
canceled:
  stage: test
  script: [sleep 600]
'''

server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
token = server.post('/api/v4/user/runners', {'runner_type': 'instance_type', 'run_untagged': True}).json['token']
with open('config.toml', 'w') as config:
    config.write('''concurrent = 2
check_interval = 1
[[runners]]
  name = "stock"
  url = "%s"
  token = "%s"
  executor = "shell"
  shell = "bash"
  builds_dir = "%s/builds"
  cache_dir = "%s/cache"
''' % (server.url, token, os.getcwd(), os.getcwd()))
subprocess.check_call(['gitlab-runner', 'verify', '-c', 'config.toml'], stderr=subprocess.DEVNULL)
stock = subprocess.Popen(['gitlab-runner', 'run', '-c', 'config.toml'], stderr=open('stock.log', 'w'))
made = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'}).json


def jobs():
    rows = server.get('/api/v4/projects/1/pipelines/%d/jobs' % made['id']).json
    return {row['name']: row for row in rows}


def log(name):
    return server.get('/api/v4/projects/1/jobs/%d/trace' % jobs()[name]['id']).body.decode()


try:
    server.wait_for(lambda: jobs()['canceled']['status'] == 'running', 'the last job', 60)
    server.post('/api/v4/projects/1/jobs/%d/cancel' % jobs()['canceled']['id'], {})
    server.wait_for(lambda: all(j['status'] in ('success', 'failed', 'canceled') for j in jobs().values()),
                    'the end', 60)
    ended = {name: (row['status'], row['allow_failure']) for name, row in jobs().items()}
    assert ended == {'build': ('success', False), 'test': ('success', False), 'fails': ('failed', True),
                     'canceled': ('canceled', False)}, ended
    for name, text in (('build', 'hello world\n'), ('build', 'after success\n'), ('test', '\nmade\n'),
                       ('test', '\nversion 1.2\n')):
        assert text in log(name), (name, log(name))
    assert jobs()['build']['duration'] > 0
finally:
    stock.kill()
    stock.wait()
server.stop()
END
