/*
 * insert.h
 *		Insert one row.
 */
#ifndef PAGESTORE_AM_INSERT_H
#define PAGESTORE_AM_INSERT_H

#include "access/tableam.h"

/*
 * Stamp a tuple as inserted by this command, and toast it if need be: returns
 * the tuple itself or a toasted copy.
 */
extern HeapTuple ps_prepare_insert(Relation rel, HeapTuple tuple, CommandId cid, uint32 options);

/* Insert one tuple; t_self tells where it went.  options: HEAP_INSERT_*. */
extern void ps_insert_tuple(Relation rel, HeapTuple tuple, CommandId cid, uint32 options);

/* Callbacks (access/tableam.h).  A bulk-insert state is of no use to us. */
extern void ps_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid, uint32 options,
							struct BulkInsertStateData *bistate);
extern void ps_finish_bulk_insert(Relation rel, uint32 options);

#endif							/* PAGESTORE_AM_INSERT_H */
