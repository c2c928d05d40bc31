/*
 * check_page.c
 *		Line pointers of a page, the rows that they point at, and HOT chains.
 *
 * A chain begins with a row that indexes point at, or with a redirect in its
 * place, and goes on by heap-only rows, each named by the one before as its
 * newer version, which the next one's xmin confirms.
 */
#include "postgres.h"

#include "admin/check_page.h"
#include "admin/check_row.h"
#include "page/view.h"

#define UNITS (BLCKSZ / MAXIMUM_ALIGNOF)	/* of a page's space */

typedef struct Judged
{
	PsCheck    *check;
	const char *bytes;
	OffsetNumber nitems;
	bool		is_whole;		/* each item could be judged */
	const HeapTupleHeaderData *row[MaxHeapTuplesPerPage + 1];	/* where sound; from 1 */
	PsRowState	state[MaxHeapTuplesPerPage + 1];
	OffsetNumber from[MaxHeapTuplesPerPage + 1];	/* what leads to it in its
													 * chain, 0: nothing */
	bool		taken[UNITS];	/* by rows */
} Judged;

/* ---- line pointers and rows ---- */

static void
check_redirect(Judged *page, OffsetNumber offset, const ItemIdData *item)
{
	OffsetNumber target = ItemIdGetRedirect(item);

	if (ItemIdGetLength(item) != 0)
		ps_found(page->check, offset, PS_NO_ATTRIBUTE, "redirect with %u bytes", ItemIdGetLength(item));
	else if (target < FirstOffsetNumber || target > page->nitems)
		ps_found(page->check, offset, PS_NO_ATTRIBUTE, "redirect to line pointer %u of %u", target, page->nitems);
	else if (!ItemIdIsNormal(ps_page_item(page->bytes, target)))
		ps_found(page->check, offset, PS_NO_ATTRIBUTE, "redirect to line pointer %u, which has no row", target);
	else
		return;
	page->is_whole = false;
}

/* No other row lies there. */
static bool
take_space(Judged *page, uint32 start, uint32 len)
{
	bool		is_free = true;

	for (uint32 i = start / MAXIMUM_ALIGNOF; i < (start + len + MAXIMUM_ALIGNOF - 1) / MAXIMUM_ALIGNOF; i++)
	{
		is_free &= !page->taken[i];
		page->taken[i] = true;
	}
	return is_free;
}

static void
check_normal(Judged *page, OffsetNumber offset, const ItemIdData *item)
{
	PsCheck    *check = page->check;
	uint32		start = ItemIdGetOffset(item);
	uint32		len = ItemIdGetLength(item);
	const HeapTupleHeaderData *row = (const HeapTupleHeaderData *) (page->bytes + start);

	if (start % MAXIMUM_ALIGNOF != 0)
		ps_found(check, offset, PS_NO_ATTRIBUTE, "line pointer to byte %u is not aligned", start);
	else if (len < MAXALIGN(SizeofHeapTupleHeader))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "line pointer to a row of %u bytes, which has no room for a header", len);
	else if (start + len > BLCKSZ)
		ps_found(check, offset, PS_NO_ATTRIBUTE, "line pointer to bytes %u to %u, beyond the page", start, start + len);
	else if (start < ((const PageHeaderData *) page->bytes)->pd_upper)
		ps_found(check, offset, PS_NO_ATTRIBUTE, "line pointer to byte %u, in the page's free space", start);
	else if (!take_space(page, start, len))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "row at byte %u overlaps another one", start);
	else
	{
		page->state[offset] = ps_check_row(check, row, len, offset);
		if (page->state[offset].is_sound)
		{
			page->row[offset] = row;
			return;
		}
	}
	page->is_whole = false;
}

static void
check_item(Judged *page, OffsetNumber offset)
{
	const ItemIdData *item = ps_page_item(page->bytes, offset);

	page->row[offset] = NULL;
	page->from[offset] = InvalidOffsetNumber;
	switch (ItemIdGetFlags(item))
	{
		case LP_NORMAL:
			check_normal(page, offset, item);
			break;
		case LP_REDIRECT:
			check_redirect(page, offset, item);
			break;
		default:
			if (ItemIdGetLength(item) != 0)
				ps_found(page->check, offset, PS_NO_ATTRIBUTE, "%s line pointer with %u bytes",
						 ItemIdIsDead(item) ? "dead" : "unused", ItemIdGetLength(item));
	}
}

/* ---- chains ---- */

