"""Whose turn it is at a resource group, by its process mode."""
import sys

from server import Runner, Server

PIPELINE = '''
stages: [build, deploy]
b: {stage: build, script: [x]}
d: {stage: deploy, script: [x], resource_group: prod/eu}
'''
GROUP = '/resource_groups/prod%2Feu'


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
runner = Runner(server, description='r1')


def status(base, pipeline, name):
    rows = server.get('%s/pipelines/%d/jobs' % (base, pipeline)).json
    return {row['name']: row for row in rows}[name]['status']


def next_turn(base, pipelines):
    """Which pipeline, by its place, has the group now; None: nobody."""
    having = [i + 1 for i, p in enumerate(pipelines)
              if status(base, p, 'd') in ('pending', 'running')]
    assert len(having) < 2, 'two have it: %r' % having
    return having[0] if having else None


def play(mode, crash):
    """Five pipelines: the first has the group; the third and the fourth are ready, in
    this order, the second and the fifth are not. Who comes next, and after that?"""
    project = server.project('g/' + mode, {'.gitlab-ci.yml': PIPELINE})
    base = '/api/v4/projects/%d' % project
    pipelines = [server.post(base + '/pipeline', {'ref': 'main'}).json['id']
                 for _ in range(5)]
    got = server.get(base + GROUP).json
    same((got['key'], got['process_mode']), ('prod/eu', 'unordered'), 'at first')
    builds = [runner.take() for _ in pipelines]
    runner.update(builds[0], 'success')
    holder = runner.take()
    same(holder['job_info']['name'], 'd', 'who has it')
    got = server.call('PUT', base + GROUP, {'process_mode': mode})
    same((got.status, got.json['process_mode']), (200, mode), 'set')
    runner.update(builds[2], 'success')
    runner.update(builds[3], 'success')
    waiting = server.get(base + GROUP + '/upcoming_jobs').json
    same([job['pipeline']['id'] for job in waiting], pipelines[1:], 'upcoming jobs')
    if crash:
        server.kill()
        server.start()
        same([g['process_mode'] for g in server.get(base + '/resource_groups').json], [mode],
             'the mode after the crash')
    same(next_turn(base, pipelines), 1, 'while it is held')
    runner.update(holder, 'success')
    turns = [next_turn(base, pipelines)]
    for ready in (1, 4):
        runner.update(builds[ready], 'success')
        turns.append(next_turn(base, pipelines))
    while len(turns) < 7:
        job = runner.take()
        runner.update(job, 'success')
        if next_turn(base, pipelines) is None:
            break
        turns.append(next_turn(base, pipelines))
    return turns


# after the first has ended, after the second is ready, after the fifth is; then one by one
ORDER = {
    'unordered': [3, 3, 3, 4, 2, 5],
    'newest_ready_first': [4, 4, 4, 5, 3, 2],
    'oldest_first': [None, 2, 2, 3, 4, 5],
    'newest_first': [None, None, 5, 4, 3, 2],
}
for mode, want in ORDER.items():
    same(play(mode, crash=mode in ('oldest_first', 'newest_ready_first')), want, mode)

# ---- what is not there, and what is no mode
base = '/api/v4/projects/1'
same(server.get(base + '/resource_groups/none').status, 404, 'no such group')
same(server.call('PUT', base + '/resource_groups/none', {'process_mode': 'unordered'}).status,
     404, 'setting one that is not there')
wrong = server.call('PUT', base + GROUP, {'process_mode': 'fastest'})
same((wrong.status, wrong.json['error']), (400, 'process_mode does not have a valid value'),
     'no mode')

# ---- back to unordered while jobs wait: the first that was ready goes
mode = 'newest_first'
project = server.project('g/changed', {'.gitlab-ci.yml': PIPELINE})
base = '/api/v4/projects/%d' % project
pipelines = [server.post(base + '/pipeline', {'ref': 'main'}).json['id'] for _ in range(3)]
server.call('PUT', base + GROUP, {'process_mode': 'newest_first'})
builds = [runner.take() for _ in pipelines]
runner.update(builds[0], 'success')
same(next_turn(base, pipelines), None, 'the newest is not ready')
server.call('PUT', base + GROUP, {'process_mode': 'unordered'})
same(next_turn(base, pipelines), 1, 'who is ready goes')
server.stop()
