# The simulation: the scheduler's core among simulated runners, network, store and people.
SIM_TESTS = tests/sim/sim
check_PROGRAMS += $(SIM_TESTS)

tests_sim_sim_SOURCES = tests/sim/world.h
tests_sim_sim_SOURCES += tests/sim/agenda.c
tests_sim_sim_SOURCES += tests/sim/check.c
tests_sim_sim_SOURCES += tests/sim/network.c
tests_sim_sim_SOURCES += tests/sim/people.c
tests_sim_sim_SOURCES += tests/sim/plans.c
tests_sim_sim_SOURCES += tests/sim/runner.c
tests_sim_sim_SOURCES += tests/sim/server.c
tests_sim_sim_SOURCES += tests/sim/sim.c
tests_sim_sim_SOURCES += tests/sim/store.c
