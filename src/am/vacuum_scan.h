/*
 * vacuum_scan.h
 *		VACUUM's first pass over the table.
 */
#ifndef PAGESTORE_AM_VACUUM_SCAN_H
#define PAGESTORE_AM_VACUUM_SCAN_H

#include "am/vacuum_state.h"

/*
 * Look at every page that the visibility map does not let us skip: prune,
 * freeze, count, collect dead items, bring the maps up to date; with a round
 * over the indexes (ps_vacuum_round()) where memory runs out and at the end,
 * and the indexes' cleanup.  ps_vacuum_dead_begin() was called.
 */
extern void ps_vacuum_scan(PsVacuum *v);

#endif							/* PAGESTORE_AM_VACUUM_SCAN_H */
