"""What a server keeps: lists in a store of a million pipelines, lines of long logs."""

import subprocess

from harness import BUILD, ONLY, RATIO, Bench, Failed


def keep(what, folder, count):
    command = [BUILD / "bench/keep", what, folder, str(count)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise Failed(run.stderr.strip())
    return float(run.stdout)


def benches(scratch, quick):
    pipelines = 20000 if quick else 1000000
    log_mb = 50 if quick else 1000
    folder = scratch.root / "kept"

    def copy():
        """The same bytes through the same system calls, and nothing known of them."""
        command = ["dd", "if=/dev/zero", f"of={folder}.dd", "bs=64k", f"count={log_mb * 1000000 // 65536}"]
        wall = scratch.wall_ms(command)
        (scratch.root / "kept.dd").unlink()
        return wall

    return [
        Bench(
            name="store-lists",
            what=f"list of 20 among {pipelines:,} pipelines, with its total: 99th percentile",
            kind=ONLY,
            limit=20,
            unit="ms",
            ours=lambda: keep("lists", folder / "db", pipelines),
            rounds=3,
        ),
        Bench(
            name="log-lines",
            what=f"100 lines anywhere in a log of {log_mb} MB, plain or compressed: the slowest",
            kind=ONLY,
            limit=50,
            unit="ms",
            ours=lambda: keep("lines", folder / "lines", log_mb),
            rounds=3,
        ),
        Bench(
            name="log-intake",
            what=f"a log of {log_mb} MB taken in",
            kind=RATIO,
            limit=4,
            unit="ms",
            ours=lambda: keep("intake", folder / "intake", log_mb),
            floor=copy,
            floor_name="dd of as many bytes",
            rounds=3,
        ),
    ]
