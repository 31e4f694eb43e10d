#!/bin/bash
# Every row of conformance/expressions.tsv through the command line. Ends with the share
# of rows that are right, which is meant to be all of them.
set -eu

table=$PAWL_SHARED/conformance/expressions.tsv
if [ ! -e "$table" ]; then
	echo "skipped: no $table"
	exit 77
fi
python3 - "$table" <<'END'
import json, subprocess, sys

def options(variables):
    inputs = variables.pop("inputs", {})
    return ([f"-v{k}={v}" for k, v in variables.items()] +
            [f"-i{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in inputs.items()])

def outcome(expression, variables):
    command = ["pawl", "expr", *options(json.loads(variables)), "--", expression]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 2 and "invalid expression syntax" in run.stderr:
        return "error"
    return run.stdout.strip() if run.returncode == 0 else f"exit {run.returncode}: {run.stderr}"

rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])][1:]
right = 0
for expression, variables, want in rows:
    got = outcome(expression.replace("\\t", "\t").replace("\\n", "\n"), variables)
    right += got == want
    if got != want:
        print(f"{expression!r} with {variables}: {got}, want {want}")
print(f"{right} of {len(rows)} expressions")
sys.exit(right != len(rows) or not rows)
END
