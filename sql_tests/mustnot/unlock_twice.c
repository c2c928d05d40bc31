/*
 * A guard ends once.
 *
 * clang: releasing read guard 'guard' that was not held
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
	ps_read_unlock(&guard);
#ifdef FAULT
	ps_read_unlock(&guard);
#endif
}
