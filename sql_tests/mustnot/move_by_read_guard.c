/*
 * A read guard moves no tuples.
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

	ps_read_lock(rel, pin, &guard);
#ifdef FAULT
	(void) ps_write_movable(&guard, true);
#endif
	ps_read_unlock(&guard);
}
