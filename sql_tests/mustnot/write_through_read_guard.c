/*
 * A read guard lends its bytes for reading.
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

	ps_read_lock(rel, pin, &guard);
#ifdef FAULT
	guard.page[0] = 0;
#endif
	ps_read_unlock(&guard);
}
