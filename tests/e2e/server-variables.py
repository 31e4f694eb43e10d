"""Variables over the API, and in the jobs of new pipelines."""
import glob
import sys
import urllib.parse

from server import Runner, Server

PIPELINE = '''
plain: {script: [x]}
shipping:
  script: [x]
  environment: production
'''


def same(got, want, what):
    assert got == want, '%s: %r, not %r' % (what, got, want)


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE})
other = server.project('team/other', {'.gitlab-ci.yml': PIPELINE})
server.commit('team/app', {'file': 'x'}, push=False)
server.push('team/app')
server.push('team/app', 'topic')
base = '/api/v4/projects/%d' % project
own = base + '/variables'
instance = '/api/v4/admin/ci/variables'


def refused(reply, where, words, status=400):
    same(reply.status, status, 'status of ' + words)
    said = reply.json
    said = said['error'] if where is None else said['message'][where][0]
    assert words in said, '%r is not in %r' % (words, said)


# ---- made, as GitLab shows it
made = server.post(own, {'key': 'SECRET', 'value': 'abcd1234', 'masked': True,
                         'protected': True, 'description': 'of the team'})
same(made.status, 201, 'made')
same(made.json, {'variable_type': 'env_var', 'key': 'SECRET', 'value': 'abcd1234',
                 'hidden': False, 'protected': True, 'masked': True, 'raw': False,
                 'environment_scope': '*', 'description': 'of the team'}, 'as made')
same(server.get(own + '/SECRET').json, made.json, 'as read')
same(server.get('/api/v4/projects/team%2Fapp/variables').json, [made.json], 'the list')

# ---- the other two ways a body may be written
form = urllib.parse.urlencode({'key': 'FORM', 'value': 'a b&c=ü+', 'protected': 'false',
                               'variable_type': 'file'})
made = server.post(own, form.encode(),
                   headers={'Content-Type': 'application/x-www-form-urlencoded'})
same((made.status, made.json['value'], made.json['variable_type']),
     (201, 'a b&c=ü+', 'file'), 'a form')
parts = ''.join('--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % p
                for p in (('key', 'PARTS'), ('value', 'one\r\n--two'), ('raw', 'true')))
made = server.post(own, (parts + '--b--\r\n').encode(),
                   headers={'Content-Type': 'multipart/form-data; boundary=b'})
same((made.status, made.json['value'], made.json['raw']), (201, 'one\r\n--two', True),
     'a form in parts')
made = server.post(own + '?key=QUERY&value=q')
same((made.status, made.json['value']), (201, 'q'), 'a query')

# ---- refused
refused(server.post(own, {'value': 'x'}), None, 'key is missing')
refused(server.post(own, {'key': 'X'}), None, 'value is missing')
refused(server.post(own, {}), None, 'key is missing, value is missing')
refused(server.post(own, {'key': 'X-Y', 'value': 'x'}), 'key', "can contain only letters")
refused(server.post(own, {'key': '', 'value': 'x'}), 'key', "can't be blank")
refused(server.post(own, {'key': 'X' * 256, 'value': 'x'}), 'key', 'is too long')
refused(server.post(own, {'key': 'X', 'value': 'x' * (128 << 10)}), 'value', 'is too long')
refused(server.post(own, {'key': 'X', 'value': 'x', 'environment_scope': 'a;b'}),
        'environment_scope', 'can contain only')
refused(server.post(own, {'key': 'SECRET', 'value': 'x'}), 'key',
        '(SECRET) has already been taken')
refused(server.post(own, {'key': 'X', 'value': 'x', 'variable_type': 'blob'}), None,
        'variable_type does not have a valid value')
for value in ('short12', 'two words', 'two\nlines', 'dollar$sign', ''):
    refused(server.post(own, {'key': 'X', 'value': value, 'masked': True}), 'value',
            'is invalid')
same(server.post(own, {'key': 'RAW', 'value': 'dollar$sign', 'masked': True,
                       'raw': True}).status, 201, 'masked and raw')

# ---- bodies that are none
for body, words in ((b'{"key":5}', 'key has to be a string, not a number'),
                    (b'{"key":"X","value":"x","masked":"yes"}', 'masked has to be true or'),
                    (b'[]', 'the body has to be an object'), (b'{"key"', 'this is not JSON'),
                    (b'{"key":"a\\u0000b","value":"x"}', 'this is not JSON'),
                    (b'{"key":"X\x00"}', 'this is not JSON'),
                    (b'{"key":' + b'9' * 400 + b'}', 'this is not JSON'),
                    (b'[' * 70, 'nests deeper'), (b'{"value":"\xff"}', 'this is not JSON')):
    refused(server.post(own, body, headers={'Content-Type': 'application/json'}), None, words)
for body, words in ((b'key=X&value=x&masked=maybe', 'masked has to be true or false'),
                    (b'key=X&value=%ff', 'value is no valid UTF-8'),
                    (b'key[]=X', 'key[] has to be one value'),
                    (b'filter=X', 'filter has to be an object'),
                    (b'key=X&value=\0', 'a byte of zero')):
    refused(server.post(own, body, headers={
        'Content-Type': 'application/x-www-form-urlencoded'}), None, words)
