/*
 * lock_chain.h
 *		Lock the newer versions of a row along with it.
 */
#ifndef PAGESTORE_ROW_LOCK_CHAIN_H
#define PAGESTORE_ROW_LOCK_CHAIN_H

#include "access/tableam.h"
#include "row/xmax.h"

/*
 * Lock every version from *successor on for this transaction.  prior is the
 * xmax of the version before it.  Waits for those who delete a version or
 * change its key (no heavyweight row lock is taken).  TM_Ok; TM_Updated or
 * TM_Deleted when one of them has committed.  No latch may be held.
 */
extern TM_Result ps_lock_chain(Relation rel, PsXmax prior, const ItemPointerData *successor,
							   LockTupleMode mode);

#endif							/* PAGESTORE_ROW_LOCK_CHAIN_H */
