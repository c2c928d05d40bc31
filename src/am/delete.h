/*
 * delete.h
 *		Delete a row.
 */
#ifndef PAGESTORE_AM_DELETE_H
#define PAGESTORE_AM_DELETE_H

#include "access/tableam.h"

/* The callback tuple_delete (access/tableam.h). */
extern TM_Result ps_tuple_delete(Relation rel, ItemPointer tid, CommandId cid, uint32 options,
								 Snapshot snapshot, Snapshot crosscheck, bool wait, TM_FailureData *tmfd);

#endif							/* PAGESTORE_AM_DELETE_H */
