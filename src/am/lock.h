/*
 * lock.h
 *		Lock a row, or its newest version.
 */
#ifndef PAGESTORE_AM_LOCK_H
#define PAGESTORE_AM_LOCK_H

#include "access/tableam.h"

/* The callback tuple_lock (access/tableam.h). */
extern TM_Result ps_tuple_lock(Relation rel, ItemPointer tid, Snapshot snapshot, TupleTableSlot *slot,
							   CommandId cid, LockTupleMode mode, LockWaitPolicy wait_policy, uint8 flags,
							   TM_FailureData *tmfd);

#endif							/* PAGESTORE_AM_LOCK_H */
