#!/bin/bash
# Trigger jobs of a real server: child pipelines and pipelines of other projects, what is
# forwarded, how the job above follows, and why one fails.
set -eu

python3 "$SRC/tests/e2e/server-downstream.py" "$BUILD"
