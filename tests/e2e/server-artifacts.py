"""Artifacts from a job to the next one and to people, at a server with its own runner."""
import datetime
import gzip
import io
import os
import stat
import sys
import zipfile

from server import Runner, Server

PIPELINE = '''
make:
  script:
    - mkdir -p out/deep/er out/empty
    - echo one > out/one.txt; echo two > out/deep/er/two.txt; echo no > out/deep/no.txt; echo 3 > out/three.o
    - ln -s deep/er/two.txt out/link; ln -s /etc/passwd out/away; chmod 751 out/one.txt; mkfifo out/pipe
    - echo left > stray; echo kept > ignored.log
    - echo '<testsuite name="s"><testcase name="t"/></testsuite>' > junit.xml
    - echo WORD=from-dotenv > build.env
    - echo '[]' > quality.json; echo '{"create":1}' > plan.json; echo '<coverage/>' > cov.xml
  artifacts:
    name: "$CI_JOB_NAME-files"
    paths: ["out/**/*.txt", out/link, out/away, out/empty, out/pipe]
    exclude: ["**/no.*", "*.xml", "*.json", "*.env"]
    untracked: true
    expire_in: 2 days
    reports:
      junit: junit.xml
      dotenv: build.env
      codequality: quality.json
      terraform: plan.json
      coverage_report: {coverage_format: cobertura, path: cov.xml}
use:
  stage: deploy
  needs: [make]
  script:
    - find . -path ./.git -prune -o -type d -o ! -name found -printf '%P %y %m %l\\n' | sort > found
    - test "$WORD" = from-dotenv
  artifacts: {paths: [found]}
evil:
  tags: [evil]
  script: [x]
  artifacts: {paths: [x]}
victim:
  stage: deploy
  needs: [evil]
  script: [cat good/file, 'test ! -e good/null', 'test -f good/out/evil', 'test ! -L good/out']
'''

REPORTS = {
    'junit': ('gzip', 'junit.xml.gz', b'<testsuite name="s"><testcase name="t"/></testsuite>\n'),
    'dotenv': ('gzip', '.env.gz', b'WORD=from-dotenv\n'),
    'codequality': ('raw', 'gl-code-quality-report.json', b'[]\n'),
    'terraform': ('raw', 'tfplan.json', b'{"create":1}\n'),
    'cobertura': ('gzip', 'cobertura-coverage.xml.gz', b'<coverage/>\n'),
}

FOUND = '''.gitignore f 644 
.gitlab-ci.yml f 644 
ignored.log f 644 
out/away l 777 /etc/passwd
out/deep/er/two.txt f 644 
out/link l 777 deep/er/two.txt
out/one.txt f 751 
out/three.o f 644 
stray f 644 
'''


def same(got, want, what):
    assert got == want, '%s:\n%r\nis not\n%r' % (what, got, want)


def member(archive, name, kind, data=b'evil'):
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o777) << 16
    archive.writestr(info, data)


def hostile():
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        member(z, 'good/file', stat.S_IFREG, b'good\n')
        for name in ('../evil', 'good/../../evil', '/tmp/pawl-evil'):
            member(z, name, stat.S_IFREG)
        member(z, 'good/out', stat.S_IFLNK, os.getcwd().encode())
        member(z, 'good/out/evil', stat.S_IFREG)
        member(z, 'good/null', stat.S_IFCHR)
    return out.getvalue()


BUILD = sys.argv[1]
server = Server(BUILD, args=['--concurrent', '2', '--runner', BUILD + '/pawl-runner']).start()
project = server.project('team/app', {'.gitlab-ci.yml': PIPELINE, '.gitignore': '*.log\n'})
base = '/api/v4/projects/%d' % project
stranger = Runner(server, tag_list='evil', run_untagged=False)
pipeline = server.post('%s/pipeline' % base, {'ref': 'main'}).json['id']
row = '%s/pipelines/%d' % (base, pipeline)

job = stranger.take()
same(job['job_info']['name'], 'evil', 'the job of the stranger')
same(stranger.upload(job, hostile(), query='?artifact_type=archive&artifact_format=zip').status,
     201, 'the upload')
stranger.update(job, 'success')
server.wait_for(lambda: server.get(row).json['status'] in ('success', 'failed'), 'the end')
jobs = {job['name']: job for job in server.get(row + '/jobs').json}


def log(name):
    return server.get('%s/jobs/%d/trace' % (base, jobs[name]['id'])).body.decode()


def artifact(name, query=''):
    return server.get('%s/jobs/%d/artifacts%s' % (base, jobs[name]['id'], query))


