#!/bin/bash
# A server, spoken to as a stock runner would: every call of runner-protocol.md section 13,
# what it refuses, and that a restart forgets nothing that was told.
set -eu

python3 "$SRC/tests/e2e/server-wire.py" "$BUILD"
