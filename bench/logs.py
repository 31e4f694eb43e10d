"""A job that talks a lot: its log through `pawl run` into a file."""

from harness import ONLY, RATIO, Bench, Failed


def write_lines(path, size_mb):
    """Lines such as compilers print, about 100 bytes each."""
    line = "[{:7d}/9999999] cc -O2 -g -Wall -Iinclude -Isource/module -c source/module/file{:06d}.c -o out/x.o\n"
    with open(path, "w", encoding="ascii") as out:
        size = i = 0
        while size < size_mb * 1000 * 1000:
            part = "".join(line.format(n, n % 1000000) for n in range(i, i + 1000))
            out.write(part)
            size += len(part)
            i += 1000


def benches(scratch, quick):
    size_mb = 10 if quick else 100
    big = scratch.root / "big.log"
    write_lines(big, size_mb)
    out = scratch.root / "out.log"
    talk = scratch.repository("talk", f"talk:\n  script: cat {big}\n")
    run = ["pawl", "run", "-x", "shell"]

    def check_arrived():
        """Nothing was left out of what was measured."""
        if out.stat().st_size < big.stat().st_size:
            raise Failed(f"{out} is smaller than the log")

    def ours():
        wall = scratch.wall_ms(run, cwd=talk, stdout=out)
        check_arrived()
        return wall

    return [
        Bench(
            name=f"log-{size_mb}mb",
            what=f"a log of {size_mb} MB into a file",
            kind=RATIO,
            limit=4,
            unit="ms",
            ours=ours,
            floor=lambda: scratch.wall_ms(["sh", "-c", f"cat {big} | cat >{out}"], cwd=talk),
            floor_name="cat big | cat >file",
            rounds=3 if quick else 5,
        ),
        Bench(
            name="log-memory",
            what="peak memory meanwhile, pawl and supervisor",
            kind=ONLY,
            limit=20,
            unit="MB",
            ours=lambda: scratch.family_peak_mb(run, talk, out),
            rounds=2 if quick else 3,
        ),
    ]
