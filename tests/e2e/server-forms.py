"""A pipeline by hand: what its file asks for, and what is made of the answers."""
import sys

from server import Server

FILE = r'''spec:
  inputs:
    target: {description: Where it goes, options: [staging, production], default: staging}
    count: {type: number, default: 2}
    version: {regex: '^v\d+$'}
    list: {type: array, default: [a, 1]}
    free: {rules: [{if: '$[[ inputs.target ]] == "staging"', default: x}, {default: y}]}
---
variables:
  LEVEL: {value: low, options: [low, high], description: How thorough it is}
  PLAIN: x
"$[[ inputs.target ]] job":
  script: ["echo $[[ inputs.version ]]"]
  parallel: $[[ inputs.count ]]
'''


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


with open('settings.yml', 'w') as f:
    f.write('keep: {artifacts: 3 days, pipelines: never}\nlimits: {log_size: 2 MiB}\n')
server = Server(sys.argv[1], args=['--concurrent', '-1', '--config', 'settings.yml']).start()
project = server.project('team/app', {'.gitlab-ci.yml': FILE})
base = '/api/v4/projects/%d' % project
own = '/api/pawl/v1/projects/%d' % project

# ---- what is asked for; nobody has given the required one yet
form = server.get(own + '/form').json
same((form['ref'], form['tag'], form['has_file'], form['errors']), ('main', False, True, []), 'form')
asked = {i.pop('name'): i for i in form['inputs']}
same(list(asked), ['target', 'count', 'version', 'list', 'free'], 'inputs, in the order of the file')
same(asked['target'], {'type': 'string', 'description': 'Where it goes', 'default': 'staging',
                       'options': ['staging', 'production'], 'regex': None,
                       'required': False, 'by_rules': False}, 'one with options')
same((asked['count']['default'], asked['list']['default']), (2, ['a', 1]), 'defaults keep their types')
same((asked['version']['required'], asked['version']['regex']), (True, r'^v\d+$'), 'a required one')
same((asked['free']['required'], asked['free']['by_rules']), (False, True), 'one by rules')
same(form['variables'], [{'key': 'LEVEL', 'value': 'low', 'description': 'How thorough it is',
                          'options': ['low', 'high']}], 'variables with a description')
same(server.get(own + '/form?ref=nowhere').status, 400, 'a ref that is not there')

# ---- answers: of their types, checked, and in the pipeline
made = server.post(base + '/pipeline', {'ref': 'main'})
assert made.status == 400 and b'`version` input: required' in made.body, made.body
made = server.post(base + '/pipeline', {'ref': 'main', 'inputs': {'version': '12', 'count': 'x'}})
assert made.status == 400 and b'`count` input: provided value is not a number' in made.body, made.body
assert b'`version` input: provided value does not match' in made.body, made.body
made = server.post(base + '/pipeline', {'ref': 'main', 'inputs': ['version']})
same((made.status, made.json), (400, {'error': 'inputs has to be an object, not a list'}), 'no object')
made = server.post(base + '/pipeline', {
    'ref': 'main', 'inputs': {'version': 'v3', 'count': 3, 'target': 'production'}})
same((made.status, made.json['source']), (201, 'api'), str(made.body))
jobs = server.get('%s/pipelines/%d/jobs' % (base, made.json['id'])).json
same(sorted(j['name'] for j in jobs), ['production job %d/3' % i for i in (1, 2, 3)], 'jobs')
of_file = server.get('/api/pawl/v1/projects/1/pipelines/%d/file' % made.json['id']).json
same(of_file['inputs'], {'version': 'v3', 'count': 3, 'target': 'production'}, 'what was given')

# ---- a file that is wrong still says what it asks for
server.commit('team/app', {'.gitlab-ci.yml': FILE + 'wrong: {scirpt: [x]}\n'}, branch='side')
form = server.get(own + '/form?ref=side').json
same(len(form['inputs']), 5, 'inputs of a file that is wrong')
assert any('scirpt' in e for e in form['errors']), form['errors']
same(len(form['variables']), 1, 'its variables')

# ---- what an event would make of a file that is in no commit, and why
TEXT = '''stages: [build, test]
compile: {stage: build, script: [x]}
unit: {stage: test, script: [x], parallel: 2}
quick: {stage: test, script: [x], needs: [compile], when: manual}
tagged:
  script: [x]
  rules: [{if: $CI_COMMIT_TAG}]
merged:
  script: [x]
  rules: [{if: '$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == "main" && $WORD == "yes"'}]
'''


def plan(**body):
    reply = server.post(own + '/plan', body)
    assert reply.status == 200, reply.body
    return reply.json


def names(answer, key='jobs'):
    return [j['name'] for j in answer['plan'][key]]


