/*
 * vacuum.h
 *		VACUUM of a table.
 *
 * Each file uses those below it only:
 *
 *	vacuum.c			the run from cutoffs to pg_class
 *	vacuum_scan.c		first pass: which pages, visibility and free space maps
 *	vacuum_index.c		dead TIDs, index vacuuming and cleanup, when to bypass
 *	vacuum_reap.c		second pass: collected line pointers become reusable
 *	vacuum_page.c		one page of the first pass: prune, freeze, count, collect, its map bits
 *	vacuum_dead_*.c		the dead TIDs, by server
 *	vacuum_truncate.c	give the empty tail back
 *	vacuum_report.c		what VERBOSE and the log say
 *	vacuum_eager.c		pages that could be skipped and are looked at, to freeze them
 *	vacuum_state.c		what the run knows; failsafe, error context
 *
 * Behaviour follows core's vacuumlazy.c, except that no reader's pin keeps a
 * page from being pruned (doc/architecture.md, No cleanup lock).  The lack of
 * a free frame may, or a scan for dirty pages under way.
 */
#ifndef PAGESTORE_AM_VACUUM_H
#define PAGESTORE_AM_VACUUM_H

#include "commands/vacuum.h"
#include "storage/buf.h"
#include "utils/rel.h"

/*
 * The callback relation_vacuum (access/tableam.h): with ShareUpdateExclusiveLock,
 * in a transaction of its own that holds back no horizon (PROC_IN_VACUUM).
 */
extern void ps_vacuum(Relation rel, const struct VacuumParams *params, BufferAccessStrategy bstrategy);

#endif							/* PAGESTORE_AM_VACUUM_H */
