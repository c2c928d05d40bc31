# pagestore: a PostgreSQL table access method with its own O_DIRECT pool.

MODULE_big = pagestore
EXTENSION = pagestore
DATA = sql/pagestore--1.0.sql
PGFILEDESC = "pagestore - zero-copy table storage on an O_DIRECT pool"

OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/io/*.c src/pool/*.c src/page/*.c \
	src/row/*.c src/am/*.c src/admin/*.c src/debug/*.c))

PG_CPPFLAGS = -I$(srcdir)/src
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-cast-function-type -Wno-declaration-after-statement -fno-semantic-interposition
# Stop points, I/O faults and assertions, whatever the server was built with; the extension that steers them, and
# others made up for tests.
ifeq ($(PAGESTORE_DEBUG),1)
EXTENSION += sql_tests/pagestore_test $(basename $(wildcard sql_tests/extensions/*.control))
DATA += sql_tests/pagestore_test--1.0.sql $(wildcard sql_tests/extensions/*.sql)
PG_CPPFLAGS += -DPAGESTORE_DEBUG -DUSE_ASSERT_CHECKING
endif
# calls among our own files go straight, not through the PLT: pins are that hot
SHLIB_LINK = -luring -Wl,-Bsymbolic-functions

# Tests: any file put there joins in.  "setup" makes the helpers that the others use.
REGRESS = setup $(filter-out setup,$(sort $(patsubst sql_tests/sql/%.sql,%, \
	$(wildcard sql_tests/sql/*.sql))))
REGRESS_OPTS = --inputdir=sql_tests --outputdir=. --load-extension=pagestore
ISOLATION = $(sort $(patsubst sql_tests/specs/%.spec,%,$(wildcard sql_tests/specs/*.spec)))
ISOLATION_OPTS = --inputdir=sql_tests --outputdir=. --load-extension=pagestore
EXTRA_CLEAN = results regression.diffs regression.out

PG_CONFIG ?= $(firstword $(wildcard /usr/lib/postgresql/15/bin/pg_config) pg_config)

# PGXS offers no "check": ours installs, then tests on clusters of its own.
ifeq ($(MAKECMDGOALS),check)
check:
	PG_CONFIG="$(PG_CONFIG)" scripts/run-tests
.PHONY: check
else
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# every object depends on every header: the tree is small, a stale struct is not
$(OBJS): $(wildcard src/*.h src/*/*.h)
endif
