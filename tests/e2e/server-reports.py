"""Test reports, from the upload to what the API says of them."""
import gzip
import sys
import threading

from server import Runner, Server

PIPELINE = '''
unit: {parallel: 2, script: ['true']}
lint: {script: ['true']}
'''
GOOD = b'''<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="math">
 <testcase name="adds" classname="Sum" file="sum.c" time="0.25"/>
 <testcase name="carries" classname="Sum" time="1.5">
  <failure message="1 != 2">sum.c:7: 1 != 2</failure><system-out>at 7</system-out>
 </testcase>
 <testcase name="divides" classname="Sum"><error message="SIGFPE"/></testcase>
</testsuite></testsuites>
'''
LATIN = ('<?xml version="1.0" encoding="ISO-8859-1"?><testsuite name="words">'
         '<testcase name="\xe4"><skipped message="later"/></testcase></testsuite>'
         ).encode('latin-1')
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha">]><testsuite><testcase name="&a;"/></testsuite>'


def report(pipeline, what='test_report'):
    reply = server.get('/api/v4/projects/1/pipelines/%d/%s' % (pipeline, what))
    assert reply.status == 200, reply.body
    return reply.json


def equal(got, want):
    assert got == want, '\n%r\nis not\n%r' % (got, want)


def upload(job, *files):
    data = b''.join(gzip.compress(f) for f in files)
    reply = runner.upload(job, data, 'junit.xml.gz',
                          '?artifact_type=junit&artifact_format=gzip')
    assert reply.status == 201, reply.body


def start():
    made = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})
    assert made.status == 201, made.body
    jobs = {}
    for _ in range(3):
        job = runner.take()
        jobs[job['job_info']['name']] = job
    return made.json['id'], jobs


def a_report_is_read_when_its_upload_is_answered():
    pipeline, jobs = start()
    equal(report(pipeline)['test_suites'], [])
    upload(jobs['unit 1/2'], GOOD)
    upload(jobs['unit 2/2'], LATIN, GOOD)
    upload(jobs['lint'], LAUGHS)
    whole = report(pipeline)
    counts = {key: value for key, value in whole.items() if key != 'test_suites'}
    equal(counts, {'total_time': 3.5, 'total_count': 7, 'success_count': 2,
                   'failed_count': 2, 'skipped_count': 1, 'error_count': 2})
    suites = {suite['name']: suite for suite in whole['test_suites']}
    equal(sorted(suites), ['lint', 'unit'])  # the parts of a parallel job are one suite
    equal(suites['lint']['suite_error'], 'JUnit XML parsing failed: line 1: '
          'it declares an entity, which no report needs')
    equal(suites['lint']['test_cases'], [])
    unit = suites['unit']
    equal((unit['total_count'], unit['suite_error']), (7, None))
    equal([case['name'] for case in unit['test_cases']],
          ['adds', 'carries', 'divides', '\xe4', 'adds', 'carries', 'divides'])
    equal(unit['test_cases'][1], {
        'status': 'failed', 'name': 'carries', 'classname': 'Sum', 'file': None,
        'execution_time': 1.5, 'stack_trace': None,
        'system_output': 'sum.c:7: 1 != 2\n\nSystem Out:\n\nat 7'})
    equal(unit['test_cases'][0]['file'], 'sum.c')
    equal(unit['test_cases'][2]['status'], 'error')
    equal(unit['test_cases'][3]['system_output'], 'later')
    summary = report(pipeline, 'test_report_summary')
    equal(summary['total'], {
        'time': 3.5, 'count': 7, 'success': 2, 'failed': 2, 'skipped': 1, 'error': 2,
        'suite_error': suites['lint']['suite_error']})
    rows = {row['name']: row for row in summary['test_suites']}
    equal(sorted(rows['unit']['build_ids']),
          sorted([jobs['unit 1/2']['id'], jobs['unit 2/2']['id']]))
    equal(rows['unit']['failed_count'], 2)
    for job in jobs.values():  # a report that is wrong is no failure
        equal(runner.update(job, 'success').status, 200)
    equal(server.get('/api/v4/projects/1/pipelines/%d' % pipeline).json['status'],
          'success')


def the_newest_report_counts():
    pipeline, jobs = start()
    upload(jobs['lint'], GOOD)
    upload(jobs['lint'], LATIN)
    equal(report(pipeline)['total_count'], 1)
    again = [threading.Thread(target=upload, args=(jobs['lint'], GOOD)) for _ in range(4)]
    for thread in again:
        thread.start()
    for thread in again:
        thread.join()
    whole = report(pipeline)
    equal((whole['total_count'], len(whole['test_suites'][0]['test_cases'])), (3, 3))
    server.post('/api/v4/projects/1/pipelines/%d/cancel' % pipeline)


def a_kill_loses_no_report():
    pipeline, jobs = start()
    many = b'<testsuite>%s</testsuite>' % b''.join(
        b'<testcase name="number %d"/>' % i for i in range(60000))
    thread = threading.Thread(target=upload_anyhow, args=(jobs['lint'], many))
    thread.start()
    server.wait_for(lambda: len(report(pipeline)['test_suites']) == 1, 'the report')
    server.kill()
    thread.join()
    server.start()
    server.wait_for(lambda: report(pipeline, 'test_report_summary')['total']['count']
                    == 60000, 'the report of before')
    equal(len(report(pipeline)['test_suites'][0]['test_cases']), 60000)
    server.post('/api/v4/projects/1/pipelines/%d/cancel' % pipeline)


def upload_anyhow(job, data):
    try:
        upload(job, data)
    except OSError:
        pass  # the server is killed meanwhile


def who_may_not():
    for what in ('test_report', 'test_report_summary'):
        path = '/api/v4/projects/1/pipelines/%s/' + what
        equal(server.get(path % 1, token=None).status, 401)
        equal(server.get(path % 99).status, 404)
        equal(server.get(path % 'x').status, 404)
        equal(server.get('/api/v4/projects/2/pipelines/1/' + what).status, 404)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
try:
    server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
    server.project('team/other', {'readme': 'nothing'})
    runner = Runner(server)
    a_report_is_read_when_its_upload_is_answered()
    the_newest_report_counts()
    a_kill_loses_no_report()
    who_may_not()
    server.stop()
finally:
    if server.process.poll() is None:
        server.kill()
