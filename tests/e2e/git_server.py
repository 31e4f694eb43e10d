#!/usr/bin/env python3
"""Repositories by HTTP, with their large files, for whoever has a job's token.

usage: git_server.py REPOS OBJECTS PORT-FILE

What is asked for goes to standard output, a line each. OBJECTS holds large files by their SHA-256; one that is
missing is "gone". Source of the batch API: docs/api/batch.md of git-lfs.
"""
import base64
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

repos, objects, port_file = sys.argv[1:]
token = "Basic " + base64.b64encode(b"gitlab-ci-token:jt").decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, code, body, *headers):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def batch(self, asked):
        found = []
        for o in json.loads(asked)["objects"]:
            item = {"oid": o["oid"], "size": o["size"], "authenticated": True}
            if os.path.exists(os.path.join(objects, o["oid"])):
                item["actions"] = {"download": {"href": f"http://{self.headers['Host']}/lfs/{o['oid']}"}}
            else:
                item["error"] = {"code": 404, "message": "gone"}
            found.append(item)
        answer = json.dumps({"transfer": "basic", "objects": found}).encode()
        self.answer(200, answer, ("Content-Type", "application/vnd.git-lfs+json"))

    def git(self, path, query, body):
        env = dict(os.environ, GIT_PROJECT_ROOT=repos, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
                   REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""),
                   CONTENT_LENGTH=str(len(body)), REMOTE_USER="job",
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                   GIT_PROTOCOL=self.headers.get("Git-Protocol", ""))
        out = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE, check=False).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        headers = [tuple(line.decode().split(": ", 1)) for line in head.split(b"\r\n") if b": " in line]
        code = next((int(v.split()[0]) for n, v in headers if n == "Status"), 200)
        self.answer(code, rest, *[h for h in headers if h[0] != "Status"])

    def do_GET(self):
        path, _, query = self.path.partition("?")
        body = self.body()
        print(self.command, path, flush=True)
        if path.startswith("/lfs/"):
            with open(os.path.join(objects, os.path.basename(path)), "rb") as f:
                self.answer(200, f.read())
        elif self.headers.get("Authorization") != token:
            self.answer(401, b"", ("WWW-Authenticate", 'Basic realm="git"'))
        elif path.endswith("/info/lfs/objects/batch"):
            self.batch(body)
        elif "/info/lfs/" in path:
            self.answer(404, b"{}", ("Content-Type", "application/vnd.git-lfs+json"))
        else:
            self.git(path, query, body)

    do_POST = do_GET


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(port_file + ".new", "w", encoding="ascii") as f:
    f.write(str(server.server_port))
os.rename(port_file + ".new", port_file)
server.serve_forever()
