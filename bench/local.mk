# What `make bench` measures with: an empty program as the floor, and small ones that time
# the others and what a server keeps. The benches are Python of the standard library.

noinst_PROGRAMS += bench/empty bench/keep bench/layers bench/measure bench/schedule

bench_empty_SOURCES = bench/empty.c
bench_empty_LDADD =

bench_keep_SOURCES = bench/keep.c
bench_keep_LDADD = $(PAWL_LIBS) $(PAWL_FOREIGN_LIBS)

bench_layers_SOURCES = bench/layers.c
bench_layers_LDADD = $(PAWL_LIBS) $(PAWL_FOREIGN_LIBS)

bench_measure_SOURCES = bench/measure.c
bench_measure_LDADD =

bench_schedule_SOURCES = bench/schedule.c
bench_schedule_LDADD = $(PAWL_LIBS) $(PAWL_FOREIGN_LIBS)

EXTRA_DIST += \
	bench/README.md \
	bench/cages.py \
	bench/engines.py \
	bench/generate-pipeline \
	bench/harness.py \
	bench/jobs.py \
	bench/kept.py \
	bench/laminar.py \
	bench/logs.py \
	bench/pages.mjs \
	bench/pages.py \
	bench/peers.py \
	bench/plans.py \
	bench/run \
	bench/schedules.py \
	bench/serve.py \
	bench/starts.py \
	bench/workspaces.py

.PHONY: bench
bench: all
	@BUILD=. $(srcdir)/bench/run $(BENCH)
