/*
 * wal_change.c
 *		WAL records of changed rows, in the layout of heapam_xlog.h.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/heapam_xlog.h"
#include "access/heaptoast.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/catalog.h"
#include "row/wal_change.h"
#include "server/compat.h"

/* Shorter matches than this cost more to describe than they save. */
#define SHORTEST_MATCH 3

/* Block references of the visibility map's pages, on servers whose records have them (HEAP_*_BLKREF_VM*). */
#define MAP_OF_PAGE 1
#define MAP_OF_NEW_PAGE 2
#define MAP_OF_OLD_PAGE 3

static uint8
infobits(const HeapTupleHeaderData *header)
{
	uint8		bits = 0;

	if (header->t_infomask & HEAP_XMAX_IS_MULTI)
		bits |= XLHL_XMAX_IS_MULTI;
	if (header->t_infomask & HEAP_XMAX_LOCK_ONLY)
		bits |= XLHL_XMAX_LOCK_ONLY;
	if (header->t_infomask & HEAP_XMAX_EXCL_LOCK)
		bits |= XLHL_XMAX_EXCL_LOCK;
	if (header->t_infomask & HEAP_XMAX_KEYSHR_LOCK)
		bits |= XLHL_XMAX_KEYSHR_LOCK;
	if (header->t_infomask2 & HEAP_KEYS_UPDATED)
		bits |= XLHL_KEYS_UPDATED;
	return bits;
}

static inline xl_heap_header
logged_header(HeapTuple tuple)
{
	xl_heap_header h = {0};

	h.t_infomask2 = tuple->t_data->t_infomask2;
	h.t_infomask = tuple->t_data->t_infomask;
	h.t_hoff = tuple->t_data->t_hoff;
	return h;
}

/* The part of a tuple that is logged as it is: null bitmap and values. */
static inline char *
body(HeapTuple tuple)
{
	return (char *) tuple->t_data + SizeofHeapTupleHeader;
}

static inline int
body_length(HeapTuple tuple)
{
	return tuple->t_len - SizeofHeapTupleHeader;
}

/* The replica identity follows the main data of a record; *header must live until XLogInsert(). */
static void
register_old_key(HeapTuple old_key, xl_heap_header *header)
{
	*header = logged_header(old_key);
	XLogRegisterData((char *) header, SizeOfHeapHeader);
	XLogRegisterData(body(old_key), body_length(old_key));
}

/*
 * A page whose only row is the one just put at its first line pointer can be
 * rebuilt from the record alone: redo initialises it, whatever was there.
 */
static inline bool
only_row(const PsWrite *guard, OffsetNumber offset) PS_REQUIRES(guard)
{
	return offset == FirstOffsetNumber && ps_page_nitems(guard->page) == FirstOffsetNumber;
}

/* Command ids of a row version that logical decoding reads as catalog data. */
static void
log_new_cid(Relation rel, HeapTuple tuple)
{
	HeapTupleHeader header = tuple->t_data;
	xl_heap_new_cid record;

	record.top_xid = GetTopTransactionId();
	record.target_locator = rel->rd_locator;
	record.target_tid = tuple->t_self;
	record.cmin = record.cmax = record.combocid = InvalidCommandId;
	if (header->t_infomask & HEAP_COMBOCID)
	{
		/* made and removed in this transaction */
		record.cmin = HeapTupleHeaderGetCmin(header);
		record.cmax = HeapTupleHeaderGetCmax(header);
		record.combocid = HeapTupleHeaderGetRawCommandId(header);
	}
	else if ((header->t_infomask & HEAP_XMAX_INVALID) ||
			 HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		record.cmin = HeapTupleHeaderGetRawCommandId(header);
	else
		record.cmax = HeapTupleHeaderGetRawCommandId(header);

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapNewCid);
	XLogInsert(RM_HEAP2_ID, XLOG_HEAP2_NEW_CID);
}

/* Of a catalog for logical decoding: which commands made and removed the row, and its new version (may be NULL). */
static void
log_command_ids(Relation rel, const PsRowMut *old_row, HeapTuple new_tuple)
{
	PsRow		lent = ps_row_lend(old_row);
	HeapTupleData tuple = ps_row_tuple(&lent);

	log_new_cid(rel, &tuple);
	if (new_tuple != NULL)
		log_new_cid(rel, new_tuple);
}

