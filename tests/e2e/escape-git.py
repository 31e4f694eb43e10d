"""Commits no honest git makes, through `git push` to a server and its runner, and `pawl run`.

usage: escape-git.py BUILD

Each commit is a branch: it may be refused, or its job may fail or pass; nothing of it may come
to lie or run outside of its own workspace, and who handles it goes on.
"""
import os
import random
import subprocess
import sys

from server import Server

build = sys.argv[1]
OUTSIDE = os.getcwd() + '/outside'
os.mkdir(OUTSIDE)
with open(OUTSIDE + '/key', 'w') as f:
    f.write('whole\n')
TOUCH = 'touch %s/ran-' % OUTSIDE
CI = ('variables: {GIT_SUBMODULE_STRATEGY: recursive}\n'
      'default: {retry: 0}\n'
      'ok: {script: ["git status --short | head -n 5 || true", "cat part/secret || true", "echo it ran"]}\n')
SECRET = 'canary%d' % random.SystemRandom().randrange(1 << 60)
# a repository that whoever runs pawl may read, and a job may not
subprocess.run(['git', 'init', '-q', '-b', 'main', 'other'], check=True)
with open('other/secret', 'w') as f:
    f.write(SECRET + '\n')
subprocess.run('git add . && git commit -qm one', shell=True, cwd='other', check=True)
OTHER = os.getcwd() + '/other'
SECRET_COMMIT = subprocess.run(['git', '-C', 'other', 'rev-parse', 'HEAD'], capture_output=True, text=True).stdout.strip()
os.mkdir('evil')
os.chdir('evil')


def git(*words, data=None, check=True):
    done = subprocess.run(['git', *words], input=data, capture_output=True)
    if check and done.returncode != 0:
        sys.exit('git %s: %s' % (' '.join(words), done.stderr.decode()))
    return done.stdout.decode().strip()


def blob(text):
    return git('hash-object', '-w', '--stdin', data=text.encode())


def tree(*entries):
    """Of (mode, name, id), in git's order: what is wrong with it shall be something else."""
    entries = sorted(entries, key=lambda e: e[1] + '/' * (e[0] == '40000'))
    data = b''.join(mode.encode() + b' ' + name.encode() + b'\0' + bytes.fromhex(oid) for mode, name, oid in entries)
    return git('hash-object', '-w', '--literally', '-t', 'tree', '--stdin', data=data)


def config(program):
    return ('[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = "%s%s"\n\thooksPath = hooks\n'
            '[filter "evil"]\n\tsmudge = "%s%s"\n\tclean = "%s%s"\n\trequired = true\n' % ((TOUCH, program) * 3))


def file(name, text, mode='100644'):
    return (mode, name, blob(text))


def folder(name, *entries):
    return ('40000', name, tree(*entries))


def link(name, to):
    return ('120000', name, blob(to))


def repository(program):
    """What makes a folder a repository of git's."""
    return (file('HEAD', 'ref: refs/heads/main\n'), file('config', config(program)),
            folder('hooks', *(file(h, '#!/bin/sh\n%shook\n' % TOUCH, '100755')
                              for h in ('post-checkout', 'post-index-change', 'post-merge', 'pre-commit'))),
            folder('objects', file('x', '')), folder('refs', file('x', '')))


def submodule(url, name='part', path='part'):
    return (file('.gitmodules', '[submodule "%s"]\n\tpath = %s\n\turl = %s\n' % (name, path, url)),
            ('160000', 'part', SECRET_COMMIT))


def deep(levels):
    entry = file('end', '')
    for _ in range(levels):
        entry = folder('d', entry)
    return entry


git('init', '-q', '-b', 'main')
git('config', 'core.protectHFS', 'false')
git('config', 'core.protectNTFS', 'false')
trees = {
    'link-git': [link('.git', OUTSIDE)],
    'tree-git': [folder('.git', *repository('dotgit'))],
    'file-git': [file('.git', 'gitdir: %s\n' % OUTSIDE)],
    'upper-git': [folder('.GIT', *repository('upper'))],
    'ntfs-git': [folder('git~1', *repository('ntfs'))],
    'hfs-git': [folder('.g\u200cit', *repository('hfs'))],
    'inner-git': [folder('inner', folder('.git', *repository('inner')))],
    'bare': [folder('bare', *repository('bare'))],
    'dotdot': [folder('..', file('escaped', 'x'))],
    'dot': [folder('.', file('escaped', 'x'))],
    'slash': [file('../escaped', 'x')],
    'absolute': [file(OUTSIDE + '/escaped', 'x')],
    'empty-name': [file('', 'x')],
    'newline': [file('new\nline', 'x'), file('\033]0;title\007', 'x'), folder('f\n\r', file('-rf', 'x'))],
    'through-link': [link('a', OUTSIDE), folder('a', file('key', 'escaped\n'), file('escaped', 'x'))],
    'through-link-turned': [folder('a', file('key', 'escaped\n')), link('a', OUTSIDE)],
    'link-modules': [link('.gitmodules', OUTSIDE + '/key')],
    'link-attributes': [link('.gitattributes', OUTSIDE + '/key')],
    'link-ci': [],
    'filter': [file('.gitattributes', '* filter=evil diff=evil merge=evil\n'), file('.gitconfig', config('gitconfig')),
               file('x', 'x')],
    'deep': [deep(600)],
    'long-name': [file('n' * 5000, 'x')],
    'odd-mode': [('100666', 'odd', blob('x')), ('177777', 'odder', blob('x'))],
    'module-ext': submodule('ext::sh -c %sext' % TOUCH.replace(' ', '% ')),
    'module-file': submodule('file://' + OTHER),
    'module-path': submodule(OTHER),
    'module-option': submodule('-u%soption' % TOUCH),
    'module-option-in-path': submodule('https://127.0.0.1:1/x', path='-uevil'),
    'module-name-up': submodule('https://127.0.0.1:1/x', name='../../../outside'),
    'module-newline': submodule('"https://127.0.0.1:1/x\\n%snewline"' % TOUCH),
}
FEW = ('absolute', 'bare', 'deep', 'dotdot', 'filter', 'inner-git', 'link-git', 'link-modules', 'module-ext', 'module-name-up',
       'module-option', 'module-path', 'newline', 'slash', 'through-link', 'tree-git')
