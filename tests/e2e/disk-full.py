"""A server and its runner on a disk that jobs fill.

usage: disk-full.py BUILD DISK

DISK is a small file system for both of them. A job fills it while others run: it fails and says
why, and with its end there is room; the others, the runner and the server go on.
"""
import os
import sys

from server import Server

PIPELINE = '''
fill:
  rules: [{if: '$KIND == "fill"'}]
  script:
    - sleep 0.7
    - dd if=/dev/zero of=big bs=1M || true
    - sleep 1
    - head -c 100000 /dev/zero >more
beside:
  rules: [{if: '$KIND == "fill"'}]
  script:
    - for i in 1 2 3 4 5 6 7 8 9 10; do echo "line $i"; sleep 0.2; done
archive:
  rules: [{if: '$KIND == "archive"'}]
  script: [head -c 30M /dev/urandom >big]
  artifacts: {paths: [big]}
talk:
  rules: [{if: '$KIND == "talk"'}]
  script: ['head -c 60000000 /dev/zero | tr "\\000" x | fold -w 100']
next:
  rules: [{if: '$KIND == "next"'}]
  script: [echo fine >made, cat made]
  artifacts: {paths: [made]}
'''

build, disk = sys.argv[1:]
server = Server(build, data=disk + '/data', args=['--concurrent', '2', '--runner', build + '/pawl-runner'])
server.start()
server.project('team/app', {'.gitlab-ci.yml': PIPELINE})


def run(kind):
    """Its jobs by name, when all have ended."""
    made = server.post('/api/v4/projects/1/pipeline', {'ref': 'main', 'variables': [{'key': 'KIND', 'value': kind}]})
    assert made.status == 201, made.body
    path = '/api/v4/projects/1/pipelines/%d' % made.json['id']
    server.wait_for(lambda: server.get(path).json['status'] in ('success', 'failed', 'canceled'), 'the end of ' + kind, 400)
    jobs = {row['name']: row for row in server.get(path + '/jobs').json}
    for row in jobs.values():
        row['log'] = server.get('/api/v4/projects/1/jobs/%d/trace' % row['id']).body.decode(errors='replace')
        print(kind, row['name'], row['status'], row.get('failure_reason'), row['log'][-300:], sep='\n  ')
    return jobs


def free():
    room = os.statvfs(disk)
    return room.f_bavail * room.f_frsize


def goes_on():
    server.wait_for(lambda: free() > 20000000, 'room', 60)
    assert run('next')['next']['status'] == 'success', 'nothing goes on'
    assert server.process.poll() is None, 'the server has ended'


goes_on()
jobs = run('fill')
assert jobs['fill']['status'] == 'failed' and 'No space left on device' in jobs['fill']['log'], 'fill'
assert jobs['beside']['status'] == 'success' and 'line 10' in jobs['beside']['log'], 'beside'
goes_on()
assert run('archive')['archive']['status'] == 'failed'  # the job's, the layer of it, the zip, and the server's: they do not fit
goes_on()
if os.environ.get('SOAK'):  # what waits for room is given up after a minute, three times
    run('talk')
    goes_on()
server.stop()
