"""Programs others made, installed into the cache by the bench itself."""

import functools
import shutil
import subprocess

from harness import CACHE, Skip

GITLAB_CI_LOCAL = ["node@22", "gitlab-ci-local@4.75.1"]


@functools.lru_cache(maxsize=None)
def install_gitlab_ci_local():
    """Its folder of programs. It needs a newer Node than Debian has; npm's package `node` is one."""
    for tool in ("npm", "rsync"):
        if shutil.which(tool) is None:
            raise Skip(f"gitlab-ci-local needs {tool}")
    folder = CACHE / "gitlab-ci-local"
    programs = folder / "node_modules/.bin"
    if not (programs / "gitlab-ci-local").exists():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *GITLAB_CI_LOCAL],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Skip(f"npm cannot install gitlab-ci-local: {done.stderr.strip()[-200:]}")
    return programs


def gitlab_ci_local(scratch):
    """The command that runs a pipeline, and what its environment needs."""
    programs = install_gitlab_ci_local()
    return [programs / "gitlab-ci-local"], {"PATH": f"{programs}:{scratch.env['PATH']}"}
