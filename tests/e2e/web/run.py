"""The servers that browse.mjs looks at: one with a runner and much in it, one with nothing.

usage: run.py BUILD SOURCE NODE_MODULES
ONLY=NAME tests/run tests/e2e/web.sh: one page, test or file of pages/ alone."""
import glob
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time

build, src, modules = sys.argv[1:4]
here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True  # beside the source it would be in the way
sys.path[:0] = [os.path.dirname(here), here]

from api_routes import described  # noqa: E402
from data import Filler  # noqa: E402
from server import Server  # noqa: E402

CONFIG = 'runner: {executor: shell, jobs: 3}\n'


def begin():
    with open('server.yml', 'w') as f:
        f.write(CONFIG)
    return Server(build, args=['--config', 'server.yml', '--concurrent', '3', '--runner', build + '/pawl-runner']).start()


def begin_empty():
    os.mkdir('nothing')
    os.chdir('nothing')
    server = Server(build, args=['--concurrent', '-1']).start()
    os.chdir('..')
    return server


def more(filler):
    """What the tests of single pages need beside."""
    for path in sorted(glob.glob(here + '/pages/*.py')):
        spec = importlib.util.spec_from_file_location('page_data', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.fill(filler.server, filler.data)


class Asked:
    """What browse.mjs may ask for while it runs."""

    def __init__(self, server, filler):
        self.server, self.filler = server, filler

    def kill(self):
        self.server.kill()

    def start(self):
        self.server.start()

    def commit(self, path, files, message='a commit', push=True):
        self.filler.commit(path, files, message)
        if push:
            self.server.push(path, options=())


def serve(node, asked):
    """Passes on what node prints, and answers what it asks for."""
    for line in node.stdout:
        if not line.startswith('@'):
            print(line, end='', flush=True)
            continue
        question = json.loads(line[1:])
        try:
            answer = {'value': getattr(asked, question['name'])(*question['args'])}
        except (Exception, SystemExit) as e:
            answer = {'error': '%s: %r' % (question['name'], e)}
        node.stdin.write(json.dumps(answer) + '\n')
        node.stdin.flush()


def beat(server, jobs, is_over):
    """Jobs whose runner the tests are, data['held'] = [{id, token}], are not given up meanwhile."""
    while not is_over.wait(10):
        for job in jobs:
            try:
                server.call('PUT', '/api/v4/jobs/%d' % job['id'], {'token': job['token'], 'state': 'running', 'info': {}},
                            headers={'JOB-TOKEN': job['token']}, token=None)
            except OSError:
                pass  # the server that was killed


shots = os.path.join(build, 'web-shots')
shutil.rmtree(shots, ignore_errors=True)
os.makedirs(shots + '/docs')
empty = begin_empty()
server = begin()
filler = Filler(server)
began = time.time()
filler.fill()
more(filler)
print('filled in %.1f s' % (time.time() - began))
settings = {
    'url': server.url, 'token': server.token, 'empty': empty.url, 'emptyToken': empty.token,
    'data': filler.data, 'modules': modules, 'shots': shots, 'only': os.environ.get('ONLY', ''),
    'chromium': shutil.which('chromium'), 'calls': sorted(described(src)),
}
with open('settings.json', 'w') as f:
    json.dump(settings, f)
is_over = threading.Event()
threading.Thread(target=beat, args=(server, filler.data.get('held', []), is_over), daemon=True).start()
node = subprocess.Popen(['node', here + '/browse.mjs', 'settings.json'], stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE, text=True)
try:
    serve(node, Asked(server, filler))
    status = node.wait(30)
finally:
    is_over.set()
    node.kill()
filler.finish()
server.stop()
empty.stop()
if status != 0:
    raise SystemExit('see above, and the pictures in ' + shots)
