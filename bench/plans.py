"""From file to plan: generated pipelines of 1, 1,000 and 5,000 jobs, and a small file."""

import subprocess

from harness import ABOVE, BUILD, RATIO, SOURCE, Bench

SMALL = """\
stages: [build, test]

build:
  stage: build
  script:
    - make
  artifacts:
    paths: [out/]

test:
  stage: test
  needs: [build]
  script:
    - make check
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
"""


def generated(count):
    return subprocess.run(
        [SOURCE / "generate-pipeline", str(count)], capture_output=True, text=True, check=True
    ).stdout


def benches(scratch, quick):
    repositories = {n: scratch.repository(f"list-{n}", generated(n)) for n in (1, 1000, 5000)}
    small = scratch.repository("lint", SMALL)
    rounds = 5 if quick else 11

    def listing(count):
        return lambda: scratch.wall_ms(["pawl", "list"], cwd=repositories[count], count=3)

    return [
        Bench(
            name="list-1000",
            what="list 1,000 jobs",
            kind=ABOVE,
            limit=20,
            unit="ms",
            ours=listing(1000),
            floor=listing(1),
            floor_name="list one job",
            rounds=rounds,
        ),
        Bench(
            name="list-5000",
            what="list 5,000 jobs",
            kind=RATIO,
            limit=6,
            unit="ms",
            ours=listing(5000),
            floor=listing(1000),
            floor_name="list 1,000 jobs",
            rounds=rounds,
        ),
        Bench(
            name="lint-small",
            what="lint a file of two jobs",
            kind=ABOVE,
            limit=5,
            unit="ms",
            ours=lambda: scratch.wall_ms(["pawl", "lint", ".gitlab-ci.yml"], cwd=small, count=10),
            floor=lambda: scratch.wall_ms([BUILD / "bench/empty"], cwd=small, count=10),
            floor_name="an empty C program",
            rounds=rounds,
        ),
    ]
