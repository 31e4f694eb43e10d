"""The pages: how soon they are there, what they move and cost, in Chromium; and what the server
keeps for those that are open."""

import asyncio
import atexit
import json
import os
import shutil
import subprocess
import time

from harness import BUILD, CACHE, ONLY, SOURCE, Bench, Failed, Skip
from serve import Server, need_files, private_mb

PIPELINE = "a: {script: ['true']}\nb: {stage: deploy, script: ['true']}\n"


# as it came out of a job, 100 bytes a line
BIG = r"""big:
  script:
    - |
      awk 'BEGIN { for (i = 0; i < 1000000; i++)
        printf "%08d the quick brown fox jumps over the lazy dog, and again over that dog, and so it goes on\n", i }'
"""


def thousand():
    """Ten stages of a hundred jobs that wait, each needing two."""
    text = "default: {tags: [no-such-runner]}\nstages: [%s]\n" % ", ".join(f"s{s}" for s in range(10))
    for stage in range(10):
        for k in range(100):
            needs = f", needs: [j{stage - 1}_{k}, j{stage - 1}_{(k + 7) % 100}]" if stage else ""
            text += f"j{stage}_{k}: {{stage: s{stage}, script: [x]{needs}}}\n"
    return text


class Pages:
    """One server with some projects and pipelines, for all that is looked at."""

    def __init__(self, scratch):
        self.scratch, self.server, self.modules = scratch, None, None
        self.many = self.big = None

    def begin(self):
        if self.server is not None:
            return
        found = subprocess.run([SOURCE.parent / "tests/browser", CACHE], capture_output=True, text=True, check=False)
        if found.returncode == 77:
            raise Skip(found.stdout.strip().removeprefix("skipped: "))
        if found.returncode != 0:
            raise Failed(found.stderr)
        self.modules = found.stdout.strip()
        self.server = Server(self.scratch, "pages")
        atexit.register(self.server.stop)
        for i in range(20):
            work = self.server.repository(f"app-{i}", PIPELINE)
            self.scratch.run(["git", "push", "-q", "pawl", "main"], cwd=work, stderr=subprocess.DEVNULL)
        while any(p["pipelines"][0]["status"] != "success" for p in self.overview()):
            time.sleep(0.2)

    def overview(self):
        projects = json.loads(self.server.get("/api/pawl/v1/overview?per_page=100"))
        return [p for p in projects if p["pipelines"]]

    def push(self, name, pipeline):
        """A project whose first pipeline is this one; the ids of pipeline and first job."""
        work = self.server.repository(name, pipeline)
        self.scratch.run(["git", "push", "-q", "pawl", "main"], cwd=work, stderr=subprocess.DEVNULL)
        while not (found := json.loads(self.server.get(f"/api/v4/projects/bench%2F{name}/pipelines"))):
            time.sleep(0.2)
        return found[0]["id"], json.loads(self.server.get(f"/api/v4/projects/bench%2F{name}/jobs"))[0]["id"]

    def measure_graph(self, what):
        self.begin()
        if self.many is None:
            self.many, _ = self.push("many", thousand())
        return self.measure(what, f"/bench/many/-/pipelines/{self.many}", ".graph .node", project="bench%2Fmany",
                            graph=f"/api/pawl/v1/projects/bench%2Fmany/pipelines/{self.many}/graph")

    def measure_log(self, what):
        self.begin()
        if self.big is None:
            _, self.big = self.push("big", BIG)
            while json.loads(self.server.get(f"/api/v4/projects/bench%2Fbig/jobs/{self.big}"))["status"] != "success":
                time.sleep(0.2)
        return self.measure(what, f"/bench/big/-/jobs/{self.big}", ".ln .tx")

    def measure_job(self):
        self.begin()
        job = json.loads(self.server.get("/api/v4/projects/bench%2Fapp-0/jobs"))[0]["id"]
        return self.measure("paint", f"/bench/app-0/-/jobs/{job}", ".ln .tx")

    def measure(self, what, path="/", ready=".list li", **more):
        self.begin()
        settings = {
            "modules": self.modules, "chromium": shutil.which("chromium"), "url": self.server.url,
            "token": self.server.token, "what": what, "path": path, "ready": ready, **more,
        }
        run = subprocess.run(
            ["node", SOURCE / "pages.mjs", json.dumps(settings)],
            env={**os.environ, "HOME": self.scratch.env["HOME"], "TMPDIR": self.scratch.env["TMPDIR"]},
            capture_output=True, text=True, timeout=120, check=False,
        )
        if run.returncode != 0:
            raise Failed(run.stderr[-2000:])
        return float(run.stdout)


