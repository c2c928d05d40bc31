/*
 * compare.c
 *		Two images of a page: does one hold all that the other does?
 */
#include "postgres.h"

#include "page/compare.h"
#include "page/view.h"

/* Bits that say what a tuple is, as opposed to what is known of its transactions. */
#define SHAPE (HEAP_HASNULL | HEAP_HASVARWIDTH | HEAP_HASEXTERNAL)
#define SHAPE2 (HEAP_NATTS_MASK | HEAP_ONLY_TUPLE)

/* Bits that say what xmax does to the tuple. */
#define DOING (HEAP_XMAX_IS_MULTI | HEAP_LOCK_MASK | HEAP_XMAX_LOCK_ONLY)
#define DOING2 (HEAP_KEYS_UPDATED | HEAP_HOT_UPDATED)

static bool
same_data(const HeapTupleHeaderData *a, const HeapTupleHeaderData *b, uint32 len)
{
	const uint32 fixed = offsetof(HeapTupleHeaderData, t_hoff);

	return (a->t_infomask & SHAPE) == (b->t_infomask & SHAPE) &&
		(a->t_infomask2 & SHAPE2) == (b->t_infomask2 & SHAPE2) &&
		memcmp((const char *) a + fixed, (const char *) b + fixed, len - fixed) == 0;
}

/* Has anybody deleted, updated or locked it, for all that its header tells? */
static bool
is_touched(const HeapTupleHeaderData *header)
{
	return (header->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		TransactionIdIsValid(HeapTupleHeaderGetRawXmax(header));
}

/* What was done to b was done to a: the same, or more. */
static bool
tuple_contains(const HeapTupleHeaderData *a, const HeapTupleHeaderData *b)
{
	if (HeapTupleHeaderGetRawXmin(a) != HeapTupleHeaderGetRawXmin(b) ||
		(HeapTupleHeaderXminFrozen(b) && !HeapTupleHeaderXminFrozen(a)))
		return false;
	if (!is_touched(b))
		return true;
	return HeapTupleHeaderGetRawXmax(a) == HeapTupleHeaderGetRawXmax(b) &&
		(a->t_infomask & DOING) == (b->t_infomask & DOING) &&
		(a->t_infomask2 & DOING2) == (b->t_infomask2 & DOING2) &&
		memcmp(&a->t_ctid, &b->t_ctid, sizeof(ItemPointerData)) == 0;
}

static const HeapTupleHeaderData *
tuple_at(const char *page, const ItemIdData *item)
{
	return (const HeapTupleHeaderData *) (page + ItemIdGetOffset(item));
}

static bool
item_contains(const char *a, const ItemIdData *in_a, const char *b, const ItemIdData *in_b)
{
	if (ItemIdGetFlags(in_a) != ItemIdGetFlags(in_b) || ItemIdGetLength(in_a) != ItemIdGetLength(in_b))
		return false;
	if (ItemIdIsRedirected(in_b))
		return ItemIdGetRedirect(in_a) == ItemIdGetRedirect(in_b);
	if (!ItemIdIsNormal(in_b))
		return true;
	return same_data(tuple_at(a, in_a), tuple_at(b, in_b), ItemIdGetLength(in_b)) &&
		tuple_contains(tuple_at(a, in_a), tuple_at(b, in_b));
}

/* xmin of a frozen tuple precedes any other. */
bool
ps_page_adds_only_since(const char *a, const char *b, TransactionId xid)
{
	OffsetNumber nitems = ps_page_nitems(a);

	for (OffsetNumber offset = FirstOffsetNumber; offset <= nitems; offset++)
	{
		const ItemIdData *item = ps_page_item(a, offset);

		if (!ItemIdIsUsed(item) ||
			(offset <= ps_page_nitems(b) && ItemIdIsUsed(ps_page_item(b, offset))))
			continue;
		if (!ItemIdIsNormal(item) ||
			!TransactionIdIsNormal(xid) ||
			TransactionIdPrecedes(HeapTupleHeaderGetXmin(tuple_at(a, item)), xid))
			return false;
	}
	return true;
}

bool
ps_page_contains(const char *a, const char *b)
{
	OffsetNumber nitems = ps_page_nitems(b);

	for (OffsetNumber offset = FirstOffsetNumber; offset <= nitems; offset++)
	{
		const ItemIdData *item = ps_page_item(b, offset);

		if (!ItemIdIsUsed(item))
			continue;
		if (offset > ps_page_nitems(a) || !item_contains(a, ps_page_item(a, offset), b, item))
			return false;
	}
	return true;
}
