/*
 * view.c
 *		The check of a page's bytes before anybody walks them.
 */
#include "postgres.h"

#include "page/view.h"

/* A page that was added but never initialised, or not yet. */
static bool
all_zero(const char *page)
{
	const uint64 *words = (const uint64 *) page;

	for (int i = 0; i < BLCKSZ / sizeof(uint64); i++)
		if (words[i] != 0)
			return false;
	return true;
}

static const char *
header_fault(const PageHeaderData *header)
{
	if (header->pd_pagesize_version != (BLCKSZ | PG_PAGE_LAYOUT_VERSION))
		return "wrong page size or layout version";
	if ((header->pd_flags & ~PD_VALID_FLAG_BITS) != 0)
		return "unknown page flags";
	if (header->pd_lower < SizeOfPageHeaderData ||
		header->pd_lower > header->pd_upper ||
		header->pd_upper > header->pd_special ||
		header->pd_special != BLCKSZ)
		return "page header out of bounds";
	if ((header->pd_lower - SizeOfPageHeaderData) % sizeof(ItemIdData) != 0)
		return "line pointer array ends within a line pointer";
	/* arrays all over the server are sized by this */
	if ((header->pd_lower - SizeOfPageHeaderData) / sizeof(ItemIdData) > MaxHeapTuplesPerPage)
		return "too many line pointers";
	return NULL;
}

/* The fixed part of a tuple's header and its null bitmap lie within the tuple. */
static inline const char *
tuple_header_fault(const char *page, uint32 start, uint32 len)
{
	const HeapTupleHeaderData *header = (const HeapTupleHeaderData *) (page + start);
	uint32		need = SizeofHeapTupleHeader;

	if (header->t_infomask & HEAP_HASNULL)
		need += BITMAPLEN(header->t_infomask2 & HEAP_NATTS_MASK);
	if (header->t_hoff < need || header->t_hoff > len || header->t_hoff % MAXIMUM_ALIGNOF != 0)
		return "tuple data offset out of bounds";
	return NULL;
}

static inline const char *
item_fault(const char *page, const ItemIdData *item, OffsetNumber nitems)
{
	const PageHeaderData *header = (const PageHeaderData *) page;
	uint32		start = ItemIdGetOffset(item);
	uint32		len = ItemIdGetLength(item);

	switch (ItemIdGetFlags(item))
	{
		case LP_NORMAL:
			break;
		case LP_REDIRECT:
			if (len != 0 || start < FirstOffsetNumber || start > nitems)
				return "redirect out of bounds";
			return NULL;
		default:				/* dead or unused */
			if (len != 0)
				return "dead or unused line pointer with storage";
			return NULL;
	}

	if (start < header->pd_upper || start + len > header->pd_special)
		return "line pointer out of bounds";
	if (start % MAXIMUM_ALIGNOF != 0)
		return "line pointer not aligned";
	if (len < MAXALIGN(SizeofHeapTupleHeader))
		return "tuple shorter than its header";
	return tuple_header_fault(page, start, len);
}

const char *
ps_page_header_fault(const char *page)
{
	const PageHeaderData *header = (const PageHeaderData *) page;

	if (header->pd_upper == 0)
		return all_zero(page) ? NULL : "page header out of bounds";
	return header_fault(header);
}

bool
ps_page_check(const char *page, const char **why, OffsetNumber *offset)
{
	const PageHeaderData *header = (const PageHeaderData *) page;
	const char *fault;
	OffsetNumber nitems;
	uint32		storage = 0;

	*why = ps_page_header_fault(page);
	*offset = InvalidOffsetNumber;
	if (*why != NULL)
		return false;
	if (header->pd_upper == 0)
		return true;

	nitems = ps_page_nitems(page);
	for (OffsetNumber at = FirstOffsetNumber; at <= nitems; at++)
	{
		const ItemIdData *item = ps_page_item(page, at);

		if ((fault = item_fault(page, item, nitems)) != NULL)
		{
			*why = fault;
			*offset = at;
			return false;
		}
		if (ItemIdIsNormal(item))
			storage += MAXALIGN(ItemIdGetLength(item));
	}

	/*
	 * Tuples that overlap would make compaction fail in a critical section:
	 * it checks this sum.
	 */
	if (storage > header->pd_special - header->pd_upper)
	{
		*why = "tuples overlap";
		return false;
	}
	return true;
}
