/*
 * What was only tried may not be held.
 *
 * clang: requires holding write guard 'guard' exclusively
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern void change(Relation rel, PsPin *pin);

void
change(Relation rel, PsPin *pin)
{
	PsWrite		guard;

#ifdef FAULT
	(void) ps_write_trylock(rel, pin, &guard);
	ps_mark_dirty(&guard);
#else
	if (!ps_write_trylock(rel, pin, &guard))
		return;
	ps_mark_dirty(&guard);
#endif
	ps_write_unlock(&guard);
}
