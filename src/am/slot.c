/*
 * slot.c
 *		Tuple slots that borrow a row's bytes where they lie in a pinned page.
 *
 * A slot is in one of four states:
 *	empty;
 *	borrowed:		tuple == &row, row.t_data points into the page that pin holds;
 *	materialized:	tuple is a copy in the slot's context (TTS_FLAG_SHOULDFREE), no pin;
 *	virtual:		tuple == NULL, only tts_values/tts_isnull, no pin.
 *
 * The pin keeps tuple bytes in place and nothing else: the page may have moved
 * on to another frame meanwhile.  So header words that are changed in place
 * (xmax, command ids) are taken from the current page, see
 * sysattr_from_current().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/xact.h"
#include "am/deform.h"
#include "am/outsiders.h"
#include "am/slot.h"
#include "page/storage.h"
#include "server/compat.h"
#include "utils/rel.h"
#include "utils/relcache.h"

static void
slot_init(TupleTableSlot *slot)
{
	PsSlot	   *ps = (PsSlot *) slot;

	ps->pin = PS_NO_PIN;
	ps->deform = NULL;
}

static void
forget_deform(PsSlot *ps)
{
	if (ps->deform)
		pfree(ps->deform);
	ps->deform = NULL;
}

static void
slot_release(TupleTableSlot *slot)
{
	forget_deform((PsSlot *) slot);
}

void
ps_slot_free_copy(PsSlot *ps)
{
	Assert(!ps_pinned(&ps->pin));
	heap_freetuple(ps->tuple);
	ps->tuple = NULL;
	ps->base.tts_flags &= ~TTS_FLAG_SHOULDFREE;
}

static void
slot_clear(TupleTableSlot *slot)
{
	PsSlot	   *ps = (PsSlot *) slot;

	if (TTS_SHOULDFREE(slot))
		ps_slot_free_copy(ps);
	ps_unpin(&ps->pin);

	/*
	 * a slot that was made without a row type is cleared before it gets
	 * another
	 */
	if (!TTS_FIXED(slot))
		forget_deform(ps);

	slot->tts_nvalid = 0;
	slot->tts_flags |= TTS_FLAG_EMPTY;
	ItemPointerSetInvalid(&slot->tts_tid);
	ps->tuple = NULL;
	ps->off = 0;
}

/*
 * Bytes to a row soon to come: two rows, or where they are narrow a few cache
 * lines.  Rows lie in a page from its end downwards.  (The address need not be
 * valid.)
 */
#define NEAR_ROW	256

static inline const char *
row_soon_to_come(const HeapTupleData *tuple)
{
	return (const char *) tuple->t_data - Max(NEAR_ROW, 2 * MAXALIGN(tuple->t_len));
}

static void
slot_someattrs(TupleTableSlot *slot, int natts)
{
	PsSlot	   *ps = (PsSlot *) slot;
	HeapTupleHeader header = ps->tuple->t_data;
	const char *soon = NULL;

	Assert(!TTS_EMPTY(slot));

	if (slot->tts_nvalid == 0)
	{
		soon = row_soon_to_come(ps->tuple);
		__builtin_prefetch(soon);
	}

	if (unlikely(ps->deform == NULL))
		ps->deform = ps_deform_begin(slot->tts_tupleDescriptor, slot->tts_mcxt);
	slot->tts_nvalid = ps_deform(ps->deform, header, slot->tts_nvalid, natts,
								 &ps->off, slot->tts_values, slot->tts_isnull);
	ps_slot_fill(slot, natts);

	if (soon != NULL)
		ps_deform_expect(soon, header->t_hoff + ps->off);
}

/*
 * System column of a borrowed row whose frame no longer is the page (a ghost,
 * or a scan's private image): xmax and command ids may have changed since, so
 * look at the same TID in the current page.  If another version lies there
 * now, the row was removed and the bytes held are its last known state.
 * Returns false in that case.
 */
static bool
sysattr_from_current(const PsSlot *ps, int attnum, Datum *value, bool *isnull)
{
	Relation	rel = RelationIdGetRelation(ps->row.t_tableOid);
	BlockNumber block = ItemPointerGetBlockNumber(&ps->row.t_self);
	bool		found = false;

	if (!RelationIsValid(rel))
		return false;
	if (block < ps_nblocks(rel))
	{
		PsPin		pin = ps_pin(rel, block);
		PsRead		guard;
		PsRow		row;

		ps_read_lock(rel, &pin, &guard);
		if (ps_row_at(&guard, ItemPointerGetOffsetNumber(&ps->row.t_self), &row) &&
			HeapTupleHeaderGetRawXmin(row.header) == HeapTupleHeaderGetRawXmin(ps->row.t_data))
		{
			HeapTupleData tuple = ps_row_tuple(&row);

			/* these columns are passed by value: nothing points into the page */
			*value = heap_getsysattr(&tuple, attnum, ps->base.tts_tupleDescriptor, isnull);
			found = true;
		}
		ps_read_unlock(&guard);
		ps_unpin(&pin);
	}
	RelationClose(rel);
	return found;
}

