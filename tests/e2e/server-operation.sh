#!/bin/bash
# What an operator sees: lines for machines, without a secret in them, and an end in good
# order: who waits is answered, what is in hand is finished, what runs goes on.
set -eu

python3 "$SRC/tests/e2e/server-operation.py" "$BUILD"
