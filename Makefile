# pagestore: a PostgreSQL table access method with its own O_DIRECT pool.

MODULE_big = pagestore
EXTENSION = pagestore
DATA = sql/pagestore--1.0.sql
PGFILEDESC = "pagestore - zero-copy table storage on an O_DIRECT pool"

OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/io/*.c src/pool/*.c src/page/*.c \
	src/row/*.c src/am/*.c src/admin/*.c))

PG_CPPFLAGS = -I$(srcdir)/src
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-cast-function-type -Wno-declaration-after-statement
SHLIB_LINK = -luring

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# every object depends on every header: the tree is small, a stale struct is not
$(OBJS): $(wildcard src/*.h src/*/*.h)
