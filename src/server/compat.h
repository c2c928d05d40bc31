/*
 * compat.h
 *		What differs between PostgreSQL versions, in one place.
 *
 * PostgreSQL 15 is the version built today.  A function or field whose name or
 * shape differs in a later version gets its wrapper here, never an #if at the
 * place of use.  WAL record layouts stand in the files that build the records:
 * row/wal_*.c, row/freeze.c, row/vm.c, am/vacuum_reap.c, am/vacuum_scan.c.
 */
#ifndef PAGESTORE_COMPAT_H
#define PAGESTORE_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 160000
#error "pagestore builds against PostgreSQL 15"
#endif

#endif							/* PAGESTORE_COMPAT_H */
