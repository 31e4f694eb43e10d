"""Lists, as GitLab's clients ask for them."""
import re
import sqlite3
import sys
import urllib.parse

from server import Server

MANY = 10150  # more than totals are counted to


def same(got, want, what):
    assert got == want, '%s: %s, not %s' % (what, got, want)


def listed(path, key='id', **query):
    reply = server.get(path + '?' + urllib.parse.urlencode(query))
    assert reply.status == 200, (path, query, reply.status, reply.body)
    return [row[key] for row in reply.json]


def refused(path, code=400, **query):
    reply = server.get(path + '?' + urllib.parse.urlencode(query))
    same(reply.status, code, '%s %s' % (path, query))
    return reply.json['error']


def link(reply, rel):
    found = re.search('<([^>]*)>; rel="%s"' % rel, reply.headers.get('Link') or '')
    return found and found.group(1)[len(server.url):]


server = Server(sys.argv[1], args=['--concurrent', '-1']).start()
first = server.project('team/zebra', {'.gitlab-ci.yml': 'a: {script: [x]}\n'})
second = server.project('team/ant', {'.gitlab-ci.yml': 'a: {script: [x]}\n'})
third = server.project('other/many', {'.gitlab-ci.yml': 'a: {script: [x]}\n'})
same(server.call('POST', '/api/v4/projects/%d/pipeline' % first, {'ref': 'main'}).status, 201,
     'a pipeline')
server.stop()
database = sqlite3.connect('data/db/pawl.db')
database.execute("INSERT INTO users (id, login, name, is_admin, blocked, created_us)"
                 " VALUES (77, 'ann', 'Ann', 0, 0, 1)")
INSERT = ("INSERT INTO pipelines (id, project, iid, ref, is_tag, ref_is_protected, sha, source,"
          " status, warnings, user, created_us, started_us, finished_us, updated_us, errors)"
          " VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, 0, ?, ?, 0, 0, ?, ?)")
DAY = 86400 * 10**6
database.execute('PRAGMA foreign_keys = ON')
database.execute('DELETE FROM pipelines WHERE project <> ?', (first,))
for number, ref, status, user, updated, errors in (
        (1, 'b', 'success', 77, 40, None), (2, 'a', 'failed', 1, 30, 'no'),
        (3, 'c', 'canceled', 77, 20, None), (4, 'a', 'success', None, 10, None)):
    database.execute(INSERT, (100 + number, second, number, ref, '%040d' % number, 'push',
                              status, user, number * DAY, updated * DAY, errors))
for number in range(MANY):
    database.execute(INSERT, (1000 + number, third, 1 + number, 'main', '%040d' % number,
                              'push', 'success', 1, DAY, DAY + number, None))
database.commit()
database.close()
server.start()
base = '/api/v4/projects/%d/pipelines' % second

# ---- pipelines: orders
same(listed(base), [104, 103, 102, 101], 'newest first')
same(listed(base, sort='asc'), [101, 102, 103, 104], 'oldest first')
for order, want in (('id', [101, 102, 103, 104]), ('ref', [102, 104, 101, 103]),
                    ('status', [103, 102, 101, 104]), ('updated_at', [104, 103, 102, 101]),
                    ('user_id', [104, 102, 101, 103])):
    same(listed(base, order_by=order, sort='asc'), want, order)
    same(listed(base, order_by=order, sort='desc'), want[::-1], order + ' backwards')
same(listed(base, order_by='updated_at', per_page=2, page=2), [103, 104], 'a page of it')
same(refused(base, order_by='name'), 'order_by does not have a valid value', 'order_by')
same(refused(base, sort='up'), 'sort does not have a valid value', 'sort')

# ---- pipelines: filters
for query, want in (({'ref': 'a'}, [104, 102]), ({'status': 'success'}, [104, 101]),
                    ({'scope': 'finished'}, [104, 103, 102, 101]), ({'scope': 'running'}, []),
                    ({'sha': '%040d' % 3}, [103]), ({'source': 'web'}, []),
                    ({'username': 'ann'}, [103, 101]), ({'username': 'nobody'}, []),
                    ({'updated_after': '1970-01-25T00:00:00Z'}, [102, 101]),
                    ({'updated_before': '1970-01-25T00:00:00+00:00'}, [104, 103]),
                    ({'created_after': '1970-01-03T12:00:00Z'}, [104, 103]),
                    ({'yaml_errors': 'true'}, [102]),
                    ({'yaml_errors': 'false'}, [104, 103, 101]),
                    ({'ref': 'a', 'order_by': 'updated_at'}, [102, 104]),
                    ({'username': 'ann', 'order_by': 'ref', 'sort': 'asc'}, [101, 103]),
                    ({'ref': ''}, [104, 103, 102, 101])):
    same(listed(base, **query), want, query)
same(refused(base, status='odd'), 'status does not have a valid value', 'status')
same(refused(base, scope='odd'), 'scope does not have a valid value', 'scope')
same(refused(base, updated_after='soon'), 'updated_after is invalid', 'updated_after')
same(refused(base, yaml_errors='x'), 'yaml_errors is invalid', 'yaml_errors')
same(server.get(base + '/latest').status, 404, 'the default branch has none')
same(server.get(base + '/latest?ref=a').json['id'], 104, 'latest of a branch')

