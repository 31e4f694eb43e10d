"""The scheduler's core under load: what an event costs with few and with many jobs queued."""

import subprocess

from harness import BUILD, ONLY, RATIO, Bench, Failed

RUNNERS = 10_000


def measured(jobs):
    command = [str(BUILD / "bench/schedule"), str(jobs), str(RUNNERS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
    words = done.stdout.split()
    return {"us": int(words[0]) / 1000, "bytes": int(words[2]),
            "count": int(words[8]) / 1000}


def benches(scratch, quick):
    many = 100_000 if quick else 1_000_000
    return [
        Bench(
            name="schedule-event",
            what=f"an event with {many:,} jobs queued, {RUNNERS:,} runners",
            kind=RATIO,
            limit=3,
            unit="µs",
            ours=lambda: measured(many)["us"],
            floor=lambda: measured(10_000)["us"],
            floor_name="with 10,000 queued",
            rounds=3 if quick else 5,
        ),
        Bench(
            name="schedule-memory",
            what="memory of a queued job",
            kind=ONLY,
            limit=700,
            unit="bytes",
            ours=lambda: measured(many)["bytes"],
            rounds=1,
        ),
        Bench(
            name="schedule-count",
            what=f"why {many:,} jobs wait, counted for /metrics, {RUNNERS:,} runners",
            kind=ONLY,
            limit=20,
            unit="ms",
            ours=lambda: measured(many)["count"],
            rounds=1,
        ),
    ]
