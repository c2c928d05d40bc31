/*
 * A write guard that has ended lends no read guard.
 *
 * clang: calling function 'ps_write_lend' requires holding write guard 'guard' exclusively
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern void change(Relation rel, PsPin *pin);

void
change(Relation rel, PsPin *pin)
{
	PsWrite		guard;
	PsRead		lent;

	ps_write_lock(rel, pin, &guard);
	ps_write_lend(&guard, &lent);
	ps_write_unlock(&guard);
#ifdef FAULT
	ps_write_lend(&guard, &lent);
#endif
}
