"""Workspaces in layers: what a job waits for before its script and after it, however many files
there are."""

import subprocess
import time

from harness import ABOVE, FASTER, ONLY, RATIO, BUILD, Bench, Failed
from peers import gitlab_ci_local

JOBS = 10
COMMITS = 60  # prepared, one for each time it is measured
CHANGED = 10

# files of a cache: 20,000, of 300 MB together; of artifacts: 10,000, of 200 MB
MAKE_FILES = """
import os, sys
count, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
content = os.urandom(size)
for i in range(count):
    if i % 100 == 0:
        os.makedirs(f"{folder}/{i // 100}")
    with open(f"{folder}/{i // 100}/{i}", "wb") as file:
        file.write(content)
"""


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


class Workspaces:
    def __init__(self, scratch):
        self.scratch = scratch
        self.repositories = {}
        self.next_commit = 0
        self.commits = []

    def repository(self, name, pipeline, files=0):
        """Made when it is first measured."""
        if name not in self.repositories:
            self.repositories[name] = self.scratch.repository(name, pipeline, files=files)
        return self.repositories[name]

    def tree(self, files):
        """A repository of so many files, in folders, with JOBS jobs that do nothing."""
        name = f"tree-{files}"
        if name not in self.repositories:
            path = self.scratch.root / name
            for i in range(0, files, 100):
                folder = path / f"d{i // 5000}/e{i // 100}"
                folder.mkdir(parents=True)
                for k in range(i, min(i + 100, files)):
                    (folder / f"f{k}.c").write_text(f"int f{k}(void) {{ return {k}; }}\n" * 4)
            pipeline = "".join(f"job {i}:\n  script: 'true'\n\n" for i in range(JOBS))
            path.mkdir(exist_ok=True)
            (path / ".gitlab-ci.yml").write_text(pipeline)
            for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
                self.scratch.run(["git", *arguments], cwd=path)
            self.repositories[name] = path
        return self.repositories[name]

    def per_job_ms(self, files):
        """What a job more costs."""
        path = self.tree(files)
        run = ["pawl", "run", "-x", "shell", "-j1"]
        all_of_them = self.scratch.wall_ms(run, cwd=path)
        return (all_of_them - self.scratch.wall_ms([*run, "job 0"], cwd=path)) / (JOBS - 1)

    def commit_ms(self, files):
        """The layers of a commit that changes CHANGED files."""
        sets = self.scratch.root / "sets"
        bare = self.scratch.root / "bare"
        if not self.commits:
            path = self.tree(files)
            self.scratch.run(["git", "clone", "-q", "--bare", path, bare])
            stream = b"".join(self.change(n, files) for n in range(COMMITS))
            self.scratch.run(["git", "fast-import", "--quiet"], cwd=bare, input=stream)
            listed = subprocess.run(
                ["git", "rev-list", "--reverse", "changes"], cwd=bare, capture_output=True, text=True, check=True
            )
            self.commits = listed.stdout.split()
            self.layers(bare, sets, self.commits[0])
        self.next_commit += 1
        return self.layers(bare, sets, self.commits[self.next_commit])

    def layers(self, bare, sets, commit):
        done = subprocess.run(
            [BUILD / "bench/layers", bare, sets, commit], env=self.scratch.env, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failed(done.stderr)
        return float(done.stdout.split()[0])

    @staticmethod
    def change(n, files):
        begin = b"from refs/heads/main^0\n" if n == 0 else b""
        out = b"commit refs/heads/changes\ncommitter A <a@b> %d +0000\ndata 1\nc\n%s" % (1700000000 + n, begin)
        for k in range(CHANGED):
            i = (n * 7919 + k * 9973) % files
            text = b"changed by %d\n" % n
            out += b"M 100644 inline d%d/e%d/f%d.c\ndata %d\n%s\n" % (i // 5000, i // 100, i, len(text), text)
        return out

    def run(self, path, *jobs):
        """From the last word of the last script to the end of all."""
        done = subprocess.run(
            ["pawl", "run", "-x", "shell", "-j1", *jobs],
            cwd=path,
            env=self.scratch.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        end = now_ns()
        if done.returncode != 0:
            raise Failed(done.stdout[-2000:] + done.stderr)
        return (end - int((path.parent / "stamp").read_text())) / 1e6

    # ---- caches ----

    def cached(self):
        stamp = f"date +%s%N >{self.scratch.root}/stamp"
        source = self.scratch.root / "deps"
        if not source.exists():
            make = self.scratch.root / "make-files.py"
            make.write_text(MAKE_FILES)
            self.scratch.run(["python3", make, "20000", "15000", source])
        pulls = "".join(
            f"pull {i}:\n  script: ['true']\n  cache: {{key: k, paths: [deps/], policy: pull}}\n\n"
            f"plain {i}:\n  script: ['true']\n\n"
            for i in range(JOBS)
        )
        change = 'for d in $(seq 0 19); do cp -a {0}/$d deps/again-$d; done'.format(source)
        pipeline = (
            f"fill:\n  script: ['cp -a {source} deps', '{stamp}']\n  cache: {{key: k, paths: [deps/], policy: push}}\n\n"
            f"fill plain:\n  script: ['cp -a {source} deps', '{stamp}']\n\n"
            f"change:\n  script: ['{change}', '{stamp}']\n  cache: {{key: k, paths: [deps/]}}\n\n"
            f"change plain:\n  script: ['{change}', '{stamp}']\n"
            "  cache: {key: k, paths: [deps/], policy: pull}\n\n" + pulls
        )
        if "cached" not in self.repositories:
            self.run(self.repository("cached", pipeline), "fill")
        return self.repositories["cached"]

    def jobs_ms(self, kind):
        """What each of JOBS jobs of a kind costs."""
        names = [f"{kind} {i}" for i in range(JOBS)]
        run = ["pawl", "run", "-x", "shell", "-j1"]
        return self.scratch.wall_ms([*run, *names], cwd=self.cached()) / JOBS

    def save_ms(self, job):
        """What saving takes of the end of a job; each time the cache is as after `fill`."""
        path = self.cached()
        with_cache = self.run(path, job)
        if job == "change":
            self.run(path, "fill")
        return max(with_cache - self.run(path, f"{job} plain"), 0.01)

    def copy_ms(self, *names):
        target = self.scratch.root / "copy"
        target.mkdir(exist_ok=True)
        command = ["cp", "-a", *(self.scratch.root / "deps" / str(name) for name in names), target]
        took = self.scratch.wall_ms(command)
        subprocess.run(["rm", "-rf", target], check=True)
        return took

    # ---- artifacts ----

    def handed_over_ms(self, peer):
        """From the last word of the job that makes files to the first of the one that gets them."""
        made, got = self.scratch.root / "made", self.scratch.root / "got"
        make = self.scratch.root / "make-files.py"
        make.write_text(MAKE_FILES)
        pipeline = (
            "stages: [one, two]\n"
            f"make:\n  stage: one\n  script: ['rm -rf out', 'python3 {make} 10000 20000 out', 'date +%s%N >{made}']\n"
            "  artifacts: {paths: [out/]}\n"
            f"get:\n  stage: two\n  script: ['date +%s%N >{got}', 'test -s out/99/9999']\n"
        )
        path = self.repository("artifacts-peer" if peer else "artifacts", pipeline, files=20)
        command, env = gitlab_ci_local(self.scratch) if peer else (["pawl", "run", "-x", "shell"], {})
        self.scratch.wall_ms(command, cwd=path, env=env)
        return (int(got.read_text()) - int(made.read_text())) / 1e6

    # ---- the end ----

    def end_ms(self, job):
        """From the last word of a job to the first of the next."""
        written, begun = self.scratch.root / "written", self.scratch.root / "begun"
        script = "head -c 200000000 /dev/zero >large" if job == "much" else "true"
        pipeline = (
            "stages: [one, two]\n"
            f"write:\n  stage: one\n  script: ['{script}', 'date +%s%N >{written}']\n"
            f"next:\n  stage: two\n  script: ['date +%s%N >{begun}']\n"
        )
        path = self.repository(f"ends-{job}", pipeline, files=20)
        self.scratch.wall_ms(["pawl", "run", "-x", "shell", "-j1"], cwd=path)
        return (int(begun.read_text()) - int(written.read_text())) / 1e6


def benches(scratch, quick):
    w = Workspaces(scratch)
    rounds = 3 if quick else 7
    all_files = 20000 if quick else 100000
    found = [
        Bench(
            name=f"workspace-{files}",
            what=f"a job's workspace in a repository of {files:,} files",
            kind=ABOVE,
            limit=10,
            unit="ms",
            ours=lambda files=files: w.per_job_ms(files),
            floor=lambda: w.per_job_ms(1),
            floor_name="in one of a single file",
            rounds=rounds,
        )
        for files in (1700, all_files)
    ]
    found += [
        Bench(
            name="next-commit",
            what=f"files, .git and index of a commit that changes {CHANGED} files of {all_files:,}",
            kind=ONLY,
            limit=100,
            unit="ms",
            ours=lambda: w.commit_ms(all_files),
            rounds=rounds,
        ),
        Bench(
            name="cache-restore",
            what="a job that gets a cache of 20,000 files and 300 MB",
            kind=ABOVE,
            limit=5,
            unit="ms",
            ours=lambda: w.jobs_ms("pull"),
            floor=lambda: w.jobs_ms("plain"),
            floor_name="the same job without it",
            rounds=rounds,
        ),
        Bench(
            name="cache-save-all",
            what="saving a cache of 20,000 files and 300 MB for the first time",
            kind=RATIO,
            limit=1,
            unit="ms",
            ours=lambda: w.save_ms("fill"),
            floor=lambda: w.copy_ms("."),
            floor_name="cp -a of them",
            rounds=rounds,
        ),
        Bench(
            name="cache-save-changes",
            what="saving it when 2,000 files have come",
            kind=RATIO,
            limit=1,
            unit="ms",
            ours=lambda: w.save_ms("change"),
            floor=lambda: w.copy_ms(*range(20)),
            floor_name="cp -a of those",
            rounds=rounds,
        ),
        Bench(
            name="job-end",
            what="from a job that has written 200 MB to the next",
            kind=ABOVE,
            limit=10,
            unit="ms",
            ours=lambda: w.end_ms("much"),
            floor=lambda: w.end_ms("little"),
            floor_name="from one that has written nothing",
            rounds=rounds,
        ),
    ]
    if not quick:
        found.append(
            Bench(
                name="artifacts-handed-over",
                what="10,000 artifacts of 200 MB from one job to the next",
                kind=FASTER,
                limit=10,
                unit="ms",
                ours=lambda: w.handed_over_ms(False),
                floor=lambda: w.handed_over_ms(True),
                floor_name="gitlab-ci-local",
                rounds=3,
            )
        )
    return found
