/*
 * vacuum_page.h
 *		One page of VACUUM's first pass.
 */
#ifndef PAGESTORE_AM_VACUUM_PAGE_H
#define PAGESTORE_AM_VACUUM_PAGE_H

#include "access/htup_details.h"
#include "am/vacuum_state.h"
#include "page/guard.h"
#include "server/compat.h"

/* What is left on a page after ps_vacuum_page(). */
typedef struct PsVacuumPage
{
	bool		has_rows;		/* may not be truncated away */
	int			ndead;			/* LP_DEAD items that are left; in v->dead, if
								 * there are indexes */
	OffsetNumber dead[MaxHeapTuplesPerPage];
	int			removed;		/* dead rows that went */
	bool		unpruned;		/* dead rows had to stay: nothing is known
								 * about visibility */
	bool		now_frozen;		/* the map says so, and did not before */
} PsVacuumPage;

/*
 * Prune, freeze, count the guard's page, collect its LP_DEAD items, and bring the
 * visibility map up to date with what is left; the guard may move.  vmbuf: its
 * map page, pinned.  Room for a page's items must be left in v->dead.  An
 * aggressive vacuum that finds no free frame for a page it must freeze waits,
 * with the guard released meanwhile.
 */
extern void ps_vacuum_page(PsVacuum *v, PsWrite *guard, Buffer vmbuf, PsVacuumPage *left) PS_REQUIRES(guard);

/*
 * Is every row visible to everybody for ever?  No LP_DEAD items either, but for
 * n at these offsets, which ascend.
 */
extern bool ps_vacuum_page_visible(PsVacuum *v, const PsRead *guard, const OffsetNumber *unused, int n,
								   TransactionId *newest_xmin, bool *all_frozen)
			PS_REQUIRES_SHARED(guard);

#endif							/* PAGESTORE_AM_VACUUM_PAGE_H */
