# fuzz.mk: each tests/fuzz/fuzz_NAME.c is one target (LLVMFuzzerTestOneInput); the inputs worth keeping lie in tests/fuzz/corpus/NAME/.
#   make check-fuzz   runs those inputs with the normal compiler: part of `make check`
#   make fuzz         looks for new ones, FUZZ_SECONDS for each target, with clang's libFuzzer; what it finds stays in $(BUILD)/fuzz
FUZZ_SRCS    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_NAMES   ?= $(FUZZ_SRCS:tests/fuzz/fuzz_%.c=%)
FUZZ_SECONDS ?= 60
FUZZ_BINS    := $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/fuzz_%)
FUZZ_CHECKS  := address,undefined

# What drives the target: our own main, or the engine.
FUZZ_ENGINE ?=
FUZZ_MAIN   := $(if $(FUZZ_ENGINE),,$(BUILD)/tests/fuzz/replay_main.o)

.PHONY: check-fuzz fuzz fuzz-bins $(FUZZ_NAMES:%=replay-%) $(FUZZ_NAMES:%=fuzz-%)

$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_MAIN) $(BUILD)/libmigrate.a
	$(CC) $(LDFLAGS) $(FUZZ_ENGINE) -o $@ $^ $(LDLIBS)

fuzz-bins: $(FUZZ_BINS)

check-fuzz: $(FUZZ_NAMES:%=replay-%)

$(FUZZ_NAMES:%=replay-%): replay-%: $(BUILD)/tests/fuzz/fuzz_%
	@$< tests/fuzz/corpus/$*

fuzz:
	$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang OPT='-O1 -g' HARDEN=-fPIE FUZZ_ENGINE=-fsanitize=fuzzer \
	  SANITIZE='-fsanitize=fuzzer-no-link,$(FUZZ_CHECKS) -fno-sanitize-recover=all' fuzz-bins
	@set -e; for name in $(FUZZ_NAMES); do $(MAKE) --no-print-directory fuzz-$$name; done

# Leaks are looked for at the end; the limits make a hang or a bomb a finding.
$(FUZZ_NAMES:%=fuzz-%): fuzz-%:
	@mkdir -p $(BUILD)/fuzz/found/$* tests/fuzz/corpus/$*
	$(BUILD)/fuzz/tests/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=65536 -verbosity=0 \
	  -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/$*- $(BUILD)/fuzz/found/$* tests/fuzz/corpus/$*

-include $(FUZZ_SRCS:%.c=$(BUILD)/%.d)
