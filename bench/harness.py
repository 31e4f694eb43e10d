"""What all benches share: a scratch folder on tmpfs, precise timing of processes, medians of
interleaved runs, and the table.

A bench compares ours with a floor or a peer. Both are measured in turns within one run, so
that whatever the machine does meanwhile happens to both; only their relation is judged.
"""

import contextlib
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import Callable, List, Optional

SOURCE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("BUILD", os.getcwd())).resolve()
CACHE = pathlib.Path(os.environ.get("PAWL_TEST_CACHE") or BUILD / "cache").resolve()

# how the two figures become the one that has a limit
RATIO = "ratio"  # ours / floor, at most
ABOVE = "above"  # ours - floor, at most
FASTER = "faster"  # floor / ours, at least
ONLY = "only"  # ours, at most


class Skip(Exception):
    """A bench that cannot be had on this machine, and why."""


class Failed(Exception):
    """A command that did not do what it was measured doing."""


@dataclass
class Bench:
    """One line of the table. ours and floor measure once and return a number; floor may be
    missing. rounds: how often each is measured."""

    name: str
    what: str
    kind: str
    limit: float
    unit: str
    ours: Callable[[], float]
    floor: Optional[Callable[[], float]] = None
    floor_name: str = ""
    rounds: int = 7


@dataclass
class Result:
    bench: Bench
    ours: List[float] = field(default_factory=list)
    floor: List[float] = field(default_factory=list)
    skipped: str = ""
    failed: str = ""
    again: bool = False  # fell short once and was measured anew

    @property
    def value(self):
        """The figure that has the limit."""
        ours = statistics.median(self.ours)
        if self.bench.kind == ONLY:
            return ours
        floor = statistics.median(self.floor)
        if self.bench.kind == ABOVE:
            return ours - floor
        return floor / ours if self.bench.kind == FASTER else ours / floor

    @property
    def met(self):
        if self.bench.kind == FASTER:
            return self.value >= self.bench.limit
        return self.value <= self.bench.limit

    def as_json(self):
        out = {"name": self.bench.name, "what": self.bench.what, "unit": self.bench.unit}
        if self.skipped:
            return dict(out, skipped=self.skipped)
        if self.failed:
            return dict(out, failed=self.failed)
        return dict(
            out,
            ours=statistics.median(self.ours),
            floor=statistics.median(self.floor) if self.floor else None,
            floor_is=self.bench.floor_name,
            kind=self.bench.kind,
            value=self.value,
            limit=self.bench.limit,
            met=self.met,
            again=self.again,
            samples={"ours": self.ours, "floor": self.floor},
        )


class Scratch:
    """A folder on tmpfs with repositories, a home of its own, and the environment in which
    everything is measured."""

    def __init__(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="pawl-bench-", dir=base))
        (self.root / "home").mkdir()
        self.at_end = []  # called before the folder goes
        self.env = {
            "PATH": f"{BUILD}:{os.environ['PATH']}",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PAWL_LIBEXEC": str(BUILD),
            "PAWL_EXECUTOR": "shell",  # what stands beside it has no sandbox; bench/cages.py has its own
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        for who in ("AUTHOR", "COMMITTER"):
            self.env[f"GIT_{who}_NAME"] = "Ann"
            self.env[f"GIT_{who}_EMAIL"] = "ann@example.org"

    def repository(self, name, pipeline, files=0):
        """A git repository with this pipeline and some small files, committed."""
        path = self.root / name
        path.mkdir()
        (path / ".gitlab-ci.yml").write_text(pipeline)
        for i in range(files):
            (path / f"file-{i}.c").write_text(f"int f{i}(void)\n{{\n\treturn {i};\n}}\n" * 20)
        for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
            self.run(["git", *arguments], cwd=path)
        return path

    def run(self, command, cwd=None, **kwargs):
        subprocess.run(command, cwd=cwd or self.root, env=self.env, check=True, **kwargs)

    def wall_ms(self, command, cwd=None, count=1, status=0, stdout=None, env=None):
        """Median wall time of count runs, one after the other."""
        return statistics.median(s[0] / 1e6 for s in self._measure(command, cwd, count, status, stdout, env))

    def rss_mb(self, command, cwd=None, count=3, status=0):
        """Median of the largest resident size."""
        return statistics.median(s[3] / 1024 for s in self._measure(command, cwd, count, status))

    def _measure(self, command, cwd, count, status, stdout=None, env=None):
        result = self.root / "measured"
        with open(stdout or os.devnull, "w") as out:
            done = subprocess.run(
                [BUILD / "bench/measure", result, str(count), str(status), *map(str, command)],
                cwd=cwd or self.root,
                env=dict(self.env, **(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
                check=False,
            )
        if done.returncode != 0:
            raise Failed(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace')[-2000:]}")
        return [[int(word) for word in line.split()] for line in result.read_text().splitlines()]

    def family_peak_mb(self, command, cwd, stdout, names=("pawl", "pawl-supervise")):
        """Peak resident memory of a command and those of its descendants that bear one of the
        names, added up. The kernel keeps each one's high-water mark; it is looked at while
        they live."""
        peaks = {}
        with open(stdout, "w") as out:
            process = subprocess.Popen(
                command, cwd=cwd, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL
            )
            while process.poll() is None:
                for pid in descendants(process.pid):
                    note_peak(pid, names, peaks)
                time.sleep(0.005)
        if process.returncode != 0 or not peaks:
            raise Failed(f"{' '.join(command)}: ended with {process.returncode}, peaks {peaks}")
        return sum(peaks.values()) / 1024

    def remove(self):
        for end in self.at_end:
            end()
        shutil.rmtree(self.root, ignore_errors=True)


def descendants(pid):
    """pid and all below it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                children = pathlib.Path(f"/proc/{parent}/task/{task}/children").read_text()
                found.extend(int(child) for child in children.split())
    return found


def note_peak(pid, names, peaks):
    with contextlib.suppress(OSError, KeyError, ValueError):
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        if status["Name"] in names:
            peaks[pid] = max(peaks.get(pid, 0), int(status["VmHWM"].split()[0]))


def measure(bench):
    """ours and floor in turns; each once unmeasured before, for the page cache."""
    result = Result(bench)
    try:
        if bench.rounds > 1:
            bench.ours()
            if bench.floor:
                bench.floor()
        for i in range(bench.rounds):
            turns = [(bench.ours, result.ours), (bench.floor, result.floor)]
            for function, samples in turns if i % 2 == 0 else reversed(turns):
                if function:
                    samples.append(function())
    except Skip as reason:
        result.skipped = str(reason)
    except Failed as reason:
        result.failed = str(reason)
    return result


def machine(scratch):
    """What the figures were taken on, in a few words each."""
    cpu = platform.processor() or "unknown"
    with contextlib.suppress(OSError):
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    system = "Linux"
    with contextlib.suppress(OSError):
        for line in open("/etc/os-release", encoding="utf-8"):
            if line.startswith("PRETTY_NAME="):
                system = line.split("=", 1)[1].strip().strip('"')
    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", scratch.root], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{system}, kernel {platform.release()}",
        "files": kind,
        "load": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d"),
    }
