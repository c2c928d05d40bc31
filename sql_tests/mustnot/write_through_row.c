/*
 * A row seen through a read guard is for reading.
 *
 * gcc: assignment of (member .* in )?read-only (location|object)
 * clang: read-only variable is not assignable|cannot assign to .* with const-qualified
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern void look(Relation rel, PsPin *pin);

void
look(Relation rel, PsPin *pin)
{
	PsRead		guard;
	PsRow		row;

	ps_read_lock(rel, pin, &guard);
	if (ps_row_at(&guard, FirstOffsetNumber, &row))
	{
#ifdef FAULT
		row.header->t_infomask = 0;
#endif
	}
	ps_read_unlock(&guard);
}
