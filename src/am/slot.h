/*
 * slot.h
 *		The slot whose values point into a pinned page.
 */
#ifndef PAGESTORE_AM_SLOT_H
#define PAGESTORE_AM_SLOT_H

#include "executor/tuptable.h"
#include "page/view.h"

typedef struct PsSlot
{
	TupleTableSlot base;
	HeapTuple	tuple;			/* NULL when virtual; else &row, or a materialized copy in the slot's context */
	HeapTupleData row;			/* the row in the page while pinned; t_data points into it */
	uint32		off;			/* deform: offset reached */
	PsPin		pin;			/* keeps row.t_data in place */
} PsSlot;

extern const TupleTableSlotOps TTSOpsPagestore;

/*
 * Store a row borrowed from a page that *pin holds; the slot takes a pin of its own (none
 * if it already holds the same bytes).  Guard not needed any more.
 */
extern void ps_slot_store(TupleTableSlot *slot, const PsRow *row, const PsPin *pin);

#endif							/* PAGESTORE_AM_SLOT_H */
