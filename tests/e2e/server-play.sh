#!/bin/bash
# A manual job is played with variables of whoever plays it: they reach the job and its
# later tries, over those of the file, also after a restart, and lie sealed.
set -eu

python3 "$SRC/tests/e2e/server-play.py" "$BUILD"