refused(server.post(own, b'--b\r\n', headers={
    'Content-Type': 'multipart/form-data; boundary=b'}), None, 'the form is cut off')
same(server.post(own, b'{"value":"' + b'x' * (1 << 20) + b'"}',
                 headers={'Content-Type': 'application/json'}).status, 413, 'too large')

# ---- one key for two environments
for scope, value in (('production', 'for production'), ('review/*', 'for reviews')):
    same(server.post(own, {'key': 'WHERE', 'value': value,
                           'environment_scope': scope}).status, 201, scope)
same(server.get(own + '/WHERE').status, 409, 'one of two')
same(server.get(own + '/WHERE?filter[environment_scope]=production').json['value'],
     'for production', 'by its scope')
same(server.get(own + '/WHERE?filter[environment_scope]=none').status, 404, 'no scope')
moved = server.call('PUT', own + '/WHERE', {'filter': {'environment_scope': 'review/*'},
                                            'environment_scope': 'production'})
refused(moved, 'key', '(WHERE) has already been taken')
moved = server.call('PUT', own + '/WHERE', {'filter': {'environment_scope': 'review/*'},
                                            'environment_scope': 'test'})
same((moved.status, moved.json['environment_scope'], moved.json['value']),
     (200, 'test', 'for reviews'), 'moved')
same(server.get(own + '/WHERE?filter%5Benvironment_scope%5D=review%2F%2A').status, 404,
     'where it was')
same(server.call('DELETE', own + '/WHERE').status, 409, 'deleting one of two')
same(server.call('DELETE', own + '/WHERE?filter[environment_scope]=test').status, 204, 'one')

# ---- changed: what is not given stays
changed = server.call('PUT', own + '/SECRET', {'value': 'changed-1234'})
same((changed.status, changed.json['value'], changed.json['masked'],
      changed.json['description']), (200, 'changed-1234', True, 'of the team'), 'changed')
refused(server.call('PUT', own + '/SECRET', {'value': 'short'}), 'value', 'is invalid')
same(server.get(own + '/SECRET').json['value'], 'changed-1234', 'after the refusal')
same(server.call('PUT', own + '/NONE', {'value': 'x'}).json['message'],
     '404 Variable Not Found', 'changing none')

# ---- hidden: never shown again
hidden = server.post(own, {'key': 'HIDDEN', 'value': 'hidden-1234',
                           'masked_and_hidden': True})
same((hidden.json['value'], hidden.json['masked'], hidden.json['hidden']),
     (None, True, True), 'hidden')
refused(server.call('PUT', own + '/HIDDEN', {'masked': False}), 'base', 'visibility setting')

# ---- pages
page = server.get(own + '?per_page=2&page=2')
same((len(page.json), page.headers['X-Total'], page.headers['X-Next-Page']),
     (2, '7', '3'), 'the second page')

# ---- of the instance
made = server.post(instance, {'key': 'EVERYWHERE', 'value': 'yes'})
same((made.status, 'environment_scope' in made.json), (201, False), 'of the instance')
same(server.post(instance, {'key': 'FORM', 'value': 'lower'}).status, 201, 'both')
same(server.call('PUT', instance + '/EVERYWHERE', {'value': 'changed'}).json['value'],
     'changed', 'changed in the instance')

# ---- what reaches the jobs
runner = Runner(server)


def jobs_of(ref):
    made = server.post(base + '/pipeline', {'ref': ref})
    same(made.status, 201, 'pipeline of ' + ref)
    return {j['job_info']['name']: {v['key']: v for v in j['variables']}
            for j in (runner.take(), runner.take())}


main = jobs_of('main')
plain, shipping = main['plain'], main['shipping']
same((plain['SECRET']['value'], plain['SECRET']['masked']), ('changed-1234', True),
     'masked, on a protected ref')
same((plain['HIDDEN']['value'], plain['HIDDEN']['masked']), ('hidden-1234', True), 'hidden')
same((plain['FORM']['value'], plain['FORM']['file']), ('a b&c=ü+', True), 'the project wins')
same((plain['EVERYWHERE']['value'], plain['EVERYWHERE']['masked']), ('changed', False),
     'of the instance')
same((plain['RAW']['value'], plain['RAW']['raw']), ('dollar$sign', True), 'raw')
assert 'WHERE' not in plain, 'a variable of an environment in a job without'
same(shipping['WHERE']['value'], 'for production', 'in its environment')
topic = jobs_of('topic')['plain']
assert 'SECRET' not in topic, 'a protected variable on a branch that is not'
same(topic['HIDDEN']['value'], 'hidden-1234', 'an unprotected one there')

# ---- at rest it is sealed, and a restart keeps it
server.stop()
files = glob.glob('data/db/*')
assert any(b'SECRET' in open(f, 'rb').read() for f in files), 'the key is looked for elsewhere'
assert not any(b'changed-1234' in open(f, 'rb').read() for f in files), 'not sealed'
server.start()
same(server.get(own + '/SECRET').json['value'], 'changed-1234', 'after a restart')
same(server.call('DELETE', own + '/SECRET').status, 204, 'deleted')
same(server.get(own + '/SECRET').status, 404, 'gone')
same(server.get('/api/v4/projects/%d/variables' % other).json, [], 'of another project')
server.stop()
print('met')
