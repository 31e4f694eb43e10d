"""Jobs in a sandbox and in a container, beside the bare programs that make these: started with
the very arguments a job was started with."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from harness import FASTER, RATIO, Bench, Failed, descendants
import engines

JOBS = 100
OCI_IMAGE = pathlib.Path(__file__).resolve().parent.parent / "tests/e2e/oci_image.py"
SLEEP = "sleep 30"


def jobs(script, image=""):
    head = f"default: {{image: '{image}'}}\n" if image else ""
    return head + "".join(f"job {i}:\n  script: '{script}'\n\n" for i in range(JOBS))


class Cages:
    def __init__(self, scratch):
        self.scratch = scratch
        self.made = {}

    def once(self, name, make):
        """Made when it is first measured."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def per_job_ms(self, repository, executor):
        run = ["pawl", "run", "-x", executor, "-j1"]
        path = self.once(repository.__name__, repository)
        self.scratch.wall_ms([*run, "job 0"], cwd=path)  # the image is there
        many = self.scratch.wall_ms(run, cwd=path)
        return (many - self.scratch.wall_ms([*run, "job 0"], cwd=path)) / (JOBS - 1)

    def plain(self):
        return self.scratch.repository("caged", jobs("true"))

    def with_image(self):
        return self.scratch.repository("contained", jobs("true", f"oci:{self.image_once()}"))

    def image_once(self):
        return self.once("image", self.image)

    def image(self):
        """Busybox, as Debian has it for no libc."""
        busybox = shutil.which("busybox")
        if not busybox:
            raise Failed("busybox is not installed")
        root, out = self.scratch.root / "image-root", self.scratch.root / "image.oci"
        (root / "bin").mkdir(parents=True)
        shutil.copy(busybox, root / "bin/busybox")
        (root / "bin/sh").symlink_to("busybox")
        (root / "bin/sleep").symlink_to("busybox")
        (root / "bin/true").symlink_to("busybox")
        subprocess.run(
            [sys.executable, OCI_IMAGE, out, "--config", '{"Env": ["PATH=/bin"]}', root], check=True
        )
        return out

    def of_a_job(self, repository, executor, program, look):
        """What look finds of the process of that name while a job sleeps."""
        path = self.once(repository.__name__, repository)
        (path / ".gitlab-ci.yml").write_text(
            (path / ".gitlab-ci.yml").read_text().replace("job 0:\n  script: 'true'", f"job 0:\n  script: '{SLEEP}'")
        )
        run = subprocess.Popen(
            ["pawl", "run", "-x", executor, "job 0"],
            cwd=path,
            env=self.scratch.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            for _ in range(200):
                for pid in descendants(run.pid):
                    line = pathlib.Path(f"/proc/{pid}/cmdline")
                    words = line.read_bytes().decode().split("\0")[:-1] if line.exists() else []
                    if words and words[0] == program:
                        return look(words)
                time.sleep(0.05)
            raise Failed(f"no {program} was started")
        finally:
            run.terminate()
            run.wait()
            subprocess.run(["git", "checkout", "-q", "."], cwd=path, check=True)

    def bare_bwrap(self):
        """The same sandbox, of folders that stay, around `bash -c true`."""

        def look(words):
            words = words[: words.index("--")]
            at = words.index("--seccomp")
            del words[at : at + 2]
            mine = self.scratch.root / "bare"
            for place, option in enumerate(words):
                if option == "--bind":
                    folder = mine / str(place)
                    folder.mkdir(parents=True)
                    words[place + 1] = str(folder)
            return [*words, "bash", "-c", "true"]

        return self.of_a_job(self.plain, "sandbox", "/usr/bin/bwrap", look)

    def bare_runtime(self):
        """The same container, whose root is the image's folder, around `sh -c true`."""

        def look(words):
            bundle = pathlib.Path(words[words.index("--bundle") + 1])
            config = json.loads((bundle / "config.json").read_text())
            mine = self.scratch.root / "bundle"
            mine.mkdir()
            config["root"]["path"] = str(self.scratch.root / "image-root")
            config["process"]["args"] = ["/bin/sh", "-c", "true"]
            for mount in config["mounts"]:
                if mount["type"] == "bind" and str(self.scratch.root) in mount["source"]:
                    mount["source"] = str(mine)
                    if mount["destination"] in ("/etc/hosts", "/run/pawl-init"):
                        mount["source"] = "/etc/hostname"
            (mine / "config.json").write_text(json.dumps(config))
            words = words[: words.index("--preserve-fds")] + ["--bundle", str(mine), "bare"]
            words[words.index("--root") + 1] = str(mine / "state")
            return words

        path = runtime()
        return self.of_a_job(self.with_image, "container", path, look)

    def loop_ms(self, words, hidden=None):
        """JOBS times, one after the other; of one."""
        line = " ".join(f"'{word}'" for word in words)
        loop = f"i=0; while [ $i -lt {JOBS} ]; do {line} || exit 1; i=$((i + 1)); done"
        if hidden:
            loop = f"mount -t tmpfs none {hidden} && {loop}"
        command = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
        return self.scratch.wall_ms([*command, "bash", "-c", loop]) / JOBS

    def bare_container_ms(self):
        # crun takes the hybrid kind of cgroups for an error; pawl hides them for it
        hybrid = os.path.ismount("/sys/fs/cgroup/unified")
        where = "/sys/fs/cgroup/unified" if os.geteuid() == 0 else "/sys/fs/cgroup"
        return self.loop_ms(
            self.once("bare runtime", self.bare_runtime), where if hybrid and "crun" in runtime() else None
        )


def runtime():
    for path in ("/usr/bin/crun", "/usr/local/bin/crun", "/usr/sbin/runc", "/usr/bin/runc"):
        if os.access(path, os.X_OK):
            return path
    raise Failed("neither crun nor runc is installed")


def against(cages, name, kind):
    return Bench(
        name=f"container-against-{name}",
        what=f"the same beside `{name} run` of the same image",
        kind=FASTER,
        limit=8,
        unit="ms",
        ours=lambda: cages.per_job_ms(cages.with_image, "container"),
        floor=lambda: engines.run_ms(
            cages.scratch, cages.once(name, lambda: kind(cages.scratch, cages.image_once()))
        ),
        floor_name=f"{name} run --rm … sh -c true",
        rounds=5,
    )


def benches(scratch, quick):
    cages = Cages(scratch)
    rounds = 3 if quick else 7
    return [
        Bench(
            name="sandbox-job",
            what="a job of `true` more in the sandbox, -j1",
            kind=RATIO,
            limit=1.6,
            unit="ms",
            ours=lambda: cages.per_job_ms(cages.plain, "sandbox"),
            floor=lambda: cages.loop_ms(cages.once("bare bwrap", cages.bare_bwrap)),
            floor_name="bare bwrap, the same arguments, bash -c true",
            rounds=rounds,
        ),
        Bench(
            name="container-job",
            what="a job of `true` more in a container of an image that is there, -j1",
            kind=RATIO,
            limit=1.5,
            unit="ms",
            ours=lambda: cages.per_job_ms(cages.with_image, "container"),
            floor=cages.bare_container_ms,
            floor_name="the bare runtime, the same config, sh -c true",
            rounds=rounds,
        ),
        *([] if quick else [against(cages, "podman", engines.Podman), against(cages, "docker", engines.Docker)]),
    ]
