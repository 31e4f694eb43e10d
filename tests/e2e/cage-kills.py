"""Kills jobs and what runs them at random moments, then looks at the whole machine.

usage: cage-kills.py ROUNDS [KIND…]

Run by cage-kills.sh in its folder. Each round runs a job whose daemons hide, ends it or kills
one or all of the processes around it at a random moment, runs one more job, and looks for
what is left: processes, mounts, folders, cgroups, containers. SEED repeats a history, AS is
what a command of another user begins with.
"""

import os
import random
import shlex
import signal
import subprocess
import sys
import time

from left_behind import HERE, PROGRAMS, SCRIPT, Machine, children, kill, name_of

PATIENCE = 30  # seconds: a machine may be busy
AS = shlex.split(os.environ.get("AS", ""))
HOME = os.environ.get("AS_HOME") or os.environ["HOME"]

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
        # the process that looks for leaks at a program's end cannot be killed: the program waits for it, for ever
        self.environment = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0",
                                **(environment or {}))
        os.mkdir(self.dir)
        with open(self.dir + "/.gitlab-ci.yml", "w") as f:
            f.write(default + JOBS.format(script=SCRIPT.format(tag=tag), tag=tag, plain=plain))
        for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
            subprocess.run(["git", "-C", self.dir, *command], check=True)
        subprocess.run(["chown", "-R", "--reference", HERE, self.dir], check=True)

    def start(self, job, log, stubborn=False):
        more = ["-v", "STUBBORN=yes"] if stubborn else []
        return subprocess.Popen([*AS, "pawl", "run", *self.options, *more, job], cwd=self.dir, env=self.environment,
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
    by_engine = f'default:\n  image: "{images["ENGINE_IMAGE"]}"\n'
    of_engine = f'  services: [{{name: "{images["ENGINE_IMAGE"]}", entrypoint: [sleep, "{tag}"], alias: one}}]\n'
    runtime = "PAWL_OCI_RUNTIME"
    every = {
        "shell": lambda: Kind("shell", ["-x", "shell"], tag),
        "sandbox": lambda: Kind("sandbox", ["-x", "sandbox"], tag),
        "crun": lambda: Kind("crun", ["-x", "container"], tag, with_image, environment={runtime: "/usr/bin/crun"}),
        "runc": lambda: Kind("runc", ["-x", "container"], tag, with_image, environment={runtime: "/usr/sbin/runc"}),
        "services": lambda: Kind("services", ["-x", "container"], tag, with_image + service),
        "fetch": lambda: Kind("fetch", ["-x", "container"], tag, f'default:\n  image: "{images["FETCHED"]}"\n', here),
        "docker": lambda: Kind("docker", ["-x", "docker"], tag, by_engine),
        "docker-services": lambda: Kind("docker-services", ["-x", "docker", "--volume", "/certs/client"], tag,
                                        by_engine + of_engine),
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
    machine = Machine(tag, HOME + "/.cache/pawl")
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
