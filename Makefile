# Targets: all run run-postgres check check-long asan tsan coverage lint bench docs install uninstall deb clean. Everything is made below $(BUILD).
BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc
PYTHON ?= /usr/bin/python3
OPT    ?= -O2 -g
JOBS   ?= $(shell nproc)

VERSION := 0.1.0
PROGRAM := $(BUILD)/migrate_models_to_db

SRCS      ?= $(sort $(wildcard src/*/*.c src/*/*/*.c src/*/*/*/*.c))
UNIT_SRCS ?= $(sort $(wildcard tests/unit/*/test_*.c))
SQL       := $(sort $(wildcard sql/*/*.sql sql/*/*/*.sql))

WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 -Wundef -Werror=implicit-function-declaration -Wpointer-arith
HARDEN ?= -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
SANITIZE ?=
CPPFLAGS += -Iinclude -I$(BUILD)/gen -I/usr/include/postgresql -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -DPROGRAM_VERSION='"$(VERSION)"'
CFLAGS += -std=c11 $(OPT) $(WARN) $(HARDEN) $(SANITIZE) -pthread
LDFLAGS += $(SANITIZE) -pthread -pie -Wl,-z,relro,-z,now
LDLIBS := -lpq -lsqlite3 -larchive -lisal -lz -lcsv -lcrypto -ljansson

OBJS := $(SRCS:%.c=$(BUILD)/%.o) $(BUILD)/gen/sql.o
LIB_OBJS := $(filter-out $(BUILD)/src/cmd/main.o,$(OBJS))
UNIT_BINS := $(UNIT_SRCS:%.c=$(BUILD)/%)

STORE_BINS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/store/test_*.c)))
CLI_TESTS  ?= test_*.py
FAULT_TESTS ?= test_*.py
SHIM := $(BUILD)/tests/fault/shim.so

.PHONY: all tests check check-unit check-store check-server check-protections check-long asan tsan coverage lint bench run run-postgres install uninstall clean
all: $(PROGRAM)

$(PROGRAM): $(OBJS)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libmigrate.a: $(LIB_OBJS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libmigrate.a
	$(CC) $(LDFLAGS) -o $@ $< $(BUILD)/libmigrate.a $(LDLIBS) $(shell pkg-config --libs check)

# Under the sanitizers memory is theirs.
$(SHIM): tests/fault/shim.c tests/fault/shim_note.c tests/fault/shim.h
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -g $(WARN) $(if $(SANITIZE),-DSHIM_NO_MALLOC) -fPIC -shared -pthread -o $@ $(filter %.c,$^)

$(BUILD)/%.o: %.c | $(BUILD)/gen/sql.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gen/sql.o: $(BUILD)/gen/sql.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# The SQL files become C strings; sql.h and sql.c come from one call.
$(BUILD)/gen/sql.c: $(SQL) scripts/embed-sql
	@mkdir -p $(@D)
	scripts/embed-sql $(@D) $(SQL)
$(BUILD)/gen/sql.h: $(BUILD)/gen/sql.c

include tests/fuzz/fuzz.mk

tests: $(PROGRAM) $(UNIT_BINS) $(STORE_BINS) $(FUZZ_BINS) $(SHIM)

# On a fresh machine too: what is missing is installed first.
check:
	scripts/install-deps
	$(MAKE) --no-print-directory -j$(JOBS) tests
	$(MAKE) --no-print-directory check-unit check-fuzz check-store
	$(MAKE) --no-print-directory -j4 --output-sync=target check-first-commands check-other-commands check-disk-and-network check-other-faults

check-unit: $(UNIT_BINS)
	@set -e; for t in $(UNIT_BINS); do $$t; done

# The groups that need a server have one each, thrown away at the end, and run side by side.
check-store: tests
	scripts/with-postgres sh -ec 'for t in $(STORE_BINS); do $$t; done'

check-server: check-store check-commands

.PHONY: commands check-commands check-first-commands check-other-commands
commands:
	PROGRAM=$(abspath $(PROGRAM)) $(PYTHON) -m unittest discover -s tests/cli -p '$(CLI_TESTS)'

check-commands: tests
	scripts/with-postgres $(MAKE) --no-print-directory commands BUILD=$(BUILD)

check-first-commands:
	$(MAKE) --no-print-directory check-commands CLI_TESTS='test_[a-m]*.py'

check-other-commands:
	$(MAKE) --no-print-directory check-commands CLI_TESTS='test_[!a-m]*.py'

# Kills, full disks, failing reads, no memory, cut connections. KILLS=10000 FAULTS=all is the long form.
.PHONY: faults check-fault check-disk-and-network check-other-faults
faults:
	PROGRAM=$(abspath $(PROGRAM)) SHIM=$(abspath $(SHIM)) $(PYTHON) -m unittest discover -s tests/fault -p '$(FAULT_TESTS)'

check-fault: tests
	scripts/with-postgres $(MAKE) --no-print-directory faults BUILD=$(BUILD)

check-disk-and-network:
	$(MAKE) --no-print-directory check-fault FAULT_TESTS='test_[cdf]*.py'

check-other-faults:
	$(MAKE) --no-print-directory check-fault FAULT_TESTS='test_[!cdf]*.py'

# Each protection is taken out of a copy of the source, and its test must fail. PROTECTIONS='names or patterns' selects.
check-protections:
	scripts/with-postgres $(PYTHON) tests/protections/run.py

check-long:
	KILLS=10000 FAULTS=all ESTIMATORS=all $(MAKE) --no-print-directory check
	$(MAKE) --no-print-directory check-protections
	$(MAKE) --no-print-directory fuzz

# The same tests with the compiler's checks, in build folders of their own. They need no hardening and dislike it.
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan:
	CK_TIMEOUT_MULTIPLIER=30 KILLS=60 $(MAKE) BUILD=build/asan OPT='-O1 -g' SANITIZE='$(ASAN)' HARDEN=-fPIE check

# By itself TSan holds each program one second at its exit, for races there: our threads are joined long before.
tsan:
	TSAN_OPTIONS="atexit_sleep_ms=20 $$TSAN_OPTIONS" CK_TIMEOUT_MULTIPLIER=30 KILLS=60 $(MAKE) BUILD=build/tsan OPT='-O1 -g' SANITIZE='-fsanitize=thread' HARDEN=-fPIE check

coverage:
	$(MAKE) BUILD=build/coverage OPT='-O0 -g' SANITIZE=--coverage HARDEN=-fPIE check
	lcov -q --capture --directory build/coverage/src --output-file build/coverage/lcov.info
	lcov --list build/coverage/lcov.info | tail -n +3

lint:
	@scripts/lint
	@$(PYTHON) tests/protections/run.py --texts

bench: $(PROGRAM)
	scripts/bench

# The table of options in docs/options.md, between its two marks, and the text of --help that the tests compare, as the program knows them.
.PHONY: docs
docs: $(PROGRAM)
	$(PROGRAM) --help-markdown >$(BUILD)/options.md
	sed -i -e '/^<!-- options -->$$/,/^<!-- end of options -->$$/{//!d}' -e '/^<!-- options -->$$/r $(BUILD)/options.md' docs/options.md
	for c in '' --all run 'run --all' check cleanup get restore copy ls info history activate deactivate rollback release alias db 'db upgrade' 'db current' \
	  'db downgrade' 'db check' 'db stamp' 'db repair' 'db heads' 'db history' 'db show' 'db init' 'db revision' 'db merge'; do \
	  echo "$$ migrate_models_to_db $$c --help"; $(PROGRAM) $$c --help || exit 1; done >tests/cli/golden/help.txt

# Set-up, build, sample models, a migration, and the result: everything below build/. run-postgres shows it on a server.
run:
	scripts/install-deps --run
	$(MAKE) --no-print-directory -j$(JOBS) all
	scripts/demo

run-postgres:
	scripts/install-deps --run-postgres
	$(MAKE) --no-print-directory -j$(JOBS) all
	scripts/demo --postgres

# --- installation ------------------------------------------------------------------------------------------------------------------
# PREFIX (/usr/local), DESTDIR and each of the folders may be given. `make uninstall`, with the same, removes all of it.

BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man/man1
DOCDIR  ?= $(PREFIX)/share/doc/migrate_models_to_db
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR ?= $(PREFIX)/lib/systemd/system
DATADIR ?= $(PREFIX)/share/migrate_models_to_db
UNITS := migrate-models.service migrate-models.timer

$(BUILD)/share/%: $(PROGRAM)
	@mkdir -p $(@D)
	$(PROGRAM) --help-$* >$@.new
	@mv $@.new $@

install: $(PROGRAM) $(addprefix $(BUILD)/share/,man bash zsh fish)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(BINDIR)/migrate_models_to_db
	install -D -m 644 $(BUILD)/share/man $(DESTDIR)$(MANDIR)/migrate_models_to_db.1
	install -D -m 644 $(BUILD)/share/bash $(DESTDIR)$(BASHDIR)/migrate_models_to_db
	install -D -m 644 $(BUILD)/share/zsh $(DESTDIR)$(ZSHDIR)/_migrate_models_to_db
	install -D -m 644 $(BUILD)/share/fish $(DESTDIR)$(FISHDIR)/migrate_models_to_db.fish
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/python scripts/python/migrate_models.py
	install -D -m 644 -t $(DESTDIR)$(DOCDIR) README.md
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/docs $(wildcard docs/*.md)
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/examples $(wildcard scripts/examples/*)
	install -d $(DESTDIR)$(UNITDIR)
	@for unit in $(UNITS); do \
	  sed 's|/usr/local/bin/|$(BINDIR)/|' scripts/examples/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; done

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/migrate_models_to_db $(DESTDIR)$(MANDIR)/migrate_models_to_db.1 $(DESTDIR)$(BASHDIR)/migrate_models_to_db \
	  $(DESTDIR)$(ZSHDIR)/_migrate_models_to_db $(DESTDIR)$(FISHDIR)/migrate_models_to_db.fish $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS))
	rm -rf $(DESTDIR)$(DOCDIR) $(DESTDIR)$(DATADIR)

# $(BUILD)/migrate-models-to-db_VERSION_ARCH.deb; apt-get remove takes it away again, whole.
.PHONY: deb
deb: $(PROGRAM)
	scripts/make-deb $(BUILD) $(VERSION)

clean:
	rm -rf $(BUILD)

-include $(OBJS:.o=.d) $(UNIT_BINS:=.d) $(STORE_BINS:=.d)
.SECONDARY:
