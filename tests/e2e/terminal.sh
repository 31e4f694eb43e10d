#!/bin/bash
# pawl run on a terminal: colours, live lines, a table; and nothing of that in a pipe.
set -eu

git init -q -b main
cat >.gitlab-ci.yml <<'EOF'
slow:
  script: [echo working, sleep 1, 'printf "\033[2J\033]0;title\007bad\n"']
fails:
  script: ["echo about to fail", "exit 3"]
after:
  stage: deploy
  script: [echo never]
EOF
git add -A
git commit -q -m one

python3 - >out <<'EOF'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm-256color", COLUMNS="80")
    os.execvp("pawl", ["pawl", "run", "-j2"])
data = b""
while True:
    try:
        chunk = os.read(fd, 65536)
    except OSError:
        break
    if not chunk:
        break
    data += chunk
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.buffer.write(data)
sys.exit(status != 1)
EOF

has() { grep -qF -- "$1" out || { echo "on a terminal: no $1"; cat -v out; exit 1; }; }
has_not() { if grep -qF -- "$1" out; then echo "on a terminal: $2"; cat -v out; exit 1; fi; }
has $'\e[31m'                       # colours
has $'\e[1A\e[J'                    # a live line that was drawn and taken away
grep -qE $'\e\\[[0-9]+m[^ ]+ slow' out || { echo "no live line for slow"; cat -v out; exit 1; }
has 'last lines'                    # the report on the failure
has 'try again  pawl run --needs fails'
has 'fails failed'
has_not $'\e[2J' "a job cleared the screen"
has_not $'\e]0;' "a job set the title"

# NO_COLOR and a dumb terminal: no escapes; in a pipe neither
check_plain() {
	if grep -q $'\e' plain; then echo "$1: escapes"; cat -v plain; exit 1; fi
	grep -q '^fails | \* failed in .*: exit code 3$' plain || { echo "$1: no line of the failure"; cat plain; exit 1; }
}
TERM=xterm pawl run -j1 >plain || true
check_plain "in a pipe"

# a reader that goes away ends the run, and leaves nothing
status=0
timeout 20 bash -c 'set -o pipefail; pawl run -j1 | head -1' >first || status=$?
[ "$status" -ne 124 ] || { echo "with head -1 the run went on"; exit 1; }
[ "$(wc -l <first)" -eq 1 ]
