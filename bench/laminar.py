"""Laminar, a small CI server in C++ that keeps its jobs in SQLite as pawl does: built from
its public source, which PAWL_LAMINAR may name (a repository or a folder)."""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import time

from harness import CACHE, Failed, Skip

SOURCE = "https://github.com/ohwgiles/laminar.git"
NEEDS = {
    "cmake": "cmake",
    "capnp": "capnproto libcapnp-dev libsqlite3-dev rapidjson-dev libboost-dev zlib1g-dev",
}
PAGES = ("vue.min.js", "ansi_up.js", "Chart.min.js")
START_S = 20


def leave_out_pages(source, build):
    """Its build fetches the scripts of its web pages from three other sites; nobody looks here."""
    cmake = source / "CMakeLists.txt"
    cmake.write_text(re.sub(r"file\(DOWNLOAD.*?\)\n", "", cmake.read_text(), flags=re.S))
    (build / "js").mkdir(parents=True)
    for name in PAGES:
        (build / "js" / name).touch()


@functools.lru_cache(maxsize=None)
def build():
    """The folder with laminard and laminarc."""
    for tool, packages in NEEDS.items():
        if shutil.which(tool) is None:
            raise Skip(f"Laminar needs {tool} (packages {packages})")
    folder = CACHE / "laminar"
    source, programs = folder / "source", folder / "build"
    if (programs / "laminarc").exists():
        return programs
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fetched = ["git", "clone", "-q", "--depth", "1", os.environ.get("PAWL_LAMINAR", SOURCE), source]
    if subprocess.run(fetched, capture_output=True, check=False, env=dict(os.environ, GIT_TERMINAL_PROMPT="0")).returncode:
        raise Skip("Laminar's source is not at hand: set PAWL_LAMINAR to a clone of it")
    leave_out_pages(source, programs)
    for command in (
        ["cmake", "-DCMAKE_BUILD_TYPE=Release", source],
        ["make", "-j2", "laminard", "laminarc"],
    ):
        done = subprocess.run(command, cwd=programs, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Skip(f"Laminar cannot be built: {done.stderr.strip()[-200:]}")
    return programs


class Laminar:
    """A running one with two executors and the job `j`, which is `true`."""

    def __init__(self, scratch):
        self.programs = build()
        self.home = scratch.root / f"laminar-{time.time_ns()}"
        for name in ("jobs", "contexts"):
            (self.home / "cfg" / name).mkdir(parents=True)
        script = self.home / "cfg/jobs/j.run"
        script.write_text("#!/bin/bash\ntrue\n")
        script.chmod(0o755)
        (self.home / "cfg/contexts/default.conf").write_text("EXECUTORS=2\n")
        rpc = f"unix:{self.home}/rpc"
        self.env = dict(scratch.env, LAMINAR_HOME=str(self.home), LAMINAR_BIND_RPC=rpc,
                        LAMINAR_BIND_HTTP=f"unix:{self.home}/http", LAMINAR_HOST=rpc)
        self.process = subprocess.Popen([self.programs / "laminard"], env=self.env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.time() + START_S
        while not (self.home / "rpc").exists():
            if time.time() > deadline or self.process.poll() is not None:
                raise Failed("laminard does not start")
            time.sleep(0.01)

    def run_ms(self, count):
        """Queue so many runs at once and wait for the last."""
        begin = time.perf_counter()
        done = subprocess.run([self.programs / "laminarc", "run", *["j"] * count], env=self.env,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0 or len(done.stdout.split()) != count:
            raise Failed(f"laminarc: {done.stdout[-200:]}{done.stderr[-200:]}")
        return (time.perf_counter() - begin) * 1000

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.process.terminate()
        self.process.wait(START_S)


def job_ms(scratch, count):
    """Per job, of count queued ones on two executors."""
    with Laminar(scratch) as laminar:
        return laminar.run_ms(count) / count


def rss_mb(scratch):
    """Resident memory of an idle one."""
    with Laminar(scratch) as laminar:
        time.sleep(3)
        text = pathlib.Path(f"/proc/{laminar.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024
