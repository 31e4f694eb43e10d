#!/bin/bash
# Real pipelines, planned: `pawl list --all --json` against the reference lists of the
# corpus. What differs has to have a known cause, and tests/corpus-differences.md has to
# say so; what has none may be 5 % of the jobs and 15 % of the pipelines at most.
#
# usage: corpus.sh [--write]      --write renews the table in tests/corpus-differences.md
set -u

src=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
conformance=${PAWL_SHARED:-$src/../shared}/conformance
pawl=${PAWL:-$(command -v pawl)}

if [ ! -x "$conformance/tools/compare-corpus" ]; then
	echo "skipped: no $conformance/tools/compare-corpus (PAWL_SHARED says where else)"
	exit 77
fi
if ! command -v python3 >/dev/null; then
	echo "skipped: python3 is not installed"
	exit 77
fi
exec python3 "$src/tests/e2e/corpus.py" "$pawl" "$conformance" "$src/tests/corpus-differences.md" "$@"
