#!/usr/bin/env python3
"""A registry that behaves badly, in front of one that does not.

usage: registry_proxy.py HOST:PORT [busy N SECONDS | slow BYTES_PER_S | hang BYTES]

busy: the first N requests for manifests are answered with 429 and Retry-After.
slow: blobs come at that rate. hang: of a blob only that many bytes come, and no more.
Prints "listening on …:PORT", then a line per request.
"""

import http.client
import http.server
import re
import sys
import threading
import time

upstream = sys.argv[1]
mode = sys.argv[2] if len(sys.argv) > 2 else ""
number = int(sys.argv[3]) if len(sys.argv) > 3 else 0
seconds = sys.argv[4] if len(sys.argv) > 4 else "1"
lock = threading.Lock()
refused = 0


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        print(format % args, flush=True)

    def do_HEAD(self):
        self.do_GET()

    def must_wait(self):
        global refused
        with lock:
            if mode != "busy" or "/manifests/" not in self.path or refused >= number:
                return False
            refused += 1
            return True

    def do_GET(self):
        # as a proxy of HTTP it is told the whole address
        self.path = re.sub("^http://[^/]*", "", self.path)
        if self.must_wait():
            self.send_response(429)
            self.send_header("Retry-After", seconds)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        link = http.client.HTTPConnection(upstream)
        link.putrequest(self.command, self.path, skip_accept_encoding=True)
        for key, value in self.headers.items():  # some come several times
            if key.lower() not in ("host", "connection"):
                link.putheader(key, value)
        link.endheaders()
        answer = link.getresponse()
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("connection", "transfer-encoding"):
                self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        body = answer.read()
        if mode == "slow" and "/blobs/" in self.path:
            step = max(1, number // 20)
            for i in range(0, len(body), step):
                self.wfile.write(body[i : i + step])
                time.sleep(0.05)
        elif mode == "hang" and "/blobs/" in self.path and len(body) > number:
            self.wfile.write(body[:number])
            self.wfile.flush()
            time.sleep(600)
        else:
            self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
server.daemon_threads = True
print(f"listening on 127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
