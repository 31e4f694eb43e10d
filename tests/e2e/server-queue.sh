#!/bin/bash
# Who gets which job, and why one waits: tags, protected refs, paused runners, limits,
# resource groups, fairness, and pipelines that newer ones supersede.
set -eu

python3 "$SRC/tests/e2e/server-queue.py" "$BUILD"
