# pagestore: a PostgreSQL table access method with its own O_DIRECT pool.

MODULE_big = pagestore
EXTENSION = pagestore
DATA = sql/pagestore--1.0.sql
PGFILEDESC = "pagestore - zero-copy table storage on an O_DIRECT pool"

PG_CONFIG ?= $(firstword $(wildcard /usr/lib/postgresql/15/bin/pg_config) pg_config)

# Files whose names end in _NN are for servers from version NN on, up to the next such file of the same name.
MAJOR := $(shell $(PG_CONFIG) --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
ifeq ($(filter $(MAJOR),15 17 18 19),)
$(error pagestore builds against PostgreSQL 15, 17, 18 and 19, not against "$(shell $(PG_CONFIG) --version)")
endif
VARIANTS = $(sort $(wildcard $(foreach v,15 17 18 19,src/*/*_$(v).c)))
NEWEST = $(foreach v,19 18 17 15,$(if $(shell test $(v) -le $(MAJOR) && echo yes),$(v)))
STEMS = $(sort $(foreach v,15 17 18 19,$(patsubst %_$(v).c,%,$(filter %_$(v).c,$(VARIANTS)))))
CHOSEN = $(foreach s,$(STEMS),$(firstword $(foreach v,$(NEWEST),$(filter $(s)_$(v).c,$(VARIANTS)))))

SOURCES = $(wildcard src/*.c src/server/*.c src/io/*.c src/pool/*.c src/page/*.c src/row/*.c src/am/*.c src/admin/*.c src/debug/*.c)

PG_CPPFLAGS = -I$(srcdir)/src
# no -std: the server's headers want the one that it was configured with
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-cast-function-type -Wno-declaration-after-statement -fno-semantic-interposition

# PAGESTORE_DEBUG=1: stop points, I/O faults and assertions, whatever the server was built with; the extension that
# steers them, and others made up for tests.
ifeq ($(PAGESTORE_DEBUG),1)
EXTENSION += sql_tests/pagestore_test $(basename $(wildcard sql_tests/extensions/*.control))
DATA += sql_tests/pagestore_test--1.0.sql $(wildcard sql_tests/extensions/*.sql)
PG_CPPFLAGS += -DPAGESTORE_DEBUG -DUSE_ASSERT_CHECKING
else
ONLY_FOR_DEVELOPERS += src/admin/can_touch.c
endif
# PAGESTORE_BENCH=1: what bench/pin.sql calls, in a build that is otherwise as users have it.
ifeq ($(PAGESTORE_BENCH),1)
EXTENSION += bench/pagestore_bench
DATA += bench/pagestore_bench--1.0.sql
else
ONLY_FOR_DEVELOPERS += src/admin/bench_pin.c
endif
OBJS = $(patsubst %.c,%.o,$(filter-out $(ONLY_FOR_DEVELOPERS) $(filter-out $(CHOSEN),$(VARIANTS)),$(SOURCES)))
# our own functions and variables are reached straight, not through PLT and GOT: pins are that hot
SHLIB_LINK = -luring -Wl,-Bsymbolic

# Tests: any file put there joins in.  "setup" makes the helpers that the others use.
REGRESS = setup $(filter-out setup,$(sort $(patsubst sql_tests/sql/%.sql,%, \
	$(wildcard sql_tests/sql/*.sql))))
REGRESS_OPTS = --inputdir=sql_tests --outputdir=. --load-extension=pagestore
ISOLATION = $(sort $(patsubst sql_tests/specs/%.spec,%,$(wildcard sql_tests/specs/*.spec)))
ISOLATION_OPTS = --inputdir=sql_tests --outputdir=. --load-extension=pagestore
EXTRA_CLEAN = results regression.diffs regression.out $(patsubst %.c,%.o,$(ONLY_FOR_DEVELOPERS) $(VARIANTS)) .built-for


# PGXS has a "check" that only says that there is none, and a second recipe for it would bring a warning with every make.
# So whoever asks for "check" gets ours, which installs and tests on clusters of its own, and the other goals from
# a make of their own before it.
ifneq ($(filter check,$(MAKECMDGOALS)),)
others := $(filter-out check,$(MAKECMDGOALS))
.PHONY: check others $(others)
check: $(others)
	PG_CONFIG="$(PG_CONFIG)" scripts/run-tests
others:
	$(MAKE) $(others)
ifneq ($(others),)
$(others): others
	@:
endif
else
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# for processors that have the registers (checksum.c asks)
ifeq ($(host_cpu),x86_64)
src/server/checksum_wide.o: CFLAGS += -mavx2 $(CFLAGS_UNROLL_LOOPS) $(CFLAGS_VECTORIZE)
endif

# the layout of the sources
.PHONY: indent
indent:
	scripts/indent

# what is compiled for this server, and for developers
.PHONY: sources
sources:
	@printf '%s\n' $(filter-out $(filter-out $(CHOSEN),$(VARIANTS)),$(SOURCES))

# what a release hands out: the committed tree, as tarball and as PGXN's zip
DIST = pagestore-$(shell sed -n 's/^   "version": "\(.*\)",$$/\1/p' META.json)
.PHONY: dist
dist:
	git archive --prefix=$(DIST)/ -o $(DIST).tar.gz HEAD
	git archive --prefix=$(DIST)/ -o $(DIST).zip HEAD

# Every object depends on every header, and on the server and the flags that it is compiled for: the tree is small, a
# stale struct is not.
BUILD := $(PG_CONFIG) $(VERSION) $(PAGESTORE_BENCH) $(CC) $(CPPFLAGS) $(CFLAGS)
ifneq ($(BUILD),$(file <.built-for))
.PHONY: .built-for
endif
.built-for:
	$(file >$@,$(BUILD))
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h src/*/*.h) .built-for
endif
