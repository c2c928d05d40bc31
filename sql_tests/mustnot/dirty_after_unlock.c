/*
 * A guard that has ended marks no page dirty.
 *
 * clang: calling function 'ps_mark_dirty' requires holding write guard 'guard' exclusively
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern void change(Relation rel, PsPin *pin);

void
change(Relation rel, PsPin *pin)
{
	PsWrite		guard;

	ps_write_lock(rel, pin, &guard);
	ps_mark_dirty(&guard);
	ps_write_unlock(&guard);
#ifdef FAULT
	ps_mark_dirty(&guard);
#endif
}