async def follow(server):
    reader, writer = await asyncio.open_connection(server.host, int(server.port))
    writer.write(f"GET /api/pawl/v1/events?of=all HTTP/1.1\r\nHost: x\r\nPRIVATE-TOKEN: {server.token}\r\n\r\n".encode())
    await writer.drain()
    await reader.readuntil(b"event: hello")
    return reader, writer


def streams_mb(scratch, count):
    """What the server keeps more when so many pages are open and hear of changes."""
    need_files(count + 1000)

    async def open_all(server):
        peers = []
        for _ in range(count // 100):
            peers += await asyncio.gather(*(follow(server) for _ in range(100)))
        for _ in range(10):
            server.post("/api/v4/projects/1/pipeline", {"ref": "main"})
        await asyncio.gather(*(reader.readuntil(b"event: change") for reader, _ in peers))
        figure = private_mb(server.process.pid)
        for _, writer in peers:
            writer.close()
        return figure

    with Server(scratch, f"streams-{time.time_ns()}", "--no-runner") as server:
        work = server.repository("app", PIPELINE)
        scratch.run(["git", "push", "-q", "pawl", "main"], cwd=work, stderr=subprocess.DEVNULL)
        before = private_mb(server.process.pid)
        return asyncio.run(open_all(server)) - before


def benches(scratch, quick):
    if not os.access(BUILD / "pawl-server", os.X_OK):
        return []
    pages = Pages(scratch)
    return [
        Bench("page-paint", "a page of 20 projects, cold cache, until it is on the screen", ONLY, 150, "ms",
              lambda: pages.measure("paint"), lambda: pages.measure("floor"), "one style, one script, one call",
              rounds=1 if quick else 3),
        Bench("page-job", "a job and the end of its log, cold cache, until it is on the screen", ONLY, 150, "ms",
              lambda: pages.measure_job(), lambda: pages.measure("floor"), "one style, one script, one call",
              rounds=1 if quick else 3),
        Bench("page-bytes", "all that this page moves", ONLY, 60, "kB", lambda: pages.measure("bytes"), rounds=1),
        Bench("page-graph", "a pipeline of 1,000 jobs, until what is seen of it is on the screen", ONLY, 100, "ms",
              lambda: pages.measure_graph("graph"), rounds=1),
        Bench("page-change", "one of 1,000 jobs canceled, until the graph shows it", ONLY, 200, "ms",
              lambda: pages.measure_graph("change"), rounds=1),
        Bench("page-jump", "to any line of a log of 100 MB, until all that is seen is there", ONLY, 100, "ms",
              lambda: pages.measure_log("jump"), rounds=1),
        Bench("page-jump-worst", "the slowest of 15 such ways", ONLY, 200, "ms",
              lambda: pages.measure_log("worst"), rounds=1),
        Bench("page-idle", "work in each second of an open page while nothing happens", ONLY, 2, "ms",
              lambda: pages.measure("idle"), rounds=1),
        Bench("page-streams", "memory of a server with 1,000 pages open", ONLY, 30, "MB",
              lambda: streams_mb(scratch, 1000), rounds=1),
    ]
