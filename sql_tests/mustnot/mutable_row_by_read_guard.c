/*
 * A read guard lends no row to be changed.
 *
 * gcc: incompatible pointer type
 * clang: incompatible pointer types passing
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern void look(Relation rel, PsPin *pin);

void
look(Relation rel, PsPin *pin)
{
	PsRead		guard;
#ifdef FAULT
	PsRowMut	row;
#endif

	ps_read_lock(rel, pin, &guard);
#ifdef FAULT
	(void) ps_row_at_mut(&guard, FirstOffsetNumber, &row);
#endif
	ps_read_unlock(&guard);
}
