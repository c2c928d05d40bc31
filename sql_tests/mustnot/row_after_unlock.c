/*
 * A guard that has ended lends no rows.
 *
 * clang: calling function 'ps_row_at' requires holding read guard 'guard'
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern bool look(Relation rel, PsPin *pin, PsRow *row);

bool
look(Relation rel, PsPin *pin, PsRow *row)
{
	PsRead		guard;
	bool		found;

	ps_read_lock(rel, pin, &guard);
	found = ps_row_at(&guard, FirstOffsetNumber, row);
	ps_read_unlock(&guard);
#ifdef FAULT
	found = ps_row_at(&guard, FirstOffsetNumber, row);
#endif
	return found;
}
