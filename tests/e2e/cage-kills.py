"""Kills jobs and what runs them at random moments, then looks at the whole machine.

usage: cage-kills.py ROUNDS [KIND…]

Run by cage-kills.sh in its folder. Each round runs a job whose daemons hide, ends it or kills
one or all of the processes around it at a random moment, runs one more job, and looks for
what is left: processes, mounts, folders, cgroups, containers. SEED repeats a history.
"""

import glob
import json
import os
import random
import signal
import subprocess
import sys
import time

HERE = os.getcwd()
HOME = os.environ["HOME"]
CACHE = HOME + "/.cache/pawl"
PATIENCE = 30  # seconds: a machine may be busy
PROGRAMS = ("pawl", "bwrap", "crun", "runc", "skopeo", "slirp4netns", "conmon")

SCRIPT = """
    - (setsid sleep {tag} >/dev/null 2>&1 &)
    - (setsid env -i /bin/sleep {tag} >/dev/null 2>&1 &)
    - if test -n "$STUBBORN"; then (sh -c 'trap "" TERM HUP INT; sleep {tag} & sleep {tag}' >/dev/null 2>&1 &); fi
    - mkdir -p made cached && echo made >made/file && echo cached >>cached/file
    - for i in 1 2 3 4; do echo line $i; sleep 0.1; done
"""

JOBS = """
work:
  cache: {{key: one, paths: [cached]}}
  artifacts: {{paths: [made], when: always}}
  script:{script}
short:
  timeout: 1s
  script:{script}
    - sleep {tag}
next:
{plain}  script: [echo next]
"""


class Machine:
    """What is there before the test, and what must not be there after a round."""

    def __init__(self, tag):
        self.tag = str(tag).encode()
        self.before = set(self.processes())
        self.mounts = set(self.own_mounts())
        self.temporary = set(os.listdir(os.environ["TMPDIR"]))
        self.names = set()

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
            place = HERE.encode()
            if (self.tag in words or place in words or place in self.read(f"/proc/{pid}/environ")
                    or place in self.read(f"/proc/{pid}/mountinfo")):
                yield f"process {pid}: {words.replace(bytes(1), b' ').decode(errors='replace')[:200]}"

    def own_mounts(self):
        for line in self.read("/proc/self/mountinfo").decode(errors="replace").splitlines():
            if HERE in line:
                yield line

    def note_names(self):
        """What bears the names of this moment's jobs is theirs."""
        for path in glob.glob(CACHE + "/*/jobs/*"):
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
            yield from glob.glob(f"{CACHE}/images/{part}/*")

    def left_files(self):
        for top, folders, files in os.walk(CACHE):
            parts = top[len(CACHE):].split("/")
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

    def left_containers(self):
        engine = os.environ.get("ENGINE")
        if engine:
            out = subprocess.run(["curl", "-sS", "--max-time", "60", "--unix-socket", engine,
                                  "http://engine/containers/json?all=true"], capture_output=True)
            for c in json.loads(out.stdout or b"[]"):
                yield f"container {c['Names']}"

    def left(self):
        yield from self.left_processes()
        yield from ("mount " + m for m in set(self.own_mounts()) - self.mounts)
        yield from self.left_files()
        yield from self.left_groups()
        yield from self.left_containers()


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


def end_run(rng, run, action):
    """Does what the round is about; says what it was."""
    if action == "cancel":
        kill(run.pid, signal.SIGTERM)
    elif action == "cancel twice":
        kill(run.pid, signal.SIGTERM)
        time.sleep(rng.random() * 0.1)
        kill(run.pid, signal.SIGTERM)
    elif action == "kill pawl":
        kill(run.pid)
    elif action == "kill one":
        victim = rng.choice(children(run.pid))
        name = name_of(victim)
        kill(victim)
        return f"{action} ({name})"
    elif action == "kill all":
        victims = [p for p in children(run.pid) if name_of(p).startswith(PROGRAMS)]
        rng.shuffle(victims)
        for victim in victims:
            kill(victim)
    return action