got = plan(content=TEXT)
same((got['valid'], got['errors'], got['ref'], got['source']), (True, [], 'main', 'push'), 'a push')
same(names(got), ['compile', 'unit 1/2', 'unit 2/2', 'quick'], 'jobs of a push')
same(names(got, 'left_out'), ['tagged', 'merged'], 'left out of a push')
same(got['plan']['stages'], ['build', 'test'], 'stages')
quick = got['plan']['jobs'][3]
same((quick['needs'], quick['when'], quick['line'], quick['why']['code']),
     (['compile'], 'manual', 4, 'no_rules'), 'a job')
same(got['plan']['jobs'][1]['needs'], None, 'one that goes by stages')
same(got['plan']['left_out'][0]['why']['code'], 'no_rule_matched', 'why one is left out')
assert len(got['plan']['plan_hash']) == 64 and 'content' not in got, got
for ref in ('v1', 'main'):
    same(names(plan(content=TEXT, ref=ref, tag=True))[4:], ['tagged'], 'a tag that is yet to come')
got = plan(content=TEXT, source='merge_request_event', ref='side',
           variables=[{'key': 'WORD', 'value': 'yes'}])
same(names(got), ['merged'], 'a merge request')
ASKED = '''proposed:
  script: [x]
  rules: [{if: '$CI_MERGE_REQUEST_TITLE == "a commit" && $CI_MERGE_REQUEST_DIFF_BASE_SHA && $CI_OPEN_MERGE_REQUESTS == "team/app!1"'}]
draft:
  script: [x]
  rules: [{if: '$CI_MERGE_REQUEST_TITLE =~ /^Draft:/'}]
'''
asked = {'content': ASKED, 'source': 'merge_request_event', 'ref': 'side'}
same(names(plan(**asked)), ['proposed'], 'what is known of a merge request, as pawl run has it')
same(names(plan(variables=[{'key': 'CI_MERGE_REQUEST_TITLE', 'value': 'Draft: x'}], **asked)),
     ['draft'], 'what was given stays')
same(server.post(own + '/plan', {'content': TEXT, 'source': 'wish'}).status, 400, 'no such event')

# ---- findings have their places
got = plan(content='a:\n  scirpt: [x]\nb: {script: [x], stage: none}\n')
same((got['valid'], got['plan']), (False, None), 'a file that is wrong')
same(sorted((e['file'], e['line'], e['column'], e['job']) for e in got['errors'])[:1],
     [('.gitlab-ci.yml', 2, 3, 'a')], 'where')
assert any('scirpt' in e['text'] for e in got['errors']), got
got = plan(content='a: [\n')
same((got['valid'], got['errors'][0]['line'] > 0), (False, True), 'no YAML')

# ---- without a text it is the file of the ref, which is told
got = plan(ref='main', inputs={'version': 'v1'})
same((got['valid'], got['content'], names(got)), (True, FILE, ['staging job 1/2', 'staging job 2/2']),
     'of the ref')
same(server.post(own + '/plan', {'ref': 'nowhere'}).status, 400, 'of no ref')

# ---- a branch without a file
server.commit('team/bare', {'x': 'x'}, branch='main', push=False)
bare = server.post('/api/v4/projects', {'name': 'bare', 'namespace_path': 'team'}).json['id']
server.push('team/bare')
form = server.get('/api/pawl/v1/projects/%d/form?ref=main' % bare).json
same((form['has_file'], form['inputs'], form['variables']), (False, [], []), 'no file')
got = server.post('/api/pawl/v1/projects/%d/plan' % bare, {'ref': 'main'}).json
same((got['valid'], got['errors'][0]['file'], got['content']), (False, '.gitlab-ci.yml', None),
     'a plan without a file')
empty = server.post('/api/v4/projects', {'name': 'empty', 'namespace_path': 'team'}).json['id']
got = server.post('/api/pawl/v1/projects/%d/plan' % empty, {'content': TEXT}).json
same((got['valid'], got['sha'], len(got['plan']['jobs'])), (True, None, 4), 'without any commit')

# ---- what the settings page shows
got = server.get('/api/pawl/v1/settings').json
same((got['keep'], got['limits']['log_size'], got['limits']['timeout']),
     ({'artifacts': 3 * 86400, 'pipelines': 0}, 2 << 20, 3600), 'settings')
made = server.post('/api/v4/user/personal_access_tokens', {'name': 'mine', 'scopes': ['read_api']}).json
server.post(base + '/access_tokens', {'name': 'of the project', 'scopes': ['api']})
own = server.get('/api/v4/personal_access_tokens').json
same([t['name'] for t in own if t['id'] == made['id']], ['mine'], 'own tokens')
assert not any('token' in t or t['name'] == 'of the project' for t in own), own
same([t['name'] for t in server.get('/api/v4/personal_access_tokens', token=made['token']).json],
     [t['name'] for t in own], 'asked with another of them')
server.stop()
