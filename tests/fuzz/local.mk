# One line per fuzzer: its source is the file of the same name plus .c, it defines
# LLVMFuzzerTestOneInput() and is linked with whatever it uses. Seeds lie in seeds/NAME/,
# words in NAME.dict; run says what else it is given.
FUZZERS =

EXTRA_DIST += tests/fuzz/run

if FUZZ
noinst_PROGRAMS += $(FUZZERS)
endif

SECONDS = 60
.PHONY: fuzz
fuzz: all
	@$(srcdir)/tests/fuzz/run $(SECONDS) $(FUZZERS)
