/*
 * hold.h
 *		Relations whose owner changes in a transaction: shared buffers own them
 *		until it ends.
 */
#ifndef PAGESTORE_POOL_HOLD_H
#define PAGESTORE_POOL_HOLD_H

#include "postgres.h"
#include "server/compat.h"

/*
 * From here to the end of the transaction shared buffers own the relation,
 * whichever access method it ends up with, and whatever is rolled back; then
 * it is heap's, or passes the gate.  What the pool has of it is written out
 * and forgotten, and what shared buffers have is made current.  Under
 * AccessExclusiveLock, kept to the end of the transaction, on every relation
 * that has or had the file in it.  for_workers: its relation is pagestore's
 * now, so that parallel workers must know; ereport(ERROR) if there is no room
 * for that.  The way to heap is open even then.  ereport(ERROR) on I/O errors.
 */
extern void ps_hold(RelFileLocator rlocator, bool for_workers);

/* Does this transaction hold it? */
extern bool ps_holds(RelFileLocator rlocator, bool for_workers);
extern bool ps_holds_any(void);
extern RelFileLocator *ps_held(int *n); /* all of them, palloc'd; NULL: none */

/* NULL where ps_holds() says no to all. */
extern struct HTAB *ps_hold_table;

/*
 * The catalog has changed in this transaction, perhaps which relation has
 * which file or access method: before the next access ps_settle() puts
 * ownership right.  Set by the layer that can read the catalog
 * (admin/ownership.c).
 */
extern bool ps_unsettled;
extern void (*ps_settle) (void);

/* Throws nothing. */
extern void ps_hold_at_xact_end(void);

#endif							/* PAGESTORE_POOL_HOLD_H */
