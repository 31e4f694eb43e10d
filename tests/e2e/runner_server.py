#!/usr/bin/env python3
"""A server as GitLab's runners know it, of files, for tests of `pawl runner`.

usage: runner_server.py PORT DIR

DIR/jobs/ID.json is given to who asks, until somebody accepts it. What comes of a job lies in DIR/got: ID.log,
ID.end (the final request), ID.TYPE (an artifact's form), requests. DIR/status-ID is the
Job-Status of every answer. A log takes what begins where it ends, as GitLab's does.
All is on disk, so that a server that was killed goes on.
"""
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, root = int(sys.argv[1]), sys.argv[2]
got = os.path.join(root, "got")
lock = threading.Lock()


def path(name):
    return os.path.join(got, name)


def read(name):
    try:
        with open(name, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def write(name, data):
    with open(name + ".new", "wb") as f:
        f.write(data)
    os.rename(name + ".new", name)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def log_message(self, *args):
        pass

    def answer(self, code, body=b"", **headers):
        job = re.match(r"/api/v4/jobs/(\d+)", self.path)
        self.send_response(code)
        if job:
            status = read(os.path.join(root, "status-" + job[1])).decode().strip()
            self.send_header("Job-Status", status or "running")
            self.send_header("X-GitLab-Trace-Update-Interval", "1")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if code != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(path("requests"), "a") as f:
            f.write(f"{self.command} {self.path}\n")
        return body

    def next_job(self):
        for name in sorted(os.listdir(os.path.join(root, "jobs")), key=lambda n: (len(n), n)):
            given, accepted = path("given-" + name), path("accepted-" + name[:-5])
            if not name.endswith(".json") or os.path.exists(accepted):
                continue
            with lock:  # a job that nobody has accepted was given to somebody who died
                if os.path.exists(given) and time.time() - os.stat(given).st_mtime < 2:
                    continue
                write(given, b"")
            return read(os.path.join(root, "jobs", name))
        return None

    def do_POST(self):
        body = self.body()
        if self.path == "/api/v4/runners/verify":
            if json.loads(body)["token"] != "glrt-good":
                return self.answer(403, b'{"message":"403 Forbidden"}')
            return self.answer(200, b'{"id":3,"token":"glrt-good","token_expires_at":null}',
                               Content_Type="application/json")
        if self.path == "/api/v4/runners":
            return self.answer(405, b'{"message":"405 Method Not Allowed"}')
        if self.path == "/api/v4/jobs/request":
            for _ in range(100):
                job = self.next_job()
                if job:
                    return self.answer(201, job, Content_Type="application/json")
                time.sleep(0.02)
            return self.answer(204, X_GitLab_Last_Update=str(time.time()))
        job = re.match(r"/api/v4/jobs/(\d+)/artifacts\?.*artifact_type=(\w+)", self.path)
        start = body.index(b"\r\n\r\n") + 4
        end = body.rindex(b"\r\n--")
        write(path(f"{job[1]}.{job[2]}"), body[start:end])
        return self.answer(201, b"{}")

    def do_GET(self):
        self.body()
        job = re.match(r"/api/v4/jobs/(\d+)/artifacts", self.path)
        data = read(path(job[1] + ".archive"))
        return self.answer(200 if data else 404, data)

    def do_PATCH(self):
        body = self.body()
        job = re.match(r"/api/v4/jobs/(\d+)/trace", self.path)
        log = read(path(job[1] + ".log"))
        if int(self.headers["Content-Range"].split("-")[0]) != len(log):
            return self.answer(416, Range=f"0-{len(log)}")
        with open(path(job[1] + ".log"), "ab") as f:
            f.write(body)
        return self.answer(202, Range=f"0-{len(log) + len(body)}")

    def do_PUT(self):
        body = self.body()
        job = re.match(r"/api/v4/jobs/(\d+)$", self.path)
        if json.loads(body)["state"] == "running":
            write(path("accepted-" + job[1]), b"")
        else:
            write(path(job[1] + ".end"), body)
        return self.answer(200, b"200")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


os.makedirs(got, exist_ok=True)
os.makedirs(os.path.join(root, "jobs"), exist_ok=True)
server = Server(("127.0.0.1", port), Handler)
write(os.path.join(root, "port"), str(server.server_address[1]).encode())
server.serve_forever()