/* Item `to` comes after `from` in a chain. */
static void
link_items(Judged *page, OffsetNumber from, OffsetNumber to)
{
	if (page->from[to] != InvalidOffsetNumber)
		ps_found(page->check, from, PS_NO_ATTRIBUTE, "leads to line pointer %u, as line pointer %u does",
				 to, page->from[to]);
	else
		page->from[to] = from;
}

static void
follow_redirect(Judged *page, OffsetNumber offset)
{
	OffsetNumber target = ItemIdGetRedirect(ps_page_item(page->bytes, offset));

	if (target < FirstOffsetNumber || target > page->nitems || page->row[target] == NULL)
		return;
	if (!HeapTupleHeaderIsHeapOnly(page->row[target]))
		ps_found(page->check, offset, PS_NO_ATTRIBUTE, "redirect to line pointer %u, whose row is not heap-only", target);
	link_items(page, offset, target);
}

/* The row's newer version, if that is on this page: an updater that has not failed, and made what the row names. */
static void
follow_row(Judged *page, OffsetNumber offset)
{
	const HeapTupleHeaderData *row = page->row[offset];
	const PsRowState *state = &page->state[offset];
	bool		hot = (row->t_infomask2 & HEAP_HOT_UPDATED) != 0;
	OffsetNumber next = ItemPointerGetOffsetNumberNoCheck(&row->t_ctid);
	const HeapTupleHeaderData *newer;

	if (state->updated != PS_XID_COMMITTED && state->updated != PS_XID_RUNNING)
		return;
	if (ItemPointerGetBlockNumberNoCheck(&row->t_ctid) != page->check->block)
	{
		if (hot)
			ps_found(page->check, offset, PS_NO_ATTRIBUTE, "HOT-updated to block %u", ItemPointerGetBlockNumberNoCheck(&row->t_ctid));
		return;
	}
	if (next < FirstOffsetNumber || next > page->nitems)
	{
		if (hot)
			ps_found(page->check, offset, PS_NO_ATTRIBUTE, "HOT-updated to line pointer %u of %u", next, page->nitems);
		return;
	}
	if (next == offset)
	{
		if (hot)
			ps_found(page->check, offset, PS_NO_ATTRIBUTE, "HOT-updated to itself");
		return;
	}

	newer = page->row[next];
	if (newer == NULL || page->state[next].xmin != state->update)
		return;					/* vacuumed, and used for another row perhaps */
	if (hot && !HeapTupleHeaderIsHeapOnly(newer))
		ps_found(page->check, offset, PS_NO_ATTRIBUTE, "HOT-updated to line pointer %u, whose row is not heap-only", next);
	if (!hot && HeapTupleHeaderIsHeapOnly(newer))
		ps_found(page->check, offset, PS_NO_ATTRIBUTE, "updated to line pointer %u, whose row is heap-only", next);
	if (state->inserted == PS_XID_ABORTED && page->state[next].inserted == PS_XID_COMMITTED)
		ps_found(page->check, offset, PS_NO_ATTRIBUTE, "updated by %u, which committed, although inserted by %u, which did not",
				 state->update, state->xmin);
	link_items(page, offset, next);
}

/* Rows of transactions that failed may be cut off, until they are pruned. */
static void
check_led_to(Judged *page, OffsetNumber offset)
{
	const HeapTupleHeaderData *row = page->row[offset];

	if (row != NULL && HeapTupleHeaderIsHeapOnly(row) && page->from[offset] == InvalidOffsetNumber &&
		page->state[offset].inserted == PS_XID_COMMITTED)
		ps_found(page->check, offset, PS_NO_ATTRIBUTE, "heap-only row that nothing leads to");
}

void
ps_check_page(PsCheck *check, const char *bytes)
{
	Judged	   *page = MemoryContextAlloc(check->page_context, sizeof(Judged));

	page->check = check;
	page->bytes = bytes;
	page->nitems = ps_page_nitems(bytes);
	page->is_whole = true;
	memset(page->taken, 0, sizeof(page->taken));
	Assert(page->nitems <= MaxHeapTuplesPerPage);

	for (OffsetNumber offset = FirstOffsetNumber; offset <= page->nitems; offset++)
		check_item(page, offset);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= page->nitems; offset++)
	{
		if (ItemIdIsRedirected(ps_page_item(bytes, offset)))
			follow_redirect(page, offset);
		else if (page->row[offset] != NULL)
			follow_row(page, offset);
	}

	/* what could not be judged may be what leads to a row */
	for (OffsetNumber offset = FirstOffsetNumber; page->is_whole && offset <= page->nitems; offset++)
		check_led_to(page, offset);
	pfree(page);
}
