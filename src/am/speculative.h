/*
 * speculative.h
 *		INSERT ... ON CONFLICT: insert, then confirm or take back.
 */
#ifndef PAGESTORE_AM_SPECULATIVE_H
#define PAGESTORE_AM_SPECULATIVE_H

#include "access/tableam.h"

/* Callbacks (access/tableam.h).  Whoever finds the row meanwhile waits for its token. */
extern void ps_tuple_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid, uint32 options,
										struct BulkInsertStateData *bistate, uint32 spec_token);
extern void ps_tuple_complete_speculative(Relation rel, TupleTableSlot *slot, uint32 spec_token, bool succeeded);

#endif							/* PAGESTORE_AM_SPECULATIVE_H */