void
ps_wal_insert(PsWrite *guard, HeapTuple tuple, uint32 options, const PsVmCleared *all_visible)
{
	Relation	rel = guard->rel;
	xl_heap_insert record;
	xl_heap_header header = logged_header(tuple);
	uint8		info = XLOG_HEAP_INSERT;
	uint8		regflags = REGBUF_STANDARD;
	XLogRecPtr	lsn;

	if (RelationIsAccessibleInLogicalDecoding(rel))
		log_new_cid(rel, tuple);

	record.offnum = ItemPointerGetOffsetNumber(&tuple->t_self);
	record.flags = 0;
	if (all_visible->cleared)
		record.flags |= XLH_INSERT_ALL_VISIBLE_CLEARED;
	if (options & HEAP_INSERT_SPECULATIVE)
		record.flags |= XLH_INSERT_IS_SPECULATIVE;
	if (RelationIsLogicallyLogged(rel) && !(options & HEAP_INSERT_NO_LOGICAL))
	{
		record.flags |= XLH_INSERT_CONTAINS_NEW_TUPLE;
		regflags |= REGBUF_KEEP_DATA;
	}
	if (only_row(guard, record.offnum))
	{
		info |= XLOG_HEAP_INIT_PAGE;
		regflags |= REGBUF_WILL_INIT;
	}

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapInsert);
	ps_xlog_register(0, guard, regflags);
	XLogRegisterBufData(0, (char *) &header, SizeOfHeapHeader);
	XLogRegisterBufData(0, body(tuple), body_length(tuple));
	ps_vm_register(MAP_OF_PAGE, all_visible);
	XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
	lsn = XLogInsert(RM_HEAP_ID, info);
	ps_set_lsn(guard, lsn);
	ps_vm_set_lsn(all_visible, lsn);
}

/*
 * Put rows one after another into the record's second part, and their offsets
 * into the first, unless the order implies them, on a page that redo
 * initialises.  Returns the end of the rows.
 */
static char *
pack_rows(const PsMultiInsert *what, xl_heap_multi_insert *record, char *rows)
{
	char	   *p = rows;

	for (int i = 0; i < what->count; i++)
	{
		HeapTuple	tuple = what->tuples[i];
		xl_multi_insert_tuple *row = (xl_multi_insert_tuple *) SHORTALIGN(p);

		if (!what->page_was_empty)
			record->offsets[i] = ItemPointerGetOffsetNumber(&tuple->t_self);
		row->datalen = body_length(tuple);
		row->t_infomask2 = tuple->t_data->t_infomask2;
		row->t_infomask = tuple->t_data->t_infomask;
		row->t_hoff = tuple->t_data->t_hoff;
		p = (char *) row + SizeOfMultiInsertTuple;
		memcpy(p, body(tuple), body_length(tuple));
		p += body_length(tuple);
	}
	return p;
}

void
ps_wal_multi_insert(PsWrite *guard, const PsMultiInsert *what)
{
	Relation	rel = guard->rel;
	bool		logical = RelationIsLogicallyLogged(rel);
	uint8		info = XLOG_HEAP2_MULTI_INSERT;
	uint8		regflags = REGBUF_STANDARD;
	PGAlignedBlock scratch;		/* rows that fit on a page are shorter in the
								 * record */
	xl_heap_multi_insert *record = (xl_heap_multi_insert *) scratch.data;
	char	   *rows;
	char	   *end;
	XLogRecPtr	lsn;

	if (RelationIsAccessibleInLogicalDecoding(rel))
		for (int i = 0; i < what->count; i++)
			log_new_cid(rel, what->tuples[i]);

	record->ntuples = what->count;
	record->flags = 0;
	if (what->all_visible.cleared)
		record->flags |= XLH_INSERT_ALL_VISIBLE_CLEARED;
	if (what->all_frozen_set)
		record->flags |= XLH_INSERT_ALL_FROZEN_SET;
	if (what->last)
		record->flags |= XLH_INSERT_LAST_IN_MULTI;
	if (logical)
	{
		record->flags |= XLH_INSERT_CONTAINS_NEW_TUPLE;
		regflags |= REGBUF_KEEP_DATA;
	}
	if (what->page_was_empty)
	{
		info |= XLOG_HEAP_INIT_PAGE;
		regflags |= REGBUF_WILL_INIT;
	}

	rows = scratch.data + SizeOfHeapMultiInsert;
	if (!what->page_was_empty)
		rows += what->count * sizeof(OffsetNumber);
	end = pack_rows(what, record, rows);
	Assert(end <= scratch.data + BLCKSZ);

	XLogBeginInsert();
	XLogRegisterData(scratch.data, rows - scratch.data);
	ps_xlog_register(0, guard, regflags);
	XLogRegisterBufData(0, rows, end - rows);
	ps_vm_register(MAP_OF_PAGE, &what->all_visible);
	if (BufferIsValid(what->frozen_map))
		XLogRegisterBuffer(MAP_OF_PAGE, what->frozen_map, 0);
	XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
	lsn = XLogInsert(RM_HEAP2_ID, info);
	ps_set_lsn(guard, lsn);
	ps_vm_set_lsn(&what->all_visible, lsn);
	if (BufferIsValid(what->frozen_map))
		PageSetLSN(BufferGetPage(what->frozen_map), lsn);
}

