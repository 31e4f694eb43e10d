"""Pipelines with tests, with children, and one of a thousand jobs, which all wait."""
from data import Filler

TESTED = '''
tested:
  script: ['printf "%s" "$REPORT" >report.xml', 'test "$OUTCOME" != failed']
  artifacts: {when: always, reports: {junit: report.xml}}
'''
SUITE = '''<testsuite name="math"><testcase name="adds" classname="Sum" time="0.2"/>
<testcase name="carries" classname="Sum" time="0.1">%s</testcase><testcase name="later"><skipped/></testcase></testsuite>'''
FAILURE = '<failure message="no">1 &lt;b&gt;is not&lt;/b&gt; 2</failure>'
FAMILY = '''
first: {script: [echo]}
child: {needs: [first], trigger: {include: child.yml, strategy: depend}}
'''


def thousand():
    text = 'default: {tags: [no-such-runner]}\nstages: [%s]\n' % ', '.join('s%d' % s for s in range(10))
    for stage in range(9):
        for k in range(100):
            needs = ', needs: [j%d_%d, j%d_%d]' % (stage - 1, k, stage - 1, (k + 7) % 100) if stage else ''
            text += 'j%d_%d: {stage: s%d, script: [x]%s}\n' % (stage, k, stage, needs)
    return text + 'shards: {stage: s9, parallel: 100, script: [x]}\n'


def fill(server, data):
    filler = Filler(server)
    tested = filler.project('team/tested', {'.gitlab-ci.yml': TESTED}, 'Test it')
    passed = filler.pipeline(tested, REPORT=SUITE % '')
    filler.wait(tested, passed, 'success')
    failed = filler.pipeline(tested, REPORT=SUITE % FAILURE, OUTCOME='failed')
    filler.wait(tested, failed, 'failed')
    family = filler.project('team/family', {'.gitlab-ci.yml': FAMILY, 'child.yml': 'inner: {script: [echo]}\n'}, 'A family')
    parent = filler.pipeline(family)
    filler.wait(family, parent, 'success')
    broken = filler.project('team/broken', {'.gitlab-ci.yml': 'a: {scirpt: [x]}\n'}, 'Break it')
    server.push('team/broken', 'other', options=())
    wrong = server.get('/api/v4/projects/%d/pipelines?yaml_errors=true' % broken).json[0]['id']
    many = filler.project('team/many', {'.gitlab-ci.yml': thousand()}, 'Many')
    data.update(tested='team/tested', tested_failed=failed, tested_passed=passed, family='team/family', parent=parent,
                broken='team/broken', wrong=wrong, many='team/many', many_pipeline=filler.pipeline(many))
