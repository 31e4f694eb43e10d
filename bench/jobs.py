"""Starting jobs: many at once, one after the other, a single one."""

from harness import FASTER, RATIO, Bench
from peers import gitlab_ci_local

COUNT = 100


def independent():
    return "".join(f"job {i}:\n  script: 'true'\n\n" for i in range(COUNT))


def chain():
    jobs = ["job 0:\n  script: 'true'\n\n"]
    for i in range(1, COUNT):
        jobs.append(f"job {i}:\n  script: 'true'\n  needs: [job {i - 1}]\n\n")
    return "".join(jobs)


def benches(scratch, quick):
    wide = scratch.repository("wide", independent(), files=20)
    long = scratch.repository("long", chain(), files=20)
    peer = scratch.repository("peer", chain(), files=20)
    one = scratch.repository("one", "job:\n  script: 'true'\n", files=20)
    numbers = scratch.root / "numbers"
    numbers.write_text("".join(f"{i}\n" for i in range(COUNT)))
    loop = f"i=0; while [ $i -lt {COUNT} ]; do bash -c true; i=$((i + 1)); done"
    run = ["pawl", "run", "-x", "shell"]
    rounds = 3 if quick else 7

    def log_and_shell():
        return scratch.wall_ms(["git", "log", "-1"], cwd=one) + scratch.wall_ms(["bash", "-c", "true"], cwd=one)

    def peer_chain():
        command, env = gitlab_ci_local(scratch)
        return scratch.wall_ms(command, cwd=peer, env=env)

    found = [
        Bench(
            name="run-100-independent",
            what=f"{COUNT} jobs of `true` at once, -j2",
            kind=RATIO,
            limit=2,
            unit="ms",
            ours=lambda: scratch.wall_ms([*run, "-j2"], cwd=wide),
            floor=lambda: scratch.wall_ms(["xargs", "-P2", "-n1", "-a", numbers, "bash", "-c", "true"], cwd=wide),
            floor_name="xargs -P2 bash -c true",
            rounds=rounds,
        ),
        Bench(
            name="run-100-chain",
            what=f"{COUNT} jobs of `true`, each needing the one before",
            kind=RATIO,
            limit=2.5,
            unit="ms",
            ours=lambda: scratch.wall_ms(run, cwd=long),
            floor=lambda: scratch.wall_ms(["sh", "-c", loop], cwd=long),
            floor_name="a shell loop of bash -c true",
            rounds=rounds,
        ),
        Bench(
            name="run-one",
            what="one job of `true` in a small repository",
            kind=RATIO,
            limit=3,
            unit="ms",
            ours=lambda: scratch.wall_ms(run, cwd=one, count=3),
            floor=log_and_shell,
            floor_name="git log -1, then bash -c true",
            rounds=rounds * 3,
        ),
    ]
    if not quick:
        found.append(
            Bench(
                name="chain-against-peer",
                what=f"the chain of {COUNT} by gitlab-ci-local",
                kind=FASTER,
                limit=50,
                unit="ms",
                ours=lambda: scratch.wall_ms(run, cwd=long),
                floor=peer_chain,
                floor_name="gitlab-ci-local",
                rounds=1,
            )
        )
    return found