void
ps_wal_delete(PsWrite *guard, const PsRowMut *row, HeapTuple old_key,
			  const PsVmCleared *all_visible, uint32 options)
{
	Relation	rel = guard->rel;
	xl_heap_delete record;
	xl_heap_header key_header;
	XLogRecPtr	lsn;

	if (RelationIsAccessibleInLogicalDecoding(rel))
		log_command_ids(rel, row, NULL);

	record.xmax = HeapTupleHeaderGetRawXmax(row->header);
	record.offnum = ItemPointerGetOffsetNumber(&row->tid);
	record.infobits_set = infobits(row->header);
	record.flags = 0;
	if (all_visible->cleared)
		record.flags |= XLH_DELETE_ALL_VISIBLE_CLEARED;
	if (options & TABLE_DELETE_CHANGING_PARTITION)
		record.flags |= XLH_DELETE_IS_PARTITION_MOVE;
	if (options & TABLE_DELETE_NO_LOGICAL)
		record.flags |= XLH_DELETE_NO_LOGICAL;
	if (old_key != NULL)
		record.flags |= rel->rd_rel->relreplident == REPLICA_IDENTITY_FULL ?
			XLH_DELETE_CONTAINS_OLD_TUPLE : XLH_DELETE_CONTAINS_OLD_KEY;

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapDelete);
	ps_xlog_register(0, guard, REGBUF_STANDARD);
	if (old_key != NULL)
		register_old_key(old_key, &key_header);
	ps_vm_register(MAP_OF_PAGE, all_visible);
	XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
	lsn = XLogInsert(RM_HEAP_ID, XLOG_HEAP_DELETE);
	ps_set_lsn(guard, lsn);
	ps_vm_set_lsn(all_visible, lsn);
}

/* How many bytes of the values does the new version share with the old one, at each end? */
static void
common_ends(const PsRowMut *old_row, HeapTuple new_tuple, uint16 *prefix, uint16 *suffix)
{
	const char *old = (const char *) old_row->header + old_row->header->t_hoff;
	const char *new = (const char *) new_tuple->t_data + new_tuple->t_data->t_hoff;
	int			old_len = old_row->len - old_row->header->t_hoff;
	int			new_len = new_tuple->t_len - new_tuple->t_data->t_hoff;
	int			max = Min(old_len, new_len);
	int			n = 0;

	while (n < max && old[n] == new[n])
		n++;
	*prefix = n < SHORTEST_MATCH ? 0 : n;

	max -= *prefix;
	n = 0;
	while (n < max && old[old_len - n - 1] == new[new_len - n - 1])
		n++;
	*suffix = n < SHORTEST_MATCH ? 0 : n;
}

/*
 * What redo needs of the new version, as data of its page: how much of it is
 * the old one's (*ends lives until XLogInsert()), its header, and the rest.
 */
static void
register_new_version(HeapTuple tuple, uint16 prefix, uint16 suffix, uint16 *ends, xl_heap_header *header)
{
	int			bitmap_length = tuple->t_data->t_hoff - SizeofHeapTupleHeader;
	int			nends = 0;

	if (prefix > 0)
		ends[nends++] = prefix;
	if (suffix > 0)
		ends[nends++] = suffix;
	if (nends > 0)
		XLogRegisterBufData(0, (char *) ends, nends * sizeof(uint16));

	*header = logged_header(tuple);
	XLogRegisterBufData(0, (char *) header, SizeOfHeapHeader);
	if (prefix == 0)
		XLogRegisterBufData(0, body(tuple), body_length(tuple) - suffix);
	else
	{
		/* The prefix is of the values: the null bitmap stands before it. */
		if (bitmap_length > 0)
			XLogRegisterBufData(0, body(tuple), bitmap_length);
		XLogRegisterBufData(0, body(tuple) + bitmap_length + prefix,
							body_length(tuple) - bitmap_length - prefix - suffix);
	}
}

