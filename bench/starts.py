"""Start and memory of every program of the family. What runs once per job must stay as
light as a C program can be."""

import os

from harness import ABOVE, BUILD, ONLY, Bench

# program: arguments that end it at once, its exit status, limits in ms above an empty
# program and in MB
PROGRAMS = {
    "pawl": (["--version"], 0, 4, 8),
    "pawl-supervise": ([], 1, 0.5, 2),  # says that it is not started by hand
    "pawl-hook": (["--version"], 0, 0.5, 2),
    "pawl-runner": (["--version"], 0, 10, 12),
    "pawl-server": (["--version"], 0, 10, 12),
}


def benches(scratch, quick):
    rounds = 5 if quick else 11
    found = []
    for program, (arguments, status, limit_ms, limit_mb) in PROGRAMS.items():
        if not os.access(BUILD / program, os.X_OK):
            continue
        found += program_benches(scratch, rounds, [BUILD / program, *arguments], status, limit_ms, limit_mb)
    return found


def program_benches(scratch, rounds, command, status, limit_ms, limit_mb):
    name = command[0].name
    return [
        Bench(
            name=f"start-{name}",
            what=f"start of {name}",
            kind=ABOVE,
            limit=limit_ms,
            unit="ms",
            ours=lambda: scratch.wall_ms(command, count=20, status=status),
            floor=lambda: scratch.wall_ms([BUILD / "bench/empty"], count=20),
            floor_name="an empty C program",
            rounds=rounds,
        ),
        Bench(
            name=f"memory-{name}",
            what=f"memory of {name} when it has started",
            kind=ONLY,
            limit=limit_mb,
            unit="MB",
            ours=lambda: scratch.rss_mb(command, status=status),
            rounds=3,
        ),
    ]
