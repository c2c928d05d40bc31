/*
 * A guard that is held is not begun again.
 *
 * clang: acquiring read guard 'guard' that is already held
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern void look(Relation rel, PsPin *pin);

void
look(Relation rel, PsPin *pin)
{
	PsRead		guard;

	ps_read_lock(rel, pin, &guard);
#ifdef FAULT
	ps_read_lock(rel, pin, &guard);
#endif
	ps_read_unlock(&guard);
}