class Kind:
    """A repository whose jobs run by one executor."""

    def __init__(self, name, options, tag, default="", plain="", environment=None):
        self.name, self.options = name, options
        self.dir = f"{HERE}/{name}"
        self.environment = dict(os.environ, **(environment or {}))
        os.mkdir(self.dir)
        with open(self.dir + "/.gitlab-ci.yml", "w") as f:
            f.write(default + JOBS.format(script=SCRIPT.format(tag=tag), tag=tag, plain=plain))
        for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
            subprocess.run(["git", "-C", self.dir, *command], check=True)

    def start(self, job, log, stubborn=False):
        more = ["-v", "STUBBORN=yes"] if stubborn else []
        return subprocess.Popen(["pawl", "run", *self.options, *more, job], cwd=self.dir, env=self.environment,
                                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)


def play(kind, rng, machine):
    """One round. Returns what it did, and what is wrong."""
    action = rng.choice(["cancel", "cancel twice", "kill pawl", "kill one", "kill one", "kill all", "timeout"])
    moment = rng.random() * 0.9
    log = open("log", "w+")
    stubborn = rng.random() < 0.15  # who does not listen is given some seconds
    run = kind.start("short" if action == "timeout" else "work", log, stubborn)
    time.sleep(moment)
    machine.note_names()
    if action != "timeout":
        action = end_run(rng, run, action)
    what = f"{kind.name}: {action} after {moment:.3f} s"
    try:
        run.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        run.kill()
        return what, ["it did not end"], log
    log.write("---- the next one\n")
    log.flush()
    after = kind.start("next", log)
    try:
        if after.wait(PATIENCE) != 0:
            return what, [f"the next one ended with {after.returncode}"], log
    except subprocess.TimeoutExpired:
        after.kill()
        return what, ["the next one did not end"], log
    until = time.time() + 10
    while left := list(machine.left()):
        if time.time() > until:
            break
        time.sleep(0.05)
    return what, left, log


def kinds_of(tag, wanted):
    images = {k: os.environ.get(k) for k in ("IMAGE", "FETCHED", "ENGINE_IMAGE")}
    with_image = f'default:\n  image: "{images["IMAGE"]}"\n'
    service = f'  services: [{{name: "{images["IMAGE"]}", entrypoint: [sleep, "{tag}"], alias: one}}]\n'
    here = f'  image: "{images["IMAGE"]}"\n'
    runtime = "PAWL_OCI_RUNTIME"
    every = {
        "shell": lambda: Kind("shell", ["-x", "shell"], tag),
        "sandbox": lambda: Kind("sandbox", ["-x", "sandbox"], tag),
        "crun": lambda: Kind("crun", ["-x", "container"], tag, with_image, environment={runtime: "/usr/bin/crun"}),
        "runc": lambda: Kind("runc", ["-x", "container"], tag, with_image, environment={runtime: "/usr/sbin/runc"}),
        "services": lambda: Kind("services", ["-x", "container"], tag, with_image + service),
        "fetch": lambda: Kind("fetch", ["-x", "container"], tag, f'default:\n  image: "{images["FETCHED"]}"\n', here),
        "docker": lambda: Kind("docker", ["-x", "docker"], tag, f'default:\n  image: "{images["ENGINE_IMAGE"]}"\n'),
    }
    return [every[name]() for name in wanted]


def main():
    rounds, wanted = int(sys.argv[1]), sys.argv[2:]
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    tag = 1000000000 + seed % 1000000
    print(f"SEED={seed} repeats this", flush=True)
    kinds = kinds_of(tag, wanted)
    for kind in kinds:  # what jobs of later rounds share
        with open("log", "w") as log:
            if kind.start("next", log).wait() != 0:
                print(open("log").read())
                sys.exit(f"{kind.name} does not work")
    machine = Machine(tag)
    wrong = 0
    for number in range(rounds):
        rng = random.Random(f"{seed}/{number}")
        what, left, log = play(kinds[number % len(kinds)], rng, machine)
        print(f"round {number}: {what}{'' if not left else ' FAILED'}", flush=True)
        if left:
            wrong += 1
            log.seek(0)
            print(log.read(), *("left: " + line for line in left), sep="\n", flush=True)
            machine.names.clear()
            for line in left:  # so that the next round is about itself
                if line.startswith("process "):
                    kill(int(line.split()[1].rstrip(":")))
        log.close()
    last = [kind for kind in kinds if kind.name == "fetch"]
    if last:
        with open("log", "w") as log:
            if last[0].start("work", log).wait(PATIENCE) != 0 or list(machine.left_images()):
                print(open("log").read(), *machine.left_images(), sep="\n")
                wrong += 1
    sys.exit(1 if wrong else 0)


main()