HERE = ('bare', 'deep', 'filter', 'inner-git', 'newline')  # others git itself does not let into a work tree
commits = {}
for name, entries in trees.items():
    if name not in FEW and not os.environ.get('SOAK'):
        continue
    first = link('.gitlab-ci.yml', OUTSIDE + '/key') if name == 'link-ci' else file('.gitlab-ci.yml', CI)
    text = 'tree %s\nauthor A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n\n%s\n' % (
        tree(first, *entries), name)
    commits[name] = git('hash-object', '-w', '--literally', '-t', 'commit', '--stdin', data=text.encode())
    git('update-ref', 'refs/heads/' + name, commits[name])
os.chdir('..')

wrong = []


def look(what):
    found = sorted(os.listdir(OUTSIDE))
    with open(OUTSIDE + '/key') as f:
        text = f.read()
    if found != ['key'] or text != 'whole\n':
        wrong.append('%s: outside lies %r, %r' % (what, found, text))
        print('WRONG', wrong[-1])


def locally():
    for name, commit in commits.items():
        if name not in HERE and not os.environ.get('SOAK'):
            continue
        subprocess.run(['git', 'clone', '-q', '--no-checkout', '--shared', 'evil', 'local'], check=True)
        subprocess.run(['git', '-C', 'local', 'update-ref', 'HEAD', commit], check=True)
        subprocess.run(['git', '-C', 'local', 'reset', '-q', '--hard'], capture_output=True)
        look('git itself, ' + name)
        if not os.path.lexists('local/.gitlab-ci.yml'):
            with open('local/.gitlab-ci.yml', 'w') as f:
                f.write(CI)
        done = subprocess.run(['pawl', 'run', '-C', 'local'], capture_output=True, text=True, errors='replace', timeout=60)
        print(name, 'here', done.returncode, (done.stdout + done.stderr).strip().split('\n')[-1][-150:])
        if done.returncode not in (0, 1, 2, 3) or 'Sanitizer' in done.stderr:
            wrong.append('%s: pawl run ended with %d: %s' % (name, done.returncode, done.stderr))
        look('pawl run, ' + name)
        subprocess.run(['rm', '-rf', 'local'], check=True)


def pushed():
    server = Server(build, args=['--concurrent', '4', '--runner', build + '/pawl-runner'])
    server.start()
    server.project('team/app', {'.gitlab-ci.yml': CI})
    url = 'http://root:%s@%s/team/app.git' % (server.token, server.url.split('//')[1])
    refused = []
    for name in commits:
        done = subprocess.run(['git', '-C', 'evil', 'push', '-q', url, name], capture_output=True, text=True, timeout=60)
        words = [w for w in done.stderr.strip().split('\n') if 'error' in w or 'fatal' in w or 'rejected' in w]
        print(name, 'pushed' if done.returncode == 0 else 'refused', *words[:1])
        look('pushed, ' + name)
        if done.returncode != 0:
            refused.append(name)
    # a runner may serve a server that looks at nothing
    for name in refused:
        done = subprocess.run(['git', '-C', 'data/repos/team/app.git', '-c', 'fetch.fsckObjects=false', '-c',
                               'transfer.fsckObjects=false', 'fetch', '-q', os.path.abspath('evil'), '%s:%s' % (name, name)],
                              capture_output=True, text=True)
        made = server.post('/api/v4/projects/1/pipeline', {'ref': name})
        print(name, 'put there', done.returncode, made.status)
    made = server.post('/api/v4/projects/1/pipeline', {'ref': 'main'})
    assert made.status == 201, made.body
    open_states = ('created', 'pending', 'running')
    server.wait_for(lambda: all(j['status'] not in open_states
                                for j in server.get('/api/v4/projects/1/jobs?per_page=100').json), 'the jobs', 100)
    for job in server.get('/api/v4/projects/1/jobs?per_page=100').json:
        log = server.get('/api/v4/projects/1/jobs/%d/trace' % job['id']).body.decode(errors='replace')
        words = [w for w in log.split('\n') if 'ERROR' in w or 'fatal' in w]
        if SECRET in log:
            wrong.append('%s reads what it may not' % job['ref'])
        print(job['ref'], job['status'], job.get('failure_reason'), *words[:2])
        if job['ref'] == 'main' and job['status'] != 'success':
            wrong.append('the honest one failed: ' + log)
    look('the jobs')
    server.stop()
    with open('server.out', errors='replace') as f:
        if 'Sanitizer' in f.read():
            wrong.append('server or runner are ill')


locally()
pushed()
print(*wrong, sep='\n')
sys.exit(1 if wrong else 0)
