#!/bin/bash
# Jobs that ask for what pawl does not do fail, with words; the log of a job that takes too
# long says so, and one that grows too large is
# kept up to its limit.
set -eu

python3 "$SRC/tests/e2e/server-refused.py" "$BUILD"
