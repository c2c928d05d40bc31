/*
 * freeze.h
 *		Carry out freeze plans on a page.
 *
 * Plans are made by core (heap_prepare_freeze_tuple()), which also carries
 * them out on a tuple header; here is what core ties to a Buffer.
 */
#ifndef PAGESTORE_ROW_FREEZE_H
#define PAGESTORE_ROW_FREEZE_H

#include "row/wal_prune.h"

/*
 * Freeze n > 0 tuples of the guard's page, plans in ascending offsets, each
 * made under this same guard.  A standby must not show what is older than
 * cutoff_xid as running.
 */
extern void ps_freeze_page(PsWrite *guard, TransactionId cutoff_xid, PsFreezePlan *plans, int n)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_FREEZE_H */
