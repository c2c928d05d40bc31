/*
 * view.h
 *		What lies in the bytes of a page: header, line pointers, rows.
 *		Arithmetic only; nothing here is kept past a change of the page.
 *
 * The contents of a page were validated when it entered the pool
 * (ps_page_check); the views assert the same bounds.
 */
#ifndef PAGESTORE_PAGE_VIEW_H
#define PAGESTORE_PAGE_VIEW_H

#include "postgres.h"
#include "access/htup_details.h"
#include "storage/bufpage.h"
#include "storage/itemptr.h"

/*
 * A row version as it lies in the page: borrowed from a read guard, or, for
 * its data part alone, from a pin.
 */
typedef struct PsRow
{
	const HeapTupleHeaderData *header;
	uint32		len;
	ItemPointerData tid;		/* where it lies */
	Oid			table;
} PsRow;

/* The same, to be changed in place: borrowed from a write guard. */
typedef struct PsRowMut
{
	HeapTupleHeader header;
	uint32		len;
	ItemPointerData tid;
	Oid			table;
} PsRowMut;

static inline OffsetNumber
ps_page_nitems(const char *page)
{
	return PageGetMaxOffsetNumber(unconstify(char *, page));
}

static inline const ItemIdData *
ps_page_item(const char *page, OffsetNumber offset)
{
	Assert(offset >= FirstOffsetNumber && offset <= ps_page_nitems(page));
	return &((const PageHeaderData *) page)->pd_linp[offset - 1];
}

static inline bool
ps_page_all_visible(const char *page)
{
	return (((const PageHeaderData *) page)->pd_flags & PD_ALL_VISIBLE) != 0;
}

/* The row at offset; false if the offset is out of range or its line pointer is not normal. */
static inline bool
ps_page_row(const char *page, Oid table, BlockNumber block, OffsetNumber offset, PsRow *row)
{
	const ItemIdData *item;

	if (offset < FirstOffsetNumber || offset > ps_page_nitems(page))
		return false;
	item = ps_page_item(page, offset);
	if (!ItemIdIsNormal(item))
		return false;
	row->header = (const HeapTupleHeaderData *) (page + ItemIdGetOffset(item));
	row->len = ItemIdGetLength(item);
	ItemPointerSet(&row->tid, block, offset);
	row->table = table;
	return true;
}

/* A mutable row may be read as a row. */
static inline PsRow
ps_row_lend(const PsRowMut *row)
{
	PsRow		r = {row->header, row->len, row->tid, row->table};

	return r;
}

/* core's view of a row, for its functions that take a HeapTuple they only read */
static inline HeapTupleData
ps_row_tuple(const PsRow *row)
{
	HeapTupleData t;

	t.t_len = row->len;
	t.t_self = row->tid;
	t.t_tableOid = row->table;
	t.t_data = unconstify(HeapTupleHeaderData *, row->header);
	return t;
}

/*
 * Is this a page a reader can walk without leaving it?  Checks header bounds,
 * line pointers, tuple header lengths; a new (all-zero) page is fine.  On
 * failure *why gets a static description.  Called once, when a page enters the
 * pool or a scan ring.
 */
extern bool ps_page_check(const char *page, const char **why, OffsetNumber *offset);

/* What is wrong with its header alone; NULL: its line pointers are where it says. */
extern const char *ps_page_header_fault(const char *page);

#endif							/* PAGESTORE_PAGE_VIEW_H */
