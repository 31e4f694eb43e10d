"""Kills runner, supervisors and server at random moments while jobs of a server run, then looks.

usage: runner-kills.py BUILD ROUNDS KIND…

Run by runner-kills.sh. A round starts a pipeline of one kind of job, does something bad or ends it
by the server's API, waits for its end, stops the runner and looks for what is left. A runner that
was killed is started again, and the job goes on as if nothing had been. SEED repeats a
history, AS is what a command of another user begins with.
"""

import os
import random
import shlex
import signal
import subprocess
import sys
import time

from left_behind import HERE, PROGRAMS, SCRIPT, Machine, kill, name_of
from server import Server

AS = shlex.split(os.environ.get("AS", ""))
PATIENCE = 90  # seconds: a machine may be busy, and a lost job is noticed after half a minute
STATE = HERE + "/state"

JOBS = """
{name}:
  rules: [{{if: '$KIND == "{name}"'}}]
{what}  cache: {{key: one, paths: [cached]}}
  artifacts: {{paths: [made], when: always}}
  script:{script}
short-{name}:
  rules: [{{if: '$KIND == "short-{name}"'}}]
{what}  timeout: 2s
  script:{script}
    - sleep {tag}
"""


def pipeline_file(tag):
    image = os.environ.get("IMAGE")
    container = f'  image: "{image}"\n'
    service = f'  services: [{{name: "{image}", entrypoint: [sleep, "{tag}"], alias: one}}]\n'
    every = {"sandbox": "", "container": container, "served-container": container + service, "served-sandbox": service}
    return "".join(JOBS.format(name=name, what=what, tag=tag, script=SCRIPT.format(tag=tag))
                   for name, what in every.items())


