"""`podman run` and `docker run` of an image that is there, for who would start a container by
hand: each with a storage, a daemon and settings of its own below the scratch folder."""

import contextlib
import os
import shutil
import subprocess
import time

from harness import Failed, Skip

RUNS = 10
START_S = 30


LIMIT_S = 60


@contextlib.contextmanager
def as_usual():
    """Without the priority benches may be run with: engines that wait by spinning never get
    what they wait for then."""
    policy, how = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, how)


def unmount(home):
    """What an engine has mounted there and leaves so."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        places = [line.split()[1] for line in mounts]
    for place in reversed(places):
        if place.startswith(f"{home}/"):
            subprocess.run(["umount", "-l", place], capture_output=True, check=False)


def quiet(command, env=None):
    with as_usual():
        try:
            return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  check=False, timeout=LIMIT_S)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"{command[0]} {command[1]} takes more than {LIMIT_S} s") from e


class Podman:
    def __init__(self, scratch, image):
        if os.geteuid() != 0 or not shutil.which("podman"):
            raise Skip("podman as root is not to be had")
        home = scratch.root / "podman"
        home.mkdir()
        # a machine within a machine may have no limits to give, and but one kind of cgroups
        (home / "containers.conf").write_text(
            '[containers]\nnetns = "host"\nlog_driver = "k8s-file"\n'
            'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            f'runtime = "{"runc" if shutil.which("runc") else "crun"}"\n'
        )
        (home / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{home}/run"\ngraphroot = "{home}/root"\n'
        )
        self.env = dict(scratch.env, CONTAINERS_CONF=str(home / "containers.conf"),
                        CONTAINERS_STORAGE_CONF=str(home / "storage.conf"))
        scratch.at_end.append(lambda: unmount(home))
        done = quiet(["podman", "pull", "-q", f"oci:{image}"], self.env)
        if done.returncode != 0:
            raise Skip(f"podman cannot take an image here: {done.stderr.strip()[-200:]}")
        self.words = ["podman", "run", "--rm", done.stdout.strip(), "sh", "-c", "true"]
        first = quiet(self.words, self.env)
        if first.returncode != 0:
            raise Skip(f"podman cannot run a container here: {first.stderr.strip()[-200:]}")


class Docker:
    def __init__(self, scratch, image):
        if os.geteuid() != 0 or not shutil.which("dockerd") or not shutil.which("docker"):
            raise Skip("docker and dockerd as root are not to be had")
        home = scratch.root / "docker"
        home.mkdir()
        host = f"unix://{home}/socket"
        self.env = dict(scratch.env, DOCKER_HOST=host)
        with open(home / "log", "wb") as log, as_usual():
            daemon = subprocess.Popen(
                ["dockerd", "--iptables=false", "--bridge=none", "--data-root", home / "data",
                 "--exec-root", home / "exec", "--pidfile", home / "pid", "--host", host],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        scratch.at_end.append(lambda: (self.end(daemon), unmount(home)))
        self.await_daemon(daemon)
        archive = home / "image.tar"
        copied = quiet(["skopeo", "copy", "-q", f"oci:{image}", f"docker-archive:{archive}:box:1"])
        if copied.returncode != 0 or quiet(["docker", "load", "-i", archive], self.env).returncode != 0:
            raise Failed("docker does not take the image")
        self.words = ["docker", "run", "--rm", "--network=host", "box:1", "sh", "-c", "true"]
        first = quiet(self.words, self.env)
        if first.returncode != 0:
            raise Skip(f"docker cannot run a container here: {first.stderr.strip()[-200:]}")

    def await_daemon(self, daemon):
        deadline = time.time() + START_S
        while quiet(["docker", "version"], self.env).returncode != 0:
            if time.time() > deadline or daemon.poll() is not None:
                raise Skip("dockerd does not start here")
            time.sleep(0.1)

    @staticmethod
    def end(daemon):
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(START_S)


def run_ms(scratch, engine):
    """One container, the median of RUNS in a row."""
    with as_usual():
        return scratch.wall_ms(engine.words, count=RUNS, env=engine.env)
