#!/bin/bash
# What a job's token opens, that it dies with the job, and that nothing secret lies in the
# data folder for who can read it.
set -eu

python3 "$SRC/tests/e2e/server-tokens.py" "$BUILD"
