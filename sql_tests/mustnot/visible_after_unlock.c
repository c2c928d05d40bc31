/*
 * Who sees a row is asked under a guard.
 *
 * clang: calling function 'ps_row_visible' requires holding read guard 'guard'
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"
#include "row/visibility.h"

extern bool look(Relation rel, PsPin *pin, Snapshot snapshot);

bool
look(Relation rel, PsPin *pin, Snapshot snapshot)
{
	PsRead		guard;
	PsRow		row;
	bool		visible;

	ps_read_lock(rel, pin, &guard);
	visible = ps_row_at(&guard, FirstOffsetNumber, &row) &&
		ps_row_visible(&guard, &row, snapshot);
	ps_read_unlock(&guard);
#ifdef FAULT
	visible &= ps_row_visible(&guard, &row, snapshot);
#endif
	return visible;
}