static Datum
slot_sysattr(TupleTableSlot *slot, int attnum, bool *isnull)
{
	PsSlot	   *ps = (PsSlot *) slot;
	Datum		value;

	Assert(!TTS_EMPTY(slot));

	if (ps->tuple == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot retrieve a system column in this context")));

	/* ctid, tableoid and xmin never change while the row is there */
	if ((attnum == MaxTransactionIdAttributeNumber ||
		 attnum == MinCommandIdAttributeNumber ||
		 attnum == MaxCommandIdAttributeNumber) &&
		ps_pinned(&ps->pin) && !ps_pin_is_current(&ps->pin) &&
		sysattr_from_current(ps, attnum, &value, isnull))
		return value;

	return heap_getsysattr(ps->tuple, attnum, slot->tts_tupleDescriptor, isnull);
}

/* Did this transaction make the row?  xmin does not change while the row is there. */
pg_attribute_unused() static bool
slot_is_current_xact(TupleTableSlot *slot)
{
	PsSlot	   *ps = (PsSlot *) slot;

	Assert(!TTS_EMPTY(slot));
	if (ps->tuple == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("don't have a storage tuple in this context")));
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(ps->tuple->t_data));
}

static void
slot_materialize(TupleTableSlot *slot)
{
	PsSlot	   *ps = (PsSlot *) slot;
	MemoryContext old;

	Assert(!TTS_EMPTY(slot));

	if (TTS_SHOULDFREE(slot))
		return;

	/*
	 * Values extracted so far point into the page: extract them anew from the
	 * copy.
	 */
	old = MemoryContextSwitchTo(slot->tts_mcxt);
	if (ps->tuple == NULL)
		ps->tuple = heap_form_tuple(slot->tts_tupleDescriptor, slot->tts_values, slot->tts_isnull);
	else
		ps->tuple = heap_copytuple(ps->tuple);
	MemoryContextSwitchTo(old);

	ps->off = 0;
	slot->tts_nvalid = 0;
	ps_unpin(&ps->pin);
	slot->tts_flags |= TTS_FLAG_SHOULDFREE;
}

static void
slot_copyslot(TupleTableSlot *dst, TupleTableSlot *src)
{
	PsSlot	   *psrc = (PsSlot *) src;
	PsSlot	   *pdst = (PsSlot *) dst;

	if (ps_is_slot(src) && ps_pinned(&psrc->pin))
	{
		PsRow		row = {psrc->row.t_data, psrc->row.t_len, psrc->row.t_self, psrc->row.t_tableOid};

		ps_slot_store(dst, &row, &psrc->pin);
	}
	else
	{
		MemoryContext old;

		ExecClearTuple(dst);
		old = MemoryContextSwitchTo(dst->tts_mcxt);
		pdst->tuple = ExecCopySlotHeapTuple(src);
		MemoryContextSwitchTo(old);
		dst->tts_tid = pdst->tuple->t_self;
		dst->tts_flags &= ~TTS_FLAG_EMPTY;
		dst->tts_flags |= TTS_FLAG_SHOULDFREE;
	}
}

static HeapTuple
slot_get_heap_tuple(TupleTableSlot *slot)
{
	PsSlot	   *ps = (PsSlot *) slot;

	Assert(!TTS_EMPTY(slot));
	if (ps->tuple == NULL)
		slot_materialize(slot);
	return ps->tuple;
}

static HeapTuple
slot_copy_heap_tuple(TupleTableSlot *slot)
{
	return heap_copytuple(slot_get_heap_tuple(slot));
}

static MinimalTuple
slot_copy_minimal_tuple(TupleTableSlot *slot PS_EXTRA_PARAMETER)
{
	return minimal_tuple_from_heap_tuple(slot_get_heap_tuple(slot) PS_EXTRA_ARGUMENT);
}

const TupleTableSlotOps TTSOpsPagestore = {
	.base_slot_size = sizeof(PsSlot),
	.init = slot_init,
	.release = slot_release,
	.clear = slot_clear,
	.getsomeattrs = slot_someattrs,
	.getsysattr = slot_sysattr,
	PS_CURRENT_XACT_CALLBACK(slot_is_current_xact)
	.materialize = slot_materialize,
	.copyslot = slot_copyslot,
	.get_heap_tuple = slot_get_heap_tuple,

	/* a row in a page is no minimal tuple: only copies */
	.get_minimal_tuple = NULL,
	.copy_heap_tuple = slot_copy_heap_tuple,
	.copy_minimal_tuple = slot_copy_minimal_tuple,
};

const TupleTableSlotOps *
ps_slot_callbacks(Relation rel)
{
	ps_refuse_outsiders(rel);
	return &TTSOpsPagestore;
}
