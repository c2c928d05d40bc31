/*
 * vacuum_index.h
 *		VACUUM and the table's indexes.
 */
#ifndef PAGESTORE_AM_VACUUM_INDEX_H
#define PAGESTORE_AM_VACUUM_INDEX_H

#include "am/vacuum_state.h"

/*
 * Make room for dead TIDs (v->dead), in shared memory and with parallel
 * workers where that is asked for (workers >= 0) and of use.  The indexes are
 * open.
 */
extern void ps_vacuum_dead_begin(PsVacuum *v, int workers);
extern void ps_vacuum_dead_end(PsVacuum *v);	/* leaves parallel mode */

/*
 * Remove the TIDs in v->dead from the indexes, then reap them; or neither,
 * where that is not worth it or the failsafe has come.  Empties v->dead.
 */
extern void ps_vacuum_round(PsVacuum *v);

extern void ps_vacuum_cleanup_indexes(PsVacuum *v);

/* Write to pg_class what the indexes' cleanup has counted; parallel mode has been left. */
extern void ps_vacuum_index_relstats(PsVacuum *v);

#endif							/* PAGESTORE_AM_VACUUM_INDEX_H */
