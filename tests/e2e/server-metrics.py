"""/metrics: every line as the format wants it, and true figures."""
import math
import re
import shutil
import subprocess
import sys
import time

from server import Runner, Server

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^{}]*\})? (\S+)$')
LABELS = re.compile(r'\{([a-z_]+="[^"\\\n]*")(,[a-z_]+="[^"\\\n]*")*\}$')


def parse(text):
    """The samples, after a look at each line. Source: Prometheus, "Exposition formats"."""
    samples, types, helped = {}, {}, set()
    assert text.endswith('\n')
    for line in text.splitlines():
        words = line.split(' ', 3)
        if words[:2] == ['#', 'HELP']:
            assert words[2] not in helped, 'a second help of ' + line
            helped.add(words[2])
        elif words[:2] == ['#', 'TYPE']:
            assert words[2] not in types and words[2] in helped, line
            assert words[3] in ('counter', 'gauge', 'histogram'), line
            types[words[2]] = current = words[3]
            family = words[2]
        else:
            match = SAMPLE.match(line)
            assert match, 'no sample: ' + line
            name, labels, value = match.groups()
            assert labels is None or LABELS.match(labels), line
            ends = ('_bucket', '_sum', '_count') if current == 'histogram' else ('',)
            assert name in [family + e for e in ends], 'not of its family: ' + line
            assert (current == 'counter') == name.endswith('_total'), line
            assert name + (labels or '') not in samples, 'twice: ' + line
            samples[name + (labels or '')] = float(value)
    for name in (n for n, kind in types.items() if kind == 'histogram'):
        buckets = [(float(re.search(r'le="([^"]+)"', key).group(1)), value)
                   for key, value in samples.items() if key.startswith(name + '_bucket{')]
        assert buckets == sorted(buckets) and math.isinf(buckets[-1][0]), name
        assert [v for _, v in buckets] == sorted(v for _, v in buckets), name
        assert buckets[-1][1] == samples[name + '_count'], name
    return samples


def figures():
    # counts may be as old as a hundred times what counting takes
    time.sleep(0.2)
    reply = server.get('/metrics', token=None)
    assert reply.status == 200
    assert reply.headers['Content-Type'] == 'text/plain; version=0.0.4; charset=utf-8'
    return parse(reply.body.decode())


def waiting():
    """Those that are not 0, by reason."""
    return {re.search('"(.*)"', name).group(1): int(value)
            for name, value in figures().items()
            if name.startswith('pawl_jobs_waiting{') and value != 0}


def same(got, want, what):
    assert got == want, '%s: %s, not %s' % (what, got, want)


with open('settings.yml', 'w') as f:
    f.write('limits: {project_jobs: 3}\n')
server = Server(sys.argv[1], args=['--concurrent', '-1', '--config', 'settings.yml']).start()
same(waiting(), {}, 'nobody waits')
PIPELINE = '''
a: {script: [x]}
b: {script: [x]}
c: {script: [x]}
d: {script: [x]}
gpu: {script: [x], tags: [gpu]}
held: {script: [x], resource_group: g}
later: {script: [x], when: delayed, start_in: 1 day}
person: {script: [x], when: manual}
after: {script: [x], needs: [a]}
'''
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project


def make():
    made = server.post(base + '/pipeline', {'ref': 'main'})
    assert made.status == 201, made.body
    return made.json['id']


# ---- why jobs wait
make()
same(waiting(), {'no_runner': 6, 'time': 1}, 'without a runner')
runner = Runner(server, description='r1', tag_list=['linux'], run_untagged=True)
same(waiting(), {'offline': 5, 'tag': 1, 'time': 1}, 'with one that never asked')
first = runner.request().json
same(waiting(), {'queue': 4, 'tag': 1, 'time': 1, 'acceptance': 1}, 'one is given')
runner.update(first, 'running')
second = runner.take()
third = runner.take()
same(waiting(), {'project_limit': 2, 'tag': 1, 'time': 1}, 'the project is full')
server.call('PUT', '/api/v4/runners/%d' % runner.id, {'paused': True})
same(waiting(), {'paused': 2, 'tag': 1, 'time': 1}, 'the runner is paused')
server.call('PUT', '/api/v4/runners/%d' % runner.id, {'paused': False})
make()
same(waiting()['tag'], 2, 'of both pipelines')
same(waiting()['resource'], 1, 'of the second pipeline')
now = figures()
same(now['pawl_jobs_running'], 3, 'that a runner has')
same(now['pawl_pipelines_live'], 2, 'pipelines')
same(now['pawl_runners{status="online",paused="false"}'], 1, 'online')
same(sum(v for k, v in now.items() if k.startswith('pawl_runners{')), 1, 'runners')

# ---- what has been
time.sleep(0.3)
for job in (first, second, third):
    runner.update(job, 'success')
now = figures()
same(now['pawl_jobs_ended_total{status="success"}'], 3, 'that succeeded')
for name in ('wait', 'pickup', 'run'):
    same(now['pawl_job_%s_seconds_count' % name], 3, name)
assert now['pawl_job_run_seconds_sum'] >= 0.3, now['pawl_job_run_seconds_sum']
assert now['pawl_store_write_seconds_count'] >= now['pawl_store_commit_seconds_count'] > 3
assert now['pawl_store_write_seconds_sum'] > 0

# ---- the process
assert 1 << 20 < now['process_resident_memory_bytes'] < now['process_virtual_memory_bytes']
assert 0 < now['process_cpu_seconds_total'] < 600
assert 3 < now['process_open_fds'] < now['process_max_fds']
assert time.time() - 600 < now['process_start_time_seconds'] <= time.time()

# ---- as Prometheus' own tool sees it, where it is installed
if shutil.which('promtool'):
    subprocess.run(['promtool', 'check', 'metrics'], check=True,
                   input=server.get('/metrics', token=None).body)
server.stop()
print('%d figures' % len(now))
