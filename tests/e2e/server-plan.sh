#!/bin/bash
# The plan a pipeline was made with is the plan it ends with, whatever variables the server
# holds by then, and a crash changes nothing of it; values are those of the moment.
set -eu

python3 "$SRC/tests/e2e/server-plan.py" "$BUILD"
