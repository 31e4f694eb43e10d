# For systemd: what is installed knows where the programs are.
UNITS = units/pawl-server.service units/pawl-runner.service
unitdir = $(prefix)/lib/systemd/system
nodist_unit_DATA = $(UNITS)
EXTRA_DIST += units/pawl-server.service.in units/pawl-runner.service.in
CLEANFILES += $(UNITS)

units/%.service: units/%.service.in Makefile
	@mkdir -p units
	$(AM_V_GEN)sed 's|[@]bindir[@]|$(bindir)|g' $< >$@.tmp && mv $@.tmp $@
