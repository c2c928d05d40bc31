/*
 * multi_insert.h
 *		Insert many rows, a page at a time.
 */
#ifndef PAGESTORE_AM_MULTI_INSERT_H
#define PAGESTORE_AM_MULTI_INSERT_H

#include "access/tableam.h"

/* The callback multi_insert (access/tableam.h). */
extern void ps_multi_insert(Relation rel, TupleTableSlot **slots, int nslots, CommandId cid, uint32 options,
							struct BulkInsertStateData *bistate);

#endif							/* PAGESTORE_AM_MULTI_INSERT_H */
