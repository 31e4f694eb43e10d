#!/bin/bash
# The lists of the REST API: orders, filters, pages by number and by keyset, and what is
# refused, in GitLab's words.
set -eu

python3 "$SRC/tests/e2e/server-lists.py" "$BUILD"