class Runner:
    """One that is told to stop by the first SIGTERM and leaves its jobs alone."""

    def __init__(self, server):
        made = server.post("/api/v4/user/runners", {"runner_type": "instance_type"})
        assert made.status == 201, made.body
        with open("runner.yml", "w") as f:
            f.write(f"concurrent: 2\nstate: {STATE}\npull_policy: if-not-present\n"
                    f"servers: [{{url: '{server.url}', token: {made.json['token']}}}]\n")
        os.chmod("runner.yml", 0o600)
        subprocess.run(["chown", "--reference", HERE, "runner.yml"], check=True)
        self.process = None

    def start(self):
        # see cage-kills.py of leaks
        environment = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
        self.process = subprocess.Popen([*AS, "pawl-runner", "run", "--verbose", "--config", "runner.yml"], env=environment,
                                        stdout=open("runner.log", "a"), stderr=subprocess.STDOUT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return ["the runner did not end"]
        return []


class Round:
    def __init__(self, server, runner, machine, rng, kind):
        self.server, self.runner, self.machine, self.rng, self.kind = server, runner, machine, rng, kind
        self.id = 0

    def programs(self, name=PROGRAMS):
        """All that belongs to the runner and its jobs, but for the server and this test."""
        for pid, started in list(self.machine.processes()):
            if ((pid, started) not in self.machine.before and name_of(pid).startswith(name)
                    and pid not in (os.getpid(), self.server.process.pid)
                    and STATE.encode() in Machine.read(f"/proc/{pid}/environ") + Machine.read(f"/proc/{pid}/cmdline")
                    + Machine.read(f"/proc/{pid}/mountinfo") + os.fsencode(self.place(pid))):
                yield pid

    @staticmethod
    def place(pid):
        try:
            return os.readlink(f"/proc/{pid}/cwd") + " ".join(
                os.readlink(f"/proc/{pid}/fd/{f}") for f in os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return ""

    def kill_runner(self):
        self.runner.kill()
        time.sleep(self.rng.random() * 0.3)
        self.runner.start()

    def kill_server(self):
        self.server.kill()
        self.server.start()

    def kill_both(self):
        self.server.kill()
        self.kill_runner()
        self.server.start()

    def kill_supervisor(self):
        for pid in self.programs("pawl-supervise"):
            kill(pid)

    def kill_one(self):
        victim = self.rng.choice(list(self.programs()))
        kill(victim)
        if victim == self.runner.process.pid:
            self.runner.process.wait()
            self.runner.start()

    def kill_all(self):
        victims = list(self.programs())
        self.rng.shuffle(victims)
        for pid in victims:
            kill(pid)
        self.runner.process.wait()
        self.runner.start()

    def cancel(self):
        self.server.post(f"/api/v4/projects/1/pipelines/{self.id}/cancel")

    def cancel_and_kill_runner(self):
        self.cancel()
        time.sleep(self.rng.random() * 0.2)
        self.kill_runner()

    def abort(self):
        """The second SIGTERM takes the jobs along."""
        kill(self.runner.process.pid, signal.SIGTERM)
        time.sleep(self.rng.random() * 0.2)
        kill(self.runner.process.pid, signal.SIGTERM)
        self.runner.process.wait(PATIENCE)
        self.runner.start()

    def timeout(self):
        pass

    def status(self):
        return self.server.get(f"/api/v4/projects/1/pipelines/{self.id}").json["status"]

    # what is done, and whether the job goes well all the same
    ACTIONS = ((kill_runner, True), (kill_runner, True), (kill_server, True), (kill_both, True), (kill_supervisor, False),
               (kill_one, False), (kill_one, False), (kill_all, False), (cancel, False), (cancel_and_kill_runner, False),
               (abort, False), (timeout, False))

    def play(self):
        """Returns what was done and what is wrong."""
        action, goes_well = self.rng.choice(self.ACTIONS)
        moment = self.rng.random() * 1.2
        self.runner.start()
        name = ("short-" if action is Round.timeout else "") + self.kind
        variables = [{"key": "KIND", "value": name}]
        if self.rng.random() < 0.1:
            variables.append({"key": "STUBBORN", "value": "yes"})
        made = self.server.post("/api/v4/projects/1/pipeline", {"ref": "main", "variables": variables})
        assert made.status == 201, made.body
        self.id = made.json["id"]
        time.sleep(moment)
        self.machine.note_names()
        action(self)
        what = f"{self.kind}: {action.__name__.replace('_', ' ')} after {moment:.3f} s"
        until = time.time() + PATIENCE
        while self.status() in ("created", "pending", "running", "waiting_for_resource", "canceling"):
            self.machine.note_names()
            if time.time() > until:
                return what, [f"the pipeline is still {self.status()}", *self.runner.stop()]
            time.sleep(0.1)
        wrong = [f"the pipeline ended as {self.status()}"] if goes_well and self.status() != "success" else []
        return what, wrong + self.runner_goes() + self.look()

    def runner_goes(self):
        """When the last job's folder has gone: it is told to end while jobs run often enough."""
        until = time.time() + PATIENCE
        while any(os.path.isdir(f"{STATE}/jobs/{n}") for n in os.listdir(STATE + "/jobs")) and time.time() < until:
            time.sleep(0.05)
        return self.runner.stop()

    def look(self):
        until = time.time() + 10
        while left := [line for line in self.machine.left() if f"process {self.server.process.pid}:" not in line]:
            if time.time() > until:
                break
            time.sleep(0.05)
        return left


def main():
    build, rounds, kinds = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    tag = 1000000000 + seed % 1000000
    print(f"SEED={seed} repeats this", flush=True)
    server = Server(build)
    server.start()
    server.project("team/app", {".gitlab-ci.yml": pipeline_file(tag)})
    runner = Runner(server)
    machine = Machine(tag, STATE)
    wrong = 0
    for number in range(rounds):
        rng = random.Random(f"{seed}/{number}")
        what, left = Round(server, runner, machine, rng, kinds[number % len(kinds)]).play()
        print(f"round {number}: {what}{'' if not left else ' FAILED'}", flush=True)
        if left:
            wrong += 1
            print(*("left: " + line for line in left), *open("runner.log").read().splitlines()[-60:], sep="\n", flush=True)
            for line in left:  # so that the next round is about itself
                if line.startswith("process "):
                    kill(int(line.split()[1].rstrip(":")))
        machine.names.clear()
        open("runner.log", "w").close()
    server.stop()
    sys.exit(1 if wrong else 0)


main()
