#!/bin/bash
# What the run form and the editor ask a server: inputs and variables of a file, and what
# an event would make of it.
set -eu

python3 "$SRC/tests/e2e/server-forms.py" "$BUILD"