# ---- pages with a number
reply = server.get(base + '?per_page=3&ref=')
same([reply.headers.get(name) for name in ('X-Total', 'X-Total-Pages', 'X-Page', 'X-Per-Page',
                                           'X-Next-Page', 'X-Prev-Page')],
     ['4', '2', '1', '3', '2', None], 'headers')
reply = server.get(link(reply, 'next'))
same([row['id'] for row in reply.json], [101], 'the second page')
same((link(reply, 'next'), reply.headers.get('X-Next-Page'), reply.headers.get('X-Prev-Page')),
     (None, None, '1'), 'its end')

# ---- more than are counted: no totals, and still every page
many = '/api/v4/projects/%d/pipelines' % third
reply = server.get(many + '?per_page=100')
same((reply.headers.get('X-Total'), reply.headers.get('X-Total-Pages'), link(reply, 'last')),
     (None, None, None), 'no totals')
same(reply.headers.get('X-Next-Page'), '2', 'the next page')
seen, at = 0, many + '?per_page=100&page=100'
while at:
    reply = server.get(at)
    seen += len(reply.json)
    at = link(reply, 'next')
same(seen, MANY - 9900, 'rows from page 100 on')
same(listed(many, order_by='updated_at', per_page=2), [1000 + MANY - 1, 1000 + MANY - 2],
     'the latest of many')

# ---- pages by keyset
ids, at = [], many + '?pagination=keyset&per_page=100'
while at:
    reply = server.get(at)
    same((reply.headers.get('X-Total'), reply.headers.get('X-Page')), (None, None), 'no counts')
    ids += [row['id'] for row in reply.json]
    at = link(reply, 'next')
same(ids, list(range(1000 + MANY - 1, 999, -1)), 'all of them, by keyset')
same(refused(many, code=405, pagination='keyset', order_by='ref'),
     'Keyset pagination is not yet available for this type of request', 'keyset by ref')
reply = server.get('/api/v4/projects?pagination=keyset&order_by=id&sort=asc&per_page=2')
same([row['id'] for row in reply.json], [first, second], 'projects by keyset')
same([row['id'] for row in server.get(link(reply, 'next')).json], [third], 'the others')

# ---- jobs
jobs = '/api/v4/projects/%d/jobs' % first
same(listed(jobs, 'name', scope='pending'), ['a'], 'pending jobs')
same(listed(jobs, 'name', **{'scope[]': 'success'}), [], 'successful jobs')
same(listed(jobs, 'name', pagination='keyset'), ['a'], 'jobs by keyset')
same(refused(jobs, scope='odd'), 'scope does not have a valid value', 'scope of jobs')

# ---- branches
server.commit('team/ant', {'x': 'x'}, push=False)
for name in ('feature/One', 'feature/two', 'hot-one'):
    server.push('team/ant', name)
branches = '/api/v4/projects/%d/repository/branches' % second
for query, want in (({}, ['feature/One', 'feature/two', 'hot-one', 'main']),
                    ({'search': 'one'}, ['feature/One', 'hot-one']),
                    ({'search': '^feature/'}, ['feature/One', 'feature/two']),
                    ({'search': 'ONE$'}, ['feature/One', 'hot-one']),
                    ({'search': 'none'}, []), ({'per_page': 2, 'page': 2}, ['hot-one', 'main'])):
    same(listed(branches, 'name', **query), want, query)
reply = server.get(branches + '?search=one')
same(reply.headers['X-Total'], '2', 'total of those found')
commit = reply.json[0]['commit']
same((commit['title'], commit['id'].startswith(commit['short_id'])), ('a commit', True), 'commit')

# ---- projects
projects = '/api/v4/projects'
for query, want in (({}, [third, second, first]), ({'sort': 'asc'}, [first, second, third]),
                    ({'order_by': 'name', 'sort': 'asc'}, [second, third, first]),
                    ({'order_by': 'path', 'sort': 'asc'}, [third, second, first]),
                    ({'order_by': 'last_activity_at'}, [first, second, third]),
                    ({'order_by': 'created_at', 'sort': 'asc'}, [first, second, third]),
                    ({'search': 'TEAM'}, [second, first]), ({'archived': 'true'}, []),
                    ({'archived': 'false', 'visibility': 'private'}, [third, second, first]),
                    ({'visibility': 'public'}, []), ({'id_after': first}, [third, second]),
                    ({'id_before': second}, [first])):
    same(listed(projects, **query), want, query)
same(refused(projects, order_by='size'), 'order_by does not have a valid value', 'order_by')
same(refused(projects, visibility='odd'), 'visibility does not have a valid value', 'visibility')
same(refused(projects, archived='odd'), 'archived is invalid', 'archived')
same(refused(projects, id_after='x'), 'id_after is invalid', 'id_after')
# ---- pages that are no number
for path in (projects, branches, '/api/v4/projects/%d/variables' % first,
             '/api/v4/projects/%d/jobs' % first, '/api/v4/projects/%d/pipelines' % first,
             '/api/v4/runners/all'):
    for name in 'page', 'per_page':
        for value in 'abc', '2x', '1.5', '-':
            same(refused(path, **{name: value}), name + ' is invalid', (path, name, value))
    for query in {'per_page': ''}, {'page': '1'}, {'per_page': '9' * 30}, {'per_page': '0'}:
        same(server.get(path + '?' + urllib.parse.urlencode(query)).status, 200, (path, query))
server.stop()
print('listed')
