/*
 * vacuum_dead.h
 *		The dead TIDs that VACUUM has found and not yet removed.
 *
 * A variant for each server, since it is core's store, which index vacuuming
 * and parallel workers share: vacuum_dead_15.c (an array), vacuum_dead_17.c
 * (a TidStore).
 */
#ifndef PAGESTORE_AM_VACUUM_DEAD_H
#define PAGESTORE_AM_VACUUM_DEAD_H

#include "am/vacuum_state.h"

typedef struct PsDead PsDead;
typedef struct PsDeadIterator PsDeadIterator;

/*
 * Make v->dead, in shared memory and v->parallel with it where there are to be
 * workers (parallel) and core finds work for them.  The indexes are open.
 */
extern void ps_dead_begin(PsVacuum *v, bool parallel, int workers);
extern void ps_dead_end(PsVacuum *v);	/* not v->parallel */

/* Its size as progress reports have it. */
extern int64 ps_dead_capacity(const PsDead *dead);

/* Room for the items of one more page? */
extern bool ps_dead_has_room(const PsDead *dead);

/* Offsets ascend, blocks too. */
extern void ps_dead_add(PsDead *dead, BlockNumber block, OffsetNumber *offsets, int n);
extern int64 ps_dead_count(const PsDead *dead);

/* So little that a scan of the indexes may be left for another time, if n items are all there were. */
extern bool ps_dead_is_little(const PsDead *dead, int64 n);

/* Empty it: the indexes are clean of these TIDs, or will not be. */
extern void ps_dead_reset(PsVacuum *v);

/* One index; see vac_bulkdel_one_index(). */
extern IndexBulkDeleteResult *ps_dead_bulkdelete(PsDead *dead, IndexVacuumInfo *info,
												 IndexBulkDeleteResult *stats);

/* The blocks in order, as many iterators at a time as are wanted. */
extern PsDeadIterator *ps_dead_iterate(PsDead *dead);

/*
 * Next block, InvalidBlockNumber at the end; its items, at most
 * MaxHeapTuplesPerPage, unless offsets is NULL.
 */
extern BlockNumber ps_dead_next(PsDeadIterator *iterator, OffsetNumber *offsets, int *n);
extern void ps_dead_iterate_end(PsDeadIterator *iterator);

#endif							/* PAGESTORE_AM_VACUUM_DEAD_H */
