/*
 * check_row.c
 *		Is a row what its table's rows may be?  Its header, its transactions,
 *		and each of its values.
 *
 * Nothing is read past the length that the line pointer gives it.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/heapam.h"
#include "access/toast_internals.h"
#include "admin/check_row.h"
#include "utils/memutils.h"

/* ---- the header ---- */

static bool
check_header(PsCheck *check, const HeapTupleHeaderData *header, uint32 len, OffsetNumber offset)
{
	bool		has_null = (header->t_infomask & HEAP_HASNULL) != 0;
	int			natts = HeapTupleHeaderGetNatts(header);
	uint32		data = MAXALIGN(SizeofHeapTupleHeader + (has_null ? BITMAPLEN(natts) : 0));
	bool		is_sound = true;

	/* nothing that is needed to read the rest depends on these two bits */
	if ((header->t_infomask & HEAP_XMAX_COMMITTED) && (header->t_infomask & HEAP_XMAX_IS_MULTI))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "xmax is a multixact and said to be committed");
	if (header->t_hoff > len)
	{
		ps_found(check, offset, PS_NO_ATTRIBUTE, "data begin at byte %u of a row of %u bytes",
				 header->t_hoff, len);
		is_sound = false;
	}
	if (header->t_hoff != data)
	{
		ps_found(check, offset, PS_NO_ATTRIBUTE,
				 "data begin at byte %u: with %d attributes and %s they begin at byte %u",
				 header->t_hoff, natts, has_null ? "nulls" : "no nulls", data);
		is_sound = false;
	}
	return is_sound;
}

/* ---- who made it, who deletes it ---- */

/* A row that VACUUM FULL of a server before 9.0 has moved, or was about to. */
static PsXidState
check_moved(PsCheck *check, const HeapTupleHeaderData *header, OffsetNumber offset, PsRowState *row)
{
	TransactionId xvac = HeapTupleHeaderGetXvac(header);

	if (!ps_check_xid(check, offset, "transaction ID of an old VACUUM FULL", xvac))
		row->is_sound = false;
	else if (ps_xid_state(check, xvac) == PS_XID_RUNNING)
	{
		ps_found(check, offset, PS_NO_ATTRIBUTE, "old VACUUM FULL %u is running", xvac);
		row->is_sound = false;
	}
	return row->is_sound ? PS_XID_COMMITTED : PS_XID_UNKNOWN;
}

static PsXidState
check_inserter(PsCheck *check, const HeapTupleHeaderData *header, OffsetNumber offset, PsRowState *row)
{
	TransactionId xmin = HeapTupleHeaderGetXmin(header);

	row->xmin = HeapTupleHeaderGetRawXmin(header);

	/* what a speculative insertion takes back has none */
	if (!TransactionIdIsValid(xmin))
		return PS_XID_UNKNOWN;
	if (!ps_check_xid(check, offset, "xmin", xmin))
	{
		row->is_sound = false;
		return PS_XID_UNKNOWN;
	}
	if (HeapTupleHeaderXminCommitted(header))
		return PS_XID_COMMITTED;
	if (HeapTupleHeaderXminInvalid(header))
		return PS_XID_ABORTED;
	if (header->t_infomask & HEAP_MOVED)
		return check_moved(check, header, offset, row);
	return ps_xid_state(check, xmin);
}

