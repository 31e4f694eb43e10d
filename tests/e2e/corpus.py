#!/usr/bin/env python3
"""corpus.py PAWL CONFORMANCE TABLE.md [--write]: see corpus.sh.

The reference names instances of parallel jobs its own way; names are translated for it,
so that those jobs are compared like all others. Every difference that is left is looked
up in pawl's own list, and counted under the cause that pawl's reason proves.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

JOBS_SHARE, PIPELINES_SHARE = 0.95, 0.85

CAUSES = {
    "name": "name of a parallel instance",
    "only": "`only` or `except` leaves the job out",
    "workflow": "`workflow:rules` allow no pipeline",
    "manual": "`when: manual` may fail by default",
    "compare_to": "`compare_to` names no ref",
}
BEGIN, END = "<!-- table: tests/e2e/corpus.sh --write -->", "<!-- end of table -->"

# Stands between the comparison and pawl: pawl's list, with names as the reference has them.
TRANSLATOR = """#!/usr/bin/env python3
import json, re, subprocess, sys
p = subprocess.run([{pawl!r}, *sys.argv[1:]], capture_output=True, text=True)
sys.stderr.write(p.stderr)
if p.returncode != 0:
    sys.exit(p.returncode)
def reference(name):
    name = re.sub(r" (\\d+/\\d+)$", r": [\\1]", name)
    return re.sub(r": \\[(.*)\\]$", lambda m: ": [" + m[1].replace(", ", ",") + "]", name)
jobs = json.loads(p.stdout)
for job in jobs:
    job["name"] = reference(job["name"])
    for need in job["needs"] or []:
        need["job"] = reference(need["job"]) if need["job"] else need["job"]
json.dump(jobs, sys.stdout)
"""


def compare(tool, pawl, corpus):
    """The comparison's lines, and its summary."""
    out = subprocess.run([tool, pawl, corpus, "-v"], capture_output=True, text=True)
    lines = out.stdout.strip().splitlines()
    if not lines or not lines[-1].startswith("corpus:"):
        sys.exit(f"{tool} failed: {out.stderr}")
    return lines[:-1], lines[-1]


def make_repository(source, target):
    """As the comparison makes it."""
    shutil.copytree(source, target, ignore=lambda d, names: [
        n for n in names if d == source and n.startswith("expected.")])
    for args in (["init", "-q", "-b", "main"], ["config", "user.email", "test@example.com"],
                 ["config", "user.name", "Test User"],
                 ["remote", "add", "origin", "git@gitlab.com:group/project.git"],
                 ["add", "-A"], ["commit", "-qm", "one"],
                 ["update-ref", "refs/remotes/origin/main", "HEAD"],
                 ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]):
        subprocess.run(["git", "-C", target, *args] if args[0] != "init" else
                       ["git", *args, target], check=True, capture_output=True)


def plan_of(pawl, corpus, name):
    """pawl's jobs of that pipeline by name, or what it says on standard error."""
    with tempfile.TemporaryDirectory() as scratch:
        repository = os.path.join(scratch, "r")
        make_repository(os.path.join(corpus, name), repository)
        p = subprocess.run([pawl, "list", "--all", "--json"], cwd=repository,
                           capture_output=True, text=True)
    if p.returncode != 0:
        return None, p.stderr
    return {job["name"]: job for job in json.loads(p.stdout)}, ""


def cause_of(difference, job):
    """The known cause of one job's difference, or None."""
    if job is None:
        return None
    code = job["why"]["code"]
    if difference.startswith("when never/False"):
        return {"only_refused": "only", "except_refused": "only",
                "workflow_refused": "workflow"}.get(code)
    if difference == "allow_failure True want False" and job["when"] == "manual":
        return "manual"
    return None


def explain(lines, pawl, corpus):
    """Counts by pipeline and cause; differences without a cause, jobs and pipelines."""
    counts = collections.defaultdict(collections.Counter)
    unknown, plans = [], {}
    for line in lines:
        name, rest = line.split(": ", 1)
        if name not in plans:
            plans[name] = plan_of(pawl, corpus, name)
        jobs, problem = plans[name]
        if jobs is None:
            wanted = expected(corpus, name)
            if "compare_to is not a valid ref" in problem:
                counts[name]["compare_to"] += len(wanted)
            else:
                unknown += [(name, f"{line} ({problem.strip()})")] * len(wanted)
            continue
        match = re.match(r"(.*): ((?:when|needs|stage|allow_failure) .*|missing)$", rest)
        job, difference = match.groups() if match else (None, rest)
        cause = cause_of(difference, jobs.get(job))
        if cause:
            counts[name][cause] += 1
        else:
            unknown.append((name, line))
    return counts, unknown


def expected(corpus, name):
    for kind in ("expected.list.json", "expected.noschema.list.json"):
        path = os.path.join(corpus, name, kind)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                return json.load(f)
    return None


def count_names(wanted, counts):
    """Instances whose name in the reference is not GitLab's."""
    for name, jobs in wanted.items():
        for job in jobs:
            match = re.search(r": \[(.*)\]$", job["name"])
            if match and re.search(r",|^\d+/\d+$", match[1]):
                counts[name]["name"] += 1


def table(counts):
    rows = ["| pipeline | jobs | cause |", "|---|---|---|"]
    for name in sorted(counts):
        for cause, count in sorted(counts[name].items()):
            rows.append(f"| {name} | {count} | {CAUSES[cause]} |")
    return "\n".join(rows) + "\n"


def check_table(path, counts, write):
    """Whether the document says what was found."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    head, rest = text.split(BEGIN)
    old, tail = rest.split(END)
    new = f"\n{table(counts)}"
    if write:
        with open(path, "w", encoding="utf-8") as f:
            f.write(head + BEGIN + new + END + tail)
        return True
    return old == new


def main():
    pawl, conformance, document = sys.argv[1:4]
    corpus = os.path.join(conformance, "corpus")
    tool = os.path.join(conformance, "tools", "compare-corpus")
    pawl = os.path.abspath(pawl)
    with tempfile.TemporaryDirectory() as scratch:
        translator = os.path.join(scratch, "pawl")
        with open(translator, "w", encoding="utf-8") as f:
            f.write(TRANSLATOR.format(pawl=pawl))
        os.chmod(translator, 0o755)
        lines, summary = compare(tool, translator, corpus)
    counts, unknown = explain(lines, pawl, corpus)
    wanted = {name: jobs for name in os.listdir(corpus)
              if (jobs := expected(corpus, name)) is not None}
    count_names(wanted, counts)
    jobs = 1 - len(unknown) / sum(map(len, wanted.values()))
    pipelines = 1 - len({name for name, _ in unknown}) / len(wanted)
    print(summary)
    print(f"equal or explained: {jobs:.1%} of the jobs, {pipelines:.1%} of the pipelines")
    for _, line in unknown:
        print(f"unexplained: {line}")
    good = jobs >= JOBS_SHARE and pipelines >= PIPELINES_SHARE
    if not check_table(document, counts, "--write" in sys.argv):
        print(f"{document} does not say so; `tests/e2e/corpus.sh --write` renews its table")
        good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
