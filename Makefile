# Targets: all run check check-long asan tsan coverage lint bench install clean. Everything is made below $(BUILD).
BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc
PYTHON ?= /usr/bin/python3
OPT    ?= -O2 -g

VERSION := 0.1.0
PROGRAM := $(BUILD)/migrate_models_to_db

SRCS      ?= $(sort $(wildcard src/*/*.c))
UNIT_SRCS ?= $(sort $(wildcard tests/unit/test_*.c))
SQL       := $(sort $(wildcard sql/*/*.sql sql/*/*/*.sql))

WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 -Wundef -Wpointer-arith
HARDEN ?= -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
SANITIZE ?=
CPPFLAGS += -Iinclude -I$(BUILD)/gen -I/usr/include/postgresql -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -DPROGRAM_VERSION='"$(VERSION)"'
CFLAGS += -std=c11 $(OPT) $(WARN) $(HARDEN) $(SANITIZE) -pthread
LDFLAGS += $(SANITIZE) -pthread -pie -Wl,-z,relro,-z,now
LDLIBS := -lpq -larchive -lisal -lz -lcsv -lcrypto -ljansson

OBJS := $(SRCS:%.c=$(BUILD)/%.o) $(BUILD)/gen/sql.o
LIB_OBJS := $(filter-out $(BUILD)/src/cmd/main.o,$(OBJS))
UNIT_BINS := $(UNIT_SRCS:%.c=$(BUILD)/%)

.PHONY: all unit-bins check-unit clean
all: $(PROGRAM)
unit-bins: $(UNIT_BINS)

$(PROGRAM): $(OBJS)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libmigrate.a: $(LIB_OBJS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libmigrate.a
	$(CC) $(LDFLAGS) -o $@ $< $(BUILD)/libmigrate.a $(LDLIBS) $(shell pkg-config --libs check)

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

check-unit: $(UNIT_BINS)
	@set -e; for t in $(UNIT_BINS); do $$t; done

clean:
	rm -rf $(BUILD)

-include $(OBJS:.o=.d) $(UNIT_BINS:=.d)
