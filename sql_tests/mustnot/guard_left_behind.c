/*
 * A guard ends on every path.
 *
 * clang: 'guard' is (still held at the end of function|not held on every path)
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern bool look(Relation rel, PsPin *pin);

bool
look(Relation rel, PsPin *pin)
{
	PsRead		guard;
	PsRow		row;
	bool		found;

	ps_read_lock(rel, pin, &guard);
	found = ps_row_at(&guard, FirstOffsetNumber, &row);
#ifdef FAULT
	if (!found)
		return false;
#endif
	ps_read_unlock(&guard);
	return found;
}
