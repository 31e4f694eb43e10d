"""A server at work: from push to first line, queued jobs, memory at rest, peers by the
thousand."""

import asyncio
import atexit
import datetime
import json
import os
import pathlib
import resource
import signal
import subprocess
import time
import urllib.request

import laminar
from harness import ABOVE, BUILD, FASTER, ONLY, RATIO, Bench, Failed, Skip

START_S = 20


class Server:
    """A server with its data on the scratch folder; one at a time."""

    def __init__(self, scratch, name, *args):
        self.scratch = scratch
        self.root = scratch.root / f"server-{name}"
        self.root.mkdir()
        self.out = self.root / "out"
        token = self.root / "token"
        begin = time.perf_counter()
        with open(self.out, "w") as out:
            self.process = subprocess.Popen(
                [BUILD / "pawl", "server", "--data", self.root / "data", "--listen", "127.0.0.1:0",
                 "--token-file", token, *args],
                env=scratch.env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )
        while not (text := self.out.read_text()).startswith("pawl server: ") or "\n" not in text:
            if self.process.poll() is not None or time.perf_counter() - begin > START_S:
                raise Failed(f"the server does not start: {self.out.read_text()}")
            time.sleep(0.0005)
        self.url = text.split()[2]
        self.host, self.port = self.url[7:].split(":")
        self.get("/-/health", None)
        self.start_ms = (time.perf_counter() - begin) * 1000
        self.token = token.read_text().strip()

    def get(self, path, token=""):
        headers = {} if token is None else {"PRIVATE-TOKEN": token or self.token}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=60) as r:
            return r.read()

    def post(self, path, body):
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(),
            {"PRIVATE-TOKEN": self.token, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as r:
            return json.loads(r.read())

    def repository(self, name, pipeline):
        work = self.scratch.repository(f"{self.root.name}-{name}", pipeline)
        url = f"http://root:{self.token}@{self.host}:{self.port}/bench/{name}.git"
        self.scratch.run(["git", "remote", "add", "pawl", url], cwd=work)
        return work

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(START_S)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.stop()


def private_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    rows = [line.split() for line in text.splitlines() if line.startswith("Private_")]
    return sum(int(row[1]) for row in rows) / 1024


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def memory_at_rest(scratch):
    """Private memory of server and runner some seconds after the start."""
    with Server(scratch, f"rest-{time.time_ns()}") as server:
        time.sleep(3)
        runner = children(server.process.pid)
        if len(runner) != 1:
            raise Failed(f"no runner beside the server: {server.out.read_text()}")
        return private_mb(server.process.pid), private_mb(runner[0])


def resident_at_rest(scratch):
    """With all the libraries' pages it has looked at, which others may share."""
    with Server(scratch, f"resident-{time.time_ns()}", "--no-runner") as server:
        time.sleep(3)
        text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024


class Pushes:
    """Pushes of a one-job pipeline, with and without it."""

    def __init__(self, scratch):
        self.scratch, self.server = scratch, None

    def begin(self):
        if self.server is None:
            self.stamp = self.scratch.root / "stamp"
            self.server = Server(self.scratch, "push")
            atexit.register(self.server.stop)
            self.work = self.server.repository("push", f"j:\n  script: ['date +%s%N >>{self.stamp}']\n")
            self.push()
            self.wait(0)

    def push(self, *options):
        self.scratch.run(["git", "commit", "-q", "--allow-empty", "-m", "x"], cwd=self.work)
        begin = time.time_ns()
        self.scratch.run(["git", "push", "-q", *options, "pawl", "main"], cwd=self.work, stderr=subprocess.DEVNULL)
        return begin, (time.time_ns() - begin) / 1e6

    def stamps(self):
        return self.stamp.read_text().split() if self.stamp.exists() else []

    def wait(self, count):
        deadline = time.time() + 20
        while len(self.stamps()) <= count:
            if time.time() > deadline:
                raise Failed(f"the job does not run: {self.server.out.read_text()}")
            time.sleep(0.001)
        time.sleep(0.03)  # until the job has ended, so that it is in nobody's way

    def first_line_ms(self):
        self.begin()
        before = len(self.stamps())
        begin, _ = self.push()
        self.wait(before)
        return (int(self.stamps()[-1]) - begin) / 1e6

    def prompt_ms(self):
        self.begin()
        before = len(self.stamps())
        _, took = self.push()
        self.wait(before)
        return took

    def alone_ms(self):
        self.begin()
        return self.push("-o", "ci.skip")[1]


def wait_for_end(server, wait_s):
    """When the first pipeline ended, as the server says it; asked rarely, to be in nobody's way."""
    while (pipeline := json.loads(server.get("/api/v4/projects/1/pipelines/1")))["finished_at"] is None:
        time.sleep(wait_s)
    if pipeline["status"] != "success":
        raise Failed(server.out.read_text())
    return datetime.datetime.fromisoformat(pipeline["finished_at"].replace("Z", "+00:00")).timestamp()


def queued_ms(scratch, count):
    """A pipeline of many jobs on two slots, from its push to its end."""
    with Server(scratch, f"queue-{time.time_ns()}", "-j", "2") as server:
        work = server.repository("queue", "".join(f"j{i}: {{script: ['true'], parallel: 100}}\n" for i in range(count // 100)))
        begin = time.time()
        scratch.run(["git", "push", "-q", "pawl", "main"], cwd=work, stderr=subprocess.DEVNULL)
        return (wait_for_end(server, 0.3) - begin) * 1000


def need_files(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        raise Skip(f"needs {count} open files, {hard} are allowed")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


async def poll(server, token):
    reader, writer = await asyncio.open_connection(server.host, server.port)
    body = json.dumps({"token": token, "info": {}}).encode()
    writer.write(
        b"POST /api/v4/jobs/request HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    await writer.drain()
    return reader, writer


def polls_mb(scratch, count):
    """Private memory of a server that many idle runners wait at."""
    need_files(count + 1000)

    async def wait_all(server, token):
        peers = []
        for _ in range(count // 100):
            peers += await asyncio.gather(*(poll(server, token) for _ in range(100)))
        await asyncio.sleep(1)
        figure = private_mb(server.process.pid)
        for _, writer in peers:
            writer.close()
        return figure

    with Server(scratch, f"polls-{time.time_ns()}", "--no-runner") as server:
        token = server.post("/api/v4/user/runners", {"runner_type": "instance_type", "description": "r"})["token"]
        return asyncio.run(wait_all(server, token))


class Job:
    """A job whose runner the bench is."""

    def __init__(self, server):
        self.server = server
        work = server.repository("log", "j: {script: [x]}\n")
        server.scratch.run(["git", "push", "-q", "pawl", "main"], cwd=work, stderr=subprocess.DEVNULL)
        runner = server.post("/api/v4/user/runners", {"runner_type": "instance_type", "description": "r"})
        job = server.post("/api/v4/jobs/request", {"token": runner["token"], "info": {}})
        self.id, self.token = job["id"], job["token"]
        self.state("running")

    def state(self, state):
        body = json.dumps({"token": self.token, "state": state, "info": {}}).encode()
        request = urllib.request.Request(
            f"{self.server.url}/api/v4/jobs/{self.id}", body,
            {"JOB-TOKEN": self.token, "Content-Type": "application/json"}, method="PUT",
        )
        urllib.request.urlopen(request, timeout=60).close()

    def patch(self, start, size):
        return (
            f"PATCH /api/v4/jobs/{self.id}/trace HTTP/1.1\r\nHost: x\r\nJOB-TOKEN: {self.token}\r\n"
            f"Content-Type: text/plain\r\nContent-Range: {start}-{start + size - 1}\r\n"
            f"Content-Length: {size}\r\n\r\n"
        ).encode()

    async def send(self, total, piece):
        reader, writer = await asyncio.open_connection(self.server.host, self.server.port)
        for start in range(0, total, len(piece)):
            writer.write(self.patch(start, len(piece)) + piece)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 202 " not in head.split(b"\r\n")[0]:
                raise Failed(head.decode())
        writer.close()


def intake_ms(scratch, megabytes):
    """As much log as a job can write, in patches of 1 MiB."""
    piece = (b"0123456789abcdef" * 4)[:-1] + b"\n"
    piece = piece * ((1 << 20) // len(piece))
    with Server(scratch, f"intake-{time.time_ns()}", "--no-runner") as server:
        job = Job(server)
        begin = time.perf_counter()
        asyncio.run(job.send(megabytes << 20, piece))
        took = (time.perf_counter() - begin) * 1000
        job.state("success")
        if len(server.get(f"/api/v4/projects/1/jobs/{job.id}/trace")) != megabytes << 20:
            raise Failed("bytes of the log were lost")
        return took


def followers_s(scratch, count, kilobytes):
    """Until the last of many followers has the whole log, from its first byte on."""
    need_files(count + 1000)
    piece = b"a line of the log that everybody follows, to its end\n" * 200

    async def follow(server, job):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(
            f"GET /api/v4/projects/1/jobs/{job.id}/trace?follow=true HTTP/1.0\r\nHost: x\r\n"
            f"PRIVATE-TOKEN: {server.token}\r\n\r\n".encode()
        )
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")
        size = 0
        while data := await reader.read(65536):
            size += len(data)
        writer.close()
        return size

    async def all_of_them(server, job):
        total = kilobytes * 1024 // len(piece) * len(piece)
        tasks = [asyncio.ensure_future(follow(server, job)) for _ in range(count)]
        await asyncio.sleep(2)
        begin = time.perf_counter()
        await job.send(total, piece)
        await asyncio.get_running_loop().run_in_executor(None, job.state, "success")
        sizes = await asyncio.gather(*tasks)
        if any(size != total for size in sizes):
            raise Failed(f"followers got {min(sizes)} to {max(sizes)} of {total} bytes")
        return time.perf_counter() - begin

    with Server(scratch, f"follow-{time.time_ns()}", "--no-runner") as server:
        return asyncio.run(all_of_them(server, Job(server)))


def start_ms(scratch):
    with Server(scratch, f"start-{time.time_ns()}", "--no-runner") as server:
        return server.start_ms


def benches(scratch, quick):
    if not os.access(BUILD / "pawl-server", os.X_OK):
        return []
    pushes = Pushes(scratch)
    jobs = 200 if quick else 1000
    polls = 1000 if quick else 10000
    followers = 200 if quick else 2000
    xargs = ["sh", "-c", f"seq {jobs} | xargs -P2 -I@ bash -c true"]
    beside = [] if quick else [
        Bench("server-resident", "resident memory of an idle server", RATIO, 3, "MB",
              lambda: resident_at_rest(scratch), lambda: laminar.rss_mb(scratch), "Laminar", 1),
        Bench("queued-against-peer", "a queued job of true, on two slots", FASTER, 4, "ms",
              lambda: queued_ms(scratch, jobs) / jobs, lambda: laminar.job_ms(scratch, jobs),
              "Laminar", 3),
    ]
    return [
        Bench("server-start", "pawl server in an empty folder, to its first answer", ONLY, 20, "ms",
              lambda: start_ms(scratch), rounds=5),
        Bench("server-memory", "private memory of an idle server", ONLY, 4, "MB",
              lambda: memory_at_rest(scratch)[0], rounds=1),
        Bench("runner-memory", "private memory of its idle runner", ONLY, 2, "MB",
              lambda: memory_at_rest(scratch)[1], rounds=1),
        Bench("push-first-line", "git push to the first line of its job", ABOVE, 30, "ms",
              pushes.first_line_ms, pushes.alone_ms, "the push alone", 10 if quick else 50),
        Bench("push-prompt", "git push with a pipeline, until the prompt is back", ABOVE, 50, "ms",
              pushes.prompt_ms, pushes.alone_ms, "the push alone", 10 if quick else 50),
        Bench("queued-jobs", f"{jobs} queued jobs of true on two slots", RATIO, 3, "ms",
              lambda: queued_ms(scratch, jobs), lambda: scratch.wall_ms(xargs), "xargs -P2", 3),
        Bench("log-intake-http", "200 MB of log by PATCH", ONLY, 1000, "ms",
              lambda: intake_ms(scratch, 200), rounds=3),
        Bench("log-followers", f"{followers} followers of a log of 1 MB", ONLY, 30, "s",
              lambda: followers_s(scratch, followers, 1024), rounds=1),
        Bench("idle-polls", f"private memory with {polls} runners waiting", ONLY, 200, "MB",
              lambda: polls_mb(scratch, polls), rounds=1),
        *beside,
    ]