for name, job in jobs.items():
    assert job['status'] == 'success', (name, log(name))

# The archive, as others open it.
z = zipfile.ZipFile(io.BytesIO(artifact('make').body))
same(sorted(n for n in z.namelist() if not n.endswith('/')), sorted(
    line.split()[0] for line in FOUND.splitlines() if not line.startswith('.')), 'the archive')
assert 'out/empty/' in z.namelist(), z.namelist()
mode = {i.filename: i.external_attr >> 16 for i in z.infolist()}
same(stat.S_IMODE(mode['out/one.txt']), 0o751, 'the mode of a file')
assert stat.S_ISLNK(mode['out/away']), mode
same(z.read('out/link'), b'deep/er/two.txt', 'a link')
same(server.get('%s/jobs/%d/artifacts/out/deep/er/two.txt' % (base, jobs['make']['id'])).body,
     b'two\n', 'one file of it')
same(zipfile.ZipFile(io.BytesIO(artifact('use').body)).read('found').decode(), FOUND,
     'what the next job found')

# What lies in it, folder by folder; of a hostile one what is inside alone.
def look(name, path=''):
    return server.get('/api/pawl/v1/projects/%d/jobs/%d/files?path=%s' % (project, jobs[name]['id'], path))


def shown(name, path=''):
    return [(e['name'], e['type'], e['size'], e['mode'], e.get('files')) for e in look(name, path).json['entries']]


same(shown('make', 'out'), [
    ('deep', 'folder', 4, '755', 1), ('empty', 'folder', 0, '755', 0), ('away', 'link', 0, '777', None),
    ('link', 'link', 0, '777', None), ('one.txt', 'file', 4, '751', None), ('three.o', 'file', 2, '644', None),
], 'a folder')
whole = look('make').json
same((whole['type'], whole['path'], whole['files'], whole['cut']), ('folder', '', len([
    n for n in z.namelist() if not n.endswith('/')]), False), 'the whole')
same(look('make', 'out/./deep//').json['entries'], look('make', 'out/deep').json['entries'], 'an untidy path')
same(look('make', 'out/one.txt').json, {'path': 'out/one.txt', 'type': 'file', 'size': 4, 'mode': '751'}, 'a file')
for path in ('out/none', 'ou', 'out/one.txt/x', '../x', '/etc', 'out/../../x'):
    same(look('make', path).status, 404, path)
same(shown('evil', ''), [('good', 'folder', 9, '755', 3)], 'the hostile archive')
same(look('victim').status, 404, 'a job that left nothing')

# A file may be shown by a browser, where it can do nothing.
for path, kind in (('out/one.txt', 'text/plain; charset=utf-8'), ('stray', 'application/octet-stream')):
    sent = server.get('%s/jobs/%d/artifacts/%s' % (base, jobs['make']['id'], path)).headers
    same((sent['Content-Type'], sent['X-Content-Type-Options']), (kind, 'nosniff'), path)
    policy = sent['Content-Security-Policy']
    assert policy.startswith('sandbox ') and 'allow-scripts' not in policy and "default-src 'none'" in policy, policy

# Kept for as long as it said.
made = jobs['make']
parse = datetime.datetime.fromisoformat
left = (parse(made['artifacts_expire_at'].replace('Z', '+00:00'))
        - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
assert 2 * 86400 - 600 < left <= 2 * 86400, made['artifacts_expire_at']

# Each report is listed with the job, and there to be fetched.
listed = {a['file_type']: a for a in made['artifacts']}
same(listed['archive']['filename'], 'make-files.zip', "the archive's name")
for kind, (form, name, text) in REPORTS.items():
    same((listed[kind]['file_format'], listed[kind]['filename']), (form, name), kind)
    got = artifact('make', '?file_type=' + kind).body
    same(gzip.decompress(got) if form == 'gzip' else got, text, kind)
same(artifact('make', '?file_type=sast').status, 404, 'a report there is none of')
same(artifact('make', '?file_type=../archive').status, 404, 'a type that is none')
same(server.get(row + '/test_report').json['total_count'], 1, 'tests')

# Harm is refused entry by entry, and said; what is good is there.
words = log('victim')
for name in ('../evil', '/tmp/pawl-evil', 'good/null'):
    assert '\nWARNING: %s is left out: ' % name in words, words
assert 'Downloading artifacts for evil (%d)... ok, 3 files' % jobs['evil']['id'] in words, words
for place in ('evil', '../evil', '/tmp/pawl-evil'):
    assert not os.path.exists(place), place
server.stop()
