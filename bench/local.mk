# What `make bench` measures with: an empty program as the floor, and a small one that times
# the others. The benches are Python of the standard library.

noinst_PROGRAMS += bench/empty bench/measure

bench_empty_SOURCES = bench/empty.c
bench_empty_LDADD =

bench_measure_SOURCES = bench/measure.c
bench_measure_LDADD =

EXTRA_DIST += \
	bench/README.md \
	bench/generate-pipeline \
	bench/harness.py \
	bench/jobs.py \
	bench/logs.py \
	bench/peers.py \
	bench/plans.py \
	bench/run \
	bench/starts.py

.PHONY: bench
bench: all
	@BUILD=. $(srcdir)/bench/run $(BENCH)
