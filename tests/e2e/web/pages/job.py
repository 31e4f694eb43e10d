"""Logs that say everything a log can say, of jobs whose runner this is."""
import os
import time

from server import Runner

YML = '''
stages: [test, deploy]
.log: {stage: test, tags: [logs], script: [x]}
colours: {extends: .log}
hostile: {extends: .log}
big: {extends: .log}
stamped: {extends: .log, allow_failure: true}
live: {extends: .log}
by hand: {extends: .log, when: manual, allow_failure: true, environment: production}
never: {stage: deploy, script: [x], tags: [no-such-runner]}
'''
BIG_LINES = 10000000 if os.environ.get('SOAK') else 1000000  # 100 bytes each
ESC = '\033['


def section(name, begin, end, title, text, options=''):
    return ('section_start:%d:%s%s\r\033[0K%s\n' % (begin, name, options, title) + text
            + 'section_end:%d:%s\r\033[0K' % (end, name))


def colours(begin):
    every = ''.join('%s%dm %d %s0m' % (ESC, c, c, ESC) for c in [*range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)])
    every += '\n' + ''.join('%s38;5;%dm%d%s0m ' % (ESC, c, c, ESC) for c in range(256))
    every += '\n' + ''.join('%s48;5;%dm%d%s0m ' % (ESC, c, c, ESC) for c in range(256))
    every += '\n' + ''.join('%s38;2;%d;%d;128m#' % (ESC, 255 - i, i) for i in range(256)) + ESC + '0m'
    for n, word in ((1, 'bold'), (2, 'dim'), (3, 'italic'), (4, 'underlined'), (7, 'inverse'), (9, 'struck')):
        every += '%s%dm%s%s0m ' % (ESC, n, word, ESC)
    return (section('prepare', begin, begin + 3, 'Preparing', 'image: debian:12\n')
            + section('script', begin + 3, begin + 60, ESC + '1mThe script' + ESC + '0m',
                      ''.join('compiling module %d\n' % i for i in range(400))
                      + section('deps', begin + 9, begin + 14, 'Dependencies', 'hidden\n' * 50, '[collapsed=true]') + '\n'
                      + 'loaded 10%\rloaded 50%\rloaded 100%\n' + every + '\n'
                      + ESC + '31mmain.c:3:1: error: no such thing' + ESC + '0m\n' + 'x\n' * 40 + 'fatal: that was it\n')
            + 'the end\n')


def hostile():
    return ('<script>alert(1)</script><img src=x onerror=alert(1)>\n\033]0;title\007after a title\n\033[2J\033[Hcleared\n'
            'abc \u202egnp.exe\u202c def\n\u05e9\u05dc\u05d5\u05dd\n\0\1\2\177 control\n' + 'x' * 1000000 + '\nafter\n'
            + '\033[38;5;' * 200 + '\n' + '\033[31mred\nstill red\n\033[0mplain\nsection_end:1:none\r\033[0K\n'
            + ESC + '1;35mlong\n' + 'purple\n' * 600 + ESC + '0mno more\n'
            + 'section_start:1:open[collapsed=true]\r\033[0Kopen for ever\ninside\n')


def put_big(runner, job):
    line = ' the quick brown fox jumps over the lazy dog, and again over that dog, and so it goes on\n'
    at, step = 0, 50000
    for first in range(0, BIG_LINES, step):
        data = ''.join(['%08d%s' % (i, line) for i in range(first, first + step)]).encode()
        assert runner.log(job, at, data).status == 202
        at += len(data)


def samples():
    return 'pawl-usage 1\n# ms …\n' + ''.join(
        '%d %d %d %d %d 0 0 0\n' % (i * 1000, (40 + i * 7 % 23) << 20, i * i * 20000, i * 500000, i * 90000) for i in range(1, 60))


def stamped():
    return ''.join('2026-01-02T03:%02d:%02d.000000Z 01%s line %d\n' % (i // 60, i % 60, 'E ' if i % 7 == 0 else 'O ', i) for i in range(200))


def fill(server, data):
    path = 'team/logs'
    ident = server.project(path, {'.gitlab-ci.yml': YML})
    runner = Runner(server, tag_list=['logs'], run_untagged=False, description='of the logs')
    made = server.post('/api/v4/projects/%d/pipeline' % ident, {'ref': 'main', 'variables': [{'key': 'WORD', 'value': "it's"}]})
    assert made.status == 201, made.body
    texts = {'colours': colours(int(time.time())), 'hostile': hostile(), 'stamped': stamped()}
    usage = {'peak_bytes': 62 << 20, 'cpu_us': 70000000, 'read_bytes': 1, 'written_bytes': 1}
    jobs = {}
    while len(jobs) < 5:
        job = runner.take()
        name = job['job_info']['name']
        jobs[name] = {'id': job['id'], 'token': job['token']}
        if name == 'live':
            continue
        if name == 'big':
            put_big(runner, job)
        else:
            assert runner.log(job, 0, texts[name].encode()).status == 202
        failed = {'failure_reason': 'script_failure', 'exit_code': 2} if name in ('colours', 'stamped') else {}
        more = {'usage': usage, 'usage_samples': samples()} if name == 'colours' else {}
        assert runner.update(job, 'failed' if failed else 'success', **failed, **more).status == 200
    for job in server.get('/api/v4/projects/%d/pipelines/%d/jobs' % (ident, made.json['id'])).json:
        jobs.setdefault(job['name'], {'id': job['id']})
    data['held'] = [jobs['live']]
    data['logs'] = {'path': path, 'project': ident, 'pipeline': made.json['id'], 'jobs': jobs, 'lines': BIG_LINES}