/* The fixed part of an update's record. */
static xl_heap_update
update_record(const PsRowMut *old_row, HeapTuple new_tuple)
{
	xl_heap_update record = {0};

	record.old_xmax = HeapTupleHeaderGetRawXmax(old_row->header);
	record.old_offnum = ItemPointerGetOffsetNumber(&old_row->tid);
	record.old_infobits_set = infobits(old_row->header);
	record.new_xmax = HeapTupleHeaderGetRawXmax(new_tuple->t_data);
	record.new_offnum = ItemPointerGetOffsetNumber(&new_tuple->t_self);
	return record;
}

void
ps_wal_update(PsWrite *old, PsWrite *new, const PsRowMut *old_row,
			  HeapTuple new_tuple, HeapTuple old_key, uint32 options,
			  const PsVmCleared *old_visible, const PsVmCleared *new_visible)
{
	Relation	rel = new->rel;
	bool		logical = RelationIsLogicallyLogged(rel) && !(options & TABLE_UPDATE_NO_LOGICAL);
	bool		same_page = old->pin == new->pin;
	uint8		info = HeapTupleIsHeapOnly(new_tuple) ? XLOG_HEAP_HOT_UPDATE : XLOG_HEAP_UPDATE;
	uint8		regflags = REGBUF_STANDARD;
	uint16		prefix = 0,
				suffix = 0;
	uint16		ends[2];
	xl_heap_update record = update_record(old_row, new_tuple);
	xl_heap_header new_header;
	xl_heap_header key_header;
	XLogRecPtr	lsn;

	if (RelationIsAccessibleInLogicalDecoding(rel))
		log_command_ids(rel, old_row, new_tuple);

	/*
	 * Bytes shared with the old version need not be logged when redo finds it
	 * on the same page; decoding wants the whole row, an image has it anyway.
	 */
	if (same_page && !logical && !ps_xlog_wants_image(new))
		common_ends(old_row, new_tuple, &prefix, &suffix);

	if (old_visible->cleared)
		record.flags |= XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED;
	if (new_visible->cleared)
		record.flags |= XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED;
	if (prefix > 0)
		record.flags |= XLH_UPDATE_PREFIX_FROM_OLD;
	if (suffix > 0)
		record.flags |= XLH_UPDATE_SUFFIX_FROM_OLD;
	if (logical)
	{
		record.flags |= XLH_UPDATE_CONTAINS_NEW_TUPLE;
		regflags |= REGBUF_KEEP_DATA;
		if (old_key != NULL)
			record.flags |= rel->rd_rel->relreplident == REPLICA_IDENTITY_FULL ?
				XLH_UPDATE_CONTAINS_OLD_TUPLE : XLH_UPDATE_CONTAINS_OLD_KEY;
	}
	if (only_row(new, record.new_offnum))
	{
		info |= XLOG_HEAP_INIT_PAGE;
		regflags |= REGBUF_WILL_INIT;
	}

	XLogBeginInsert();
	ps_xlog_register(0, new, regflags);
	if (!same_page)
		ps_xlog_register(1, old, REGBUF_STANDARD);
	XLogRegisterData((char *) &record, SizeOfHeapUpdate);
	register_new_version(new_tuple, prefix, suffix, ends, &new_header);
	if (logical && old_key != NULL)
		register_old_key(old_key, &key_header);
	ps_vm_register(MAP_OF_NEW_PAGE, new_visible);
	ps_vm_register(MAP_OF_OLD_PAGE, old_visible);

	XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
	lsn = XLogInsert(RM_HEAP_ID, info);
	ps_set_lsn(new, lsn);
	if (!same_page)
		ps_set_lsn(old, lsn);
	ps_vm_set_lsn(new_visible, lsn);
	ps_vm_set_lsn(old_visible, lsn);
}

/*
 * A lock is logged although it does not outlive the server: the xid or
 * multixact it put into the page must not be used again after a crash.  Core has
 * a record for the row that a statement found, and one for its newer versions,
 * laid out alike.
 */
