"""A session by @gitbeaker/rest: its server here, the session in client_gitbeaker.mjs."""
import os
import subprocess
import sys

from client_session import begin

here = os.path.dirname(os.path.abspath(__file__))
server = begin(sys.argv[1], 'gitbeaker')
# a module is looked for beside the script that asks
script = os.path.join(sys.argv[2], 'client_gitbeaker-%d.mjs' % os.getpid())
with open(os.path.join(here, 'client_gitbeaker.mjs')) as source:
    with open(script, 'w') as to:
        to.write(source.read())
try:
    status = subprocess.call(['node', script, server.url, server.token])
finally:
    os.unlink(script)
if status != 0:
    raise SystemExit('the session ended with %d' % status)
server.stop()