/* Could vacuum take the row, and what it has out of line, while we run? */
static bool
check_deleter(PsCheck *check, const HeapTupleHeaderData *header, OffsetNumber offset, PsRowState *row)
{
	bool		multi = (header->t_infomask & HEAP_XMAX_IS_MULTI) != 0;
	TransactionId xmax = HeapTupleHeaderGetRawXmax(header);

	/* asked whatever hint bits say: who freezes the row does not go by them */
	if (multi && !ps_check_multi(check, offset, xmax))
	{
		row->is_sound = false;
		return true;
	}
	if ((header->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		return false;
	if (multi)
	{
		/* of an image that is old already its members may be gone */
		if (check->is_image)
		{
			check->look_again = true;
			return true;
		}
		xmax = HeapTupleGetUpdateXid(unconstify(HeapTupleHeaderData *, header));
	}
	else if (!TransactionIdIsValid(xmax))
		return false;

	if (!ps_check_xid(check, offset, multi ? "update xid" : "xmax", xmax))
	{
		row->is_sound = false;
		return true;
	}
	row->update = xmax;
	row->updated = ps_xid_state(check, xmax);
	return row->updated == PS_XID_COMMITTED && TransactionIdPrecedes(xmax, check->safe_xmin);
}

/* ---- its values ---- */

/* The row at hand, and the value at hand in it. */
typedef struct Value
{
	PsCheck    *check;
	const HeapTupleHeaderData *header;
	uint32		len;
	OffsetNumber offset;
	int			attribute;
	uint32		at;				/* where it begins, in bytes from the header's
								 * begin */
} Value;

static bool
is_compression(uint32 method)
{
	return method == TOAST_PGLZ_COMPRESSION_ID || method == TOAST_LZ4_COMPRESSION_ID;
}

/* Where values lie out of line: all that can be told without looking there. */
static void
check_pointer(Value *value, struct varatt_external pointer, bool may_vanish)
{
	PsCheck    *check = value->check;
	Oid			toast = check->rel->rd_rel->reltoastrelid;
	uint32		size = VARATT_EXTERNAL_GET_EXTSIZE(pointer);

	if (pointer.va_rawsize < VARHDRSZ || pointer.va_rawsize > MaxAllocSize)
		ps_found(check, value->offset, value->attribute, "value %u in the TOAST table has a size of %d bytes",
				 pointer.va_valueid, pointer.va_rawsize);
	else if (size == 0 || size > pointer.va_rawsize - VARHDRSZ)
		ps_found(check, value->offset, value->attribute, "value %u of %d bytes takes %u in the TOAST table",
				 pointer.va_valueid, pointer.va_rawsize, size);
	else if (VARATT_EXTERNAL_IS_COMPRESSED(pointer) && !is_compression(VARATT_EXTERNAL_GET_COMPRESS_METHOD(pointer)))
		ps_found(check, value->offset, value->attribute, "value %u in the TOAST table has unknown compression method %u",
				 pointer.va_valueid, VARATT_EXTERNAL_GET_COMPRESS_METHOD(pointer));

	if (!(value->header->t_infomask & HEAP_HASEXTERNAL))
		ps_found(check, value->offset, value->attribute, "value %u is in the TOAST table, and the row is said to have none there",
				 pointer.va_valueid);
	else if (!OidIsValid(toast))
		ps_found(check, value->offset, value->attribute, "value %u is in a TOAST table, and the table has none",
				 pointer.va_valueid);
	else if (pointer.va_toastrelid != toast)
		ps_found(check, value->offset, value->attribute, "value %u is in relation %u, and the TOAST table is %u",
				 pointer.va_valueid, pointer.va_toastrelid, toast);
	else if (check->toast_rel != NULL && !may_vanish && size > 0)
	{
		PsToasted  *toasted = palloc(sizeof(PsToasted));

		*toasted = (PsToasted)
		{
			check->block, value->offset, value->attribute, pointer
		};
		check->toasted = lappend(check->toasted, toasted);
	}
}

/* Size of a value of variable length at a place before the row's end; 0: it can't be told. */
static uint32
varlena_size(Value *value, bool may_vanish)
{
	const char *ptr = (const char *) value->header + value->at;
	uint32		left = value->len - value->at;
	char		head[VARHDRSZ_COMPRESSED];

	if (VARATT_IS_1B_E(ptr))
	{
		struct varatt_external pointer;

		if (left < VARHDRSZ_EXTERNAL)
			return left + 1;
		if (VARTAG_EXTERNAL(ptr) != VARTAG_ONDISK)
		{
			ps_found(value->check, value->offset, value->attribute, "unknown TOAST tag %u", VARTAG_EXTERNAL(ptr));
			return 0;
		}
		if (left < TOAST_POINTER_SIZE)
			return left + 1;
		memcpy(&pointer, VARDATA_1B_E(ptr), sizeof(pointer));
		check_pointer(value, pointer, may_vanish);
		return TOAST_POINTER_SIZE;
	}
	if (VARATT_IS_1B(ptr))
		return VARSIZE_1B(ptr);

	/* not aligned perhaps, if it is damaged */
	if (left < VARHDRSZ)
		return left + 1;
	memset(head, 0, sizeof(head));
	memcpy(head, ptr, Min(left, sizeof(head)));
	if (VARSIZE_4B(head) < (VARATT_IS_4B_C(head) ? sizeof(head) : VARHDRSZ))
	{
		ps_found(value->check, value->offset, value->attribute, "value has a size of %u bytes", VARSIZE_4B(head));
		return 0;
	}
	if (VARATT_IS_4B_C(head) && left >= sizeof(head) && !is_compression(VARDATA_COMPRESSED_GET_COMPRESS_METHOD(head)))
		ps_found(value->check, value->offset, value->attribute, "value has unknown compression method %u",
				 VARDATA_COMPRESSED_GET_COMPRESS_METHOD(head));
	return VARSIZE_4B(head);
}

/* Step over the value; false: where the next one begins can't be told. */
static bool
check_value(Value *value, Form_pg_attribute attribute, bool may_vanish)
{
	const char *row = (const char *) value->header;
	uint32		size;

	/*
	 * of a value of variable length the first byte tells whether it is
	 * aligned
	 */
	if (attribute->attlen != -1)
		value->at = att_align_nominal(value->at, attribute->attalign);
	else if (value->at < value->len)
		value->at = att_align_pointer(value->at, attribute->attalign, -1, row + value->at);

	if (attribute->attlen > 0)
		size = attribute->attlen;
	else if (value->at >= value->len)
		size = 1;
	else if (attribute->attlen == -1)
		size = varlena_size(value, may_vanish);
	else
		size = strnlen(row + value->at, value->len - value->at) + 1;
	if (size == 0)
		return false;
	if (size > value->len - Min(value->at, value->len))
	{
		ps_found(value->check, value->offset, value->attribute, "value at byte %u goes beyond the row's %u bytes",
				 value->at, value->len);
		return false;
	}
	value->at += size;
	return true;
}

static void
check_values(PsCheck *check, const HeapTupleHeaderData *header, uint32 len, OffsetNumber offset, bool may_vanish)
{
	TupleDesc	desc = RelationGetDescr(check->rel);
	int			natts = HeapTupleHeaderGetNatts(header);
	Value		value = {check, header, len, offset, 0, header->t_hoff};

	if (natts > desc->natts)
	{
		ps_found(check, offset, PS_NO_ATTRIBUTE, "row has %d attributes, and the table %d", natts, desc->natts);
		return;
	}
	for (; value.attribute < natts; value.attribute++)
	{
		bool		has_nulls = (header->t_infomask & HEAP_HASNULL) != 0;
		bool		is_null = has_nulls && att_isnull(value.attribute, header->t_bits);

		if (!is_null && !check_value(&value, TupleDescAttr(desc, value.attribute), may_vanish))
			return;
	}
}

PsRowState
ps_check_row(PsCheck *check, const HeapTupleHeaderData *header, uint32 len, OffsetNumber offset)
{
	PsRowState	row = {.is_sound = true};
	bool		may_vanish;

	if (!check_header(check, header, len, offset))
	{
		row.is_sound = false;
		return row;
	}
	row.inserted = check_inserter(check, header, offset, &row);
	if (row.inserted == PS_XID_UNKNOWN)
		return row;
	may_vanish = check_deleter(check, header, offset, &row) || (header->t_infomask & HEAP_MOVED) != 0;

	/*
	 * Others may have been made for a table of another shape, by a
	 * transaction that changed that and has not committed.
	 */
	if (row.inserted == PS_XID_COMMITTED)
		check_values(check, header, len, offset, may_vanish);
	return row;
}
