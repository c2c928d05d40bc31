/*
 * slot.h
 *		The slot whose values point into a pinned page.
 */
#ifndef PAGESTORE_AM_SLOT_H
#define PAGESTORE_AM_SLOT_H

#include "executor/tuptable.h"
#include "page/guard.h"

/* Begins like a HeapTupleTableSlot: code that core compiles for one deforms ours as well (jit.c). */
typedef struct PsSlot
{
	TupleTableSlot base;
	HeapTuple	tuple;			/* NULL when virtual; else &row, or a
								 * materialized copy in the slot's context */
	uint32		off;			/* where the last value deformed ends */
	HeapTupleData row;			/* the row in the page while pinned; t_data
								 * points into it */
	PsPin		pin;			/* keeps row.t_data in place */
	struct PsDeform *deform;	/* for the slot's row type; NULL before first
								 * use */
} PsSlot;

StaticAssertDecl(offsetof(PsSlot, tuple) == offsetof(HeapTupleTableSlot, tuple) &&
				 offsetof(PsSlot, off) == offsetof(HeapTupleTableSlot, off),
				 "a PsSlot begins like a HeapTupleTableSlot");

extern const TupleTableSlotOps TTSOpsPagestore;

/* The callback slot_callbacks (access/tableam.h). */
extern const TupleTableSlotOps *ps_slot_callbacks(Relation rel);

static inline bool
ps_is_slot(const TupleTableSlot *slot)
{
	return slot->tts_ops == &TTSOpsPagestore;
}

/* Let go of a materialized tuple (slot.c); for ps_slot_store(). */
extern void ps_slot_free_copy(PsSlot *ps);

static inline void
ps_slot_set_row(PsSlot *ps, const PsRow *row)
{
	TupleTableSlot *slot = &ps->base;

	Assert(ps_is_slot(slot));

	if (unlikely(TTS_SHOULDFREE(slot)))
		ps_slot_free_copy(ps);

	slot->tts_flags &= ~TTS_FLAG_EMPTY;
	slot->tts_nvalid = 0;
	slot->tts_tid = row->tid;
	slot->tts_tableOid = row->table;
	ps->row = ps_row_tuple(row);
	ps->tuple = &ps->row;
	ps->off = 0;
}

/*
 * Store a row borrowed from a page that *pin holds; the slot takes a pin of
 * its own (none if it already holds the same bytes).  Guard not needed any
 * more.  Inline: called for each row of every scan.
 */
static inline void
ps_slot_store(TupleTableSlot *slot, const PsRow *row, const PsPin *pin)
{
	PsSlot	   *ps = (PsSlot *) slot;

	Assert(ps_pinned(pin));
	ps_slot_set_row(ps, row);

	/* Successive rows of one page need no new pin. */
	if (unlikely(!ps_pin_same(&ps->pin, pin)))
	{
		ps_unpin(&ps->pin);
		ps->pin = ps_pin_copy(pin);
	}
}

/* The same, but the slot takes over *pin, which is left empty. */
static inline void
ps_slot_store_pinned(TupleTableSlot *slot, const PsRow *row, PsPin *pin)
{
	PsSlot	   *ps = (PsSlot *) slot;

	Assert(ps_pinned(pin));
	ps_slot_set_row(ps, row);
	ps_unpin(&ps->pin);
	ps->pin = *pin;
	*pin = PS_NO_PIN;
}

#endif							/* PAGESTORE_AM_SLOT_H */
