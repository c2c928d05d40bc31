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
	bool		all_visible;	/* to everybody, for ever; then ndead is 0 */
	bool		all_frozen;		/* meaningful only if all_visible */
	int			removed;		/* dead rows that went */
	bool		unpruned;		/* dead rows had to stay: nothing is known
								 * about visibility */
	TransactionId newest_xmin;	/* of the visible rows: standbys must have got
								 * past it */
} PsVacuumPage;

/*
 * Prune, freeze, count the guard's page and collect its LP_DEAD items; the
 * guard may move. Room for a page's items must be left in v->dead.  An
 * aggressive vacuum that finds no free frame for a page it must freeze waits,
 * with the guard released meanwhile.
 */
extern void ps_vacuum_page(PsVacuum *v, PsWrite *guard, PsVacuumPage *left) PS_REQUIRES(guard);

/* Is every row visible to everybody for ever?  No LP_DEAD items either. */
extern bool ps_vacuum_page_visible(PsVacuum *v, const PsRead *guard,
								   TransactionId *newest_xmin, bool *all_frozen)
			PS_REQUIRES_SHARED(guard);

#endif							/* PAGESTORE_AM_VACUUM_PAGE_H */
