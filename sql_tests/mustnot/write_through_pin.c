/*
 * So does a pin.
 *
 * gcc: assignment of (member .* in )?read-only (location|object)
 * clang: read-only variable is not assignable|cannot assign to .* with const-qualified
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern void look(Relation rel);

void
look(Relation rel)
{
	PsPin		pin = ps_pin(rel, 0);

#ifdef FAULT
	pin.page[0] = 0;
#endif
	ps_unpin(&pin);
}
