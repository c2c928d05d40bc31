/*
 * vacuum_reap.h
 *		VACUUM's second pass: line pointers that no index names any more become reusable.
 */
#ifndef PAGESTORE_AM_VACUUM_REAP_H
#define PAGESTORE_AM_VACUUM_REAP_H

#include "am/vacuum_state.h"
#include "page/guard.h"
#include "server/compat.h"

/*
 * Make n LP_DEAD items of the guard's page unused, and set what VM bits
 * follow.  vmbuf is pinned for the page.  The indexes have been cleaned of
 * these items, or there are none.
 */
extern void ps_vacuum_reap_page(PsVacuum *v, PsWrite *guard, OffsetNumber *offsets, int n, Buffer vmbuf)
			PS_REQUIRES(guard);

/* The same for all pages that v->dead lists. */
extern void ps_vacuum_reap(PsVacuum *v);

#endif							/* PAGESTORE_AM_VACUUM_REAP_H */
