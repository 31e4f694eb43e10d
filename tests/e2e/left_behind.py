"""What jobs leave on a machine, for tests that kill: who else is there, and what came since.

Processes are known by a tag in their arguments, or by the test's folder in their arguments,
environment or mounts; the rest by its place or by the names of jobs' markers.
"""

import glob
import json
import os
import re
import signal
import subprocess
import time

HERE = os.getcwd()
OF_ENGINE = re.compile("(veth[0-9a-f]{7,8}|br-[0-9a-f]{12}|(docker|podman|cni-podman)[0-9]+)$")  # also of tests beside this one
PROGRAMS = ("pawl", "bwrap", "crun", "runc", "skopeo", "slirp4netns", "conmon")

# Of a job: daemons that hide, some of which do not listen; files of a cache and of an artifact.
SCRIPT = """
    - (setsid sleep {tag} >/dev/null 2>&1 &)
    - (setsid env -i /bin/sleep {tag} >/dev/null 2>&1 &)
    - if test -n "$STUBBORN"; then (sh -c 'trap "" TERM HUP INT; sleep {tag} & sleep {tag}' >/dev/null 2>&1 &); fi
    - mkdir -p made cached && echo made >made/file && echo cached >>cached/file
    - for i in 1 2 3 4; do echo line $i; sleep 0.1; done
"""


class Machine:
    """What is there before the test, and what must not be there after a round."""

    def __init__(self, tag, store):
        """store: where pawl keeps what it keeps: ~/.cache/pawl, or a runner's state"""
        self.tag = str(tag).encode()
        self.store = store
        self.before = set(self.processes())
        self.mounts = set(self.own_mounts())
        self.temporary = set(os.listdir(os.environ["TMPDIR"]))
        self.names = set()
        self.interfaces = set(os.listdir("/sys/class/net"))

    @staticmethod
    def read(path):
        try:
            with open(path, "rb") as f:
                return f.read()
        except OSError:
            return b""

    def processes(self):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            stat = self.read(f"/proc/{pid}/stat")
            if stat:
                yield int(pid), stat.rsplit(b")", 1)[1].split()[19]

    def left_processes(self):
        for pid, started in self.processes():
            if (pid, started) in self.before or pid == os.getpid():
                continue
            words = self.read(f"/proc/{pid}/cmdline")
            text = words + self.read(f"/proc/{pid}/environ") + self.read(f"/proc/{pid}/mountinfo")
            if self.tag in words or any(place.encode() in text for place in (HERE, self.store)):
                yield f"process {pid}: {words.replace(bytes(1), b' ').decode(errors='replace')[:200]}"

    def own_mounts(self):
        for line in self.read("/proc/self/mountinfo").decode(errors="replace").splitlines():
            if HERE in line or self.store in line:
                yield line

    def note_names(self):
        """What bears the names of this moment's jobs is theirs."""
        for path in glob.glob(self.store + "/*/jobs/*") + glob.glob(self.store + "/jobs/*"):
            self.names.add(Machine.read(path + "/lock").decode(errors="replace")[:32])
            self.names |= {os.path.basename(p) for p in glob.glob(path + "/runtime/*") + glob.glob(path + "/*/runtime/*")}
        self.names.discard("")

    def is_ours(self, path):
        return any(name in path for name in self.names)

    def left_groups(self):
        for top, folders, _ in os.walk("/sys/fs/cgroup"):
            yield from (f"cgroup {top}/{name}" for name in folders if self.is_ours(name))

    def left_images(self):
        """Halves of images go with the next fetch."""
        for part in ("tmp", "pulls", "trash"):
            yield from glob.glob(f"{self.store}/images/{part}/*")

    def left_files(self):
        for top, folders, files in os.walk(self.store):
            parts = top[len(self.store):].split("/")
            if parts[-1] in ("jobs", "copies"):
                for name in folders + files:
                    if name not in (".", "..") and not name.startswith(".lock"):
                        yield f"{top}/{name}"
                folders.clear()
            elif "snapshots" in parts or "layers" in parts:
                folders.clear()
        for top in ("/dev/shm", os.environ["TMPDIR"], "/run/crun", "/run/runc"):
            if os.path.isdir(top):
                for name in os.listdir(top):
                    path = f"{top}/{name}"
                    if self.is_ours(name) or top == os.environ["TMPDIR"] and name not in self.temporary:
                        yield path

    @staticmethod
    def ask_engine(path):
        for _ in range(50):  # Podman stumbles over containers that go away meanwhile
            out = subprocess.run(["curl", "-fsS", "--max-time", "60", "--unix-socket", os.environ["ENGINE"],
                                  "http://engine" + path], capture_output=True)
            if out.returncode == 0:
                return json.loads(out.stdout)
            time.sleep(0.1)
        raise OSError(f"the engine does not tell {path}: {out.stderr}")

    def left_at_engine(self):
        """Of an engine that is the test's alone."""
        if not os.environ.get("ENGINE"):
            return
        for container in self.ask_engine("/containers/json?all=true") or []:
            yield f"container {container['Names']}"
        for network in self.ask_engine("/networks") or []:
            if network["Name"] not in ("bridge", "host", "none", "podman"):
                yield f"network {network['Name']}"
        for volume in (self.ask_engine("/volumes") or {}).get("Volumes") or []:
            yield f"volume {volume['Name']}"

    def left(self):
        yield from self.left_processes()
        yield from ("mount " + m for m in set(self.own_mounts()) - self.mounts)
        yield from ("interface " + i for i in set(os.listdir("/sys/class/net")) - self.interfaces if not OF_ENGINE.match(i))
        yield from self.left_files()
        yield from self.left_groups()
        yield from self.left_at_engine()


def children(pid):
    """All below pid, pid first."""
    below = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        stat = Machine.read(f"/proc/{entry}/stat")
        if stat:
            below.setdefault(int(stat.rsplit(b")", 1)[1].split()[1]), []).append(int(entry))
    found = [pid]
    for one in found:
        found += below.get(one, [])
    return found


def name_of(pid):
    return Machine.read(f"/proc/{pid}/comm").decode(errors="replace").strip()


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