static void
log_lock(PsWrite *guard, const PsRowMut *row, const PsVmCleared *all_frozen, RmgrId rmgr, uint8 info)
			PS_REQUIRES(guard)
{
	xl_heap_lock_updated record;
	XLogRecPtr	lsn;

	StaticAssertStmt(SizeOfHeapLock == SizeOfHeapLockUpdated &&
					 offsetof(xl_heap_lock, offnum) == offsetof(xl_heap_lock_updated, offnum) &&
					 offsetof(xl_heap_lock, infobits_set) == offsetof(xl_heap_lock_updated, infobits_set),
					 "records of row locks are laid out alike");
	record.xmax = HeapTupleHeaderGetRawXmax(row->header);
	record.offnum = ItemPointerGetOffsetNumber(&row->tid);
	record.infobits_set = infobits(row->header);
	record.flags = all_frozen->cleared ? XLH_LOCK_ALL_FROZEN_CLEARED : 0;

	XLogBeginInsert();
	ps_xlog_register(0, guard, REGBUF_STANDARD);
	XLogRegisterData((char *) &record, SizeOfHeapLockUpdated);
	ps_vm_register(MAP_OF_PAGE, all_frozen);
	lsn = XLogInsert(rmgr, info);
	ps_set_lsn(guard, lsn);
	ps_vm_set_lsn(all_frozen, lsn);
}

void
ps_wal_lock(PsWrite *guard, const PsRowMut *row, const PsVmCleared *all_frozen)
{
	log_lock(guard, row, all_frozen, RM_HEAP_ID, XLOG_HEAP_LOCK);
}

void
ps_wal_lock_updated(PsWrite *guard, const PsRowMut *row, const PsVmCleared *all_frozen)
{
	log_lock(guard, row, all_frozen, RM_HEAP2_ID, XLOG_HEAP2_LOCK_UPDATED);
}

void
ps_wal_confirm(PsWrite *guard, OffsetNumber offset)
{
	xl_heap_confirm record;

	record.offnum = offset;

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapConfirm);
	ps_xlog_register(0, guard, REGBUF_STANDARD);
	XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);	/* filtered like the insert it
												 * confirms */
	ps_set_lsn(guard, XLogInsert(RM_HEAP_ID, XLOG_HEAP_CONFIRM));
}

void
ps_wal_kill(PsWrite *guard, const PsRowMut *row, TransactionId xid)
{
	xl_heap_delete record;

	record.xmax = xid;
	record.offnum = ItemPointerGetOffsetNumber(&row->tid);
	record.infobits_set = infobits(row->header);
	record.flags = XLH_DELETE_IS_SUPER;

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapDelete);
	ps_xlog_register(0, guard, REGBUF_STANDARD);
	ps_set_lsn(guard, XLogInsert(RM_HEAP_ID, XLOG_HEAP_DELETE));
}

HeapTuple
ps_replica_identity(Relation rel, HeapTuple old, bool logical, bool key_required, bool *copied)
{
	TupleDesc	desc = RelationGetDescr(rel);
	char		identity = rel->rd_rel->relreplident;
	Bitmapset  *columns;
	HeapTuple	key;
	Datum		values[MaxHeapAttributeNumber];
	bool		nulls[MaxHeapAttributeNumber];

	*copied = false;
	if (!logical || !RelationIsLogicallyLogged(rel) || identity == REPLICA_IDENTITY_NOTHING)
		return NULL;

	if (identity == REPLICA_IDENTITY_FULL)
	{
		if (!HeapTupleHasExternal(old))
			return old;
		*copied = true;
		return toast_flatten_tuple(old, desc);
	}

	if (!key_required)
		return NULL;
	columns = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_IDENTITY_KEY);
	if (bms_is_empty(columns))
		return NULL;

	heap_deform_tuple(old, desc, values, nulls);
	for (int i = 0; i < desc->natts; i++)
		if (!bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, columns))
			nulls[i] = true;
	bms_free(columns);
	key = heap_form_tuple(desc, values, nulls);
	*copied = true;

	/* A key is short enough for an index, but may yet lie out of line. */
	if (HeapTupleHasExternal(key))
	{
		HeapTuple	flat = toast_flatten_tuple(key, desc);

		heap_freetuple(key);
		key = flat;
	}
	return key;
}
