/*
 * vacuum_eager.h
 *		All-visible pages that a normal VACUUM looks at, to freeze them before an
 *		aggressive one must.
 *
 * From PostgreSQL 18 on (vacuum_max_eager_freeze_failure_rate); before, none.
 * The table is taken in regions of 4096 blocks, the first of which begins at
 * random.  In each, pages are looked at until that many could not be frozen as
 * the rate allows; in all, until a fifth of the pages that were visible and not
 * frozen have been.
 */
#ifndef PAGESTORE_AM_VACUUM_EAGER_H
#define PAGESTORE_AM_VACUUM_EAGER_H

#include "am/vacuum_state.h"

typedef struct PsEager PsEager;

/* Once cutoffs, size and v->aggressive are known.  failure_rate: 0 to 1; 0: no eager scanning. */
extern void ps_eager_begin(PsVacuum *v, double failure_rate);

/* While pages are chosen by the map, ahead of their use: the next one that is considered, in ascending order. */
extern void ps_eager_reach(PsVacuum *v, BlockNumber block);

/* The block, reached last, is visible and not frozen: is it to be looked at?  True notes it. */
extern bool ps_eager_choose(PsVacuum *v, BlockNumber block);

/* A page is looked at: was it chosen?  Asked once for each page, in ascending order; counts it. */
extern bool ps_eager_chosen(PsVacuum *v, BlockNumber block);

/* One that was, and was not left unpruned, has been looked at; frozen: it has been set all frozen. */
extern void ps_eager_done(PsVacuum *v, bool frozen);

/* Pages looked at for that reason alone. */
extern BlockNumber ps_eager_scanned(const PsVacuum *v);

#endif							/* PAGESTORE_AM_VACUUM_EAGER_H */
