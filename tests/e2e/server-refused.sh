#!/bin/bash
# Jobs that ask for what pawl does not do fail, with words; a log that grows too large is
# kept up to its limit.
set -eu

python3 "$SRC/tests/e2e/server-refused.py" "$BUILD"
