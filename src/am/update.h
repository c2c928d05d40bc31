/*
 * update.h
 *		Replace a row by a new version.
 */
#ifndef PAGESTORE_AM_UPDATE_H
#define PAGESTORE_AM_UPDATE_H

#include "access/tableam.h"
#include "server/compat.h"

/* The callback tuple_update (access/tableam.h). */
extern TM_Result ps_tuple_update(Relation rel, ItemPointer otid, TupleTableSlot *slot, CommandId cid,
								 uint32 options, Snapshot snapshot, Snapshot crosscheck, bool wait, TM_FailureData *tmfd,
								 LockTupleMode *lockmode, TU_UpdateIndexes *update_indexes);

#endif							/* PAGESTORE_AM_UPDATE_H */
