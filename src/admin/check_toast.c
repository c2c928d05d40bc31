/*
 * check_toast.c
 *		Values that lie in the TOAST table: are their chunks there, in order, of
 *		the right sizes, and no others?
 *
 * The TOAST table is core's, and read as core reads it, by its index.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heaptoast.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/toast_internals.h"
#include "admin/check_toast.h"
#include "server/compat.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

void
ps_check_toast_begin(PsCheck *check)
{
	int			valid;

	if (!OidIsValid(check->rel->rd_rel->reltoastrelid))
		return;
	check->toast_rel = table_open(check->rel->rd_rel->reltoastrelid, AccessShareLock);
	valid = toast_open_indexes(check->toast_rel, AccessShareLock,
							   &check->toast_indexes, &check->ntoast_indexes);
	check->toast_index = check->toast_indexes[valid];
}

void
ps_check_toast_end(PsCheck *check)
{
	if (check->toast_rel == NULL)
		return;
	toast_close_indexes(check->toast_indexes, check->ntoast_indexes, AccessShareLock);
	table_close(check->toast_rel, AccessShareLock);
	check->toast_rel = NULL;
}

static void
put(PsCheck *check, const PsToasted *toasted, const char *message)
{
	ps_put_finding(check, toasted->block, toasted->offset, toasted->attribute, message);
}

/* Length of a chunk's data; -1: they are not what a chunk has. */
static int64
chunk_length(Datum data)
{
	const struct varlena *chunk = (const struct varlena *) DatumGetPointer(data);

	if (VARATT_IS_EXTERNAL(chunk) || VARATT_IS_COMPRESSED(chunk))
		return -1;
	return VARSIZE_ANY_EXHDR(chunk);
}

/* The chunk is to be number `expected` of a value of `size` bytes.  Gives the number that is to follow. */
static int64
check_chunk(PsCheck *check, const PsToasted *toasted, HeapTuple chunk, int64 expected, uint32 size)
{
	Oid			value = toasted->pointer.va_valueid;
	int64		last = (size - 1) / TOAST_MAX_CHUNK_SIZE;
	int64		right = expected < last ? TOAST_MAX_CHUNK_SIZE : size - last * TOAST_MAX_CHUNK_SIZE;
	bool		number_is_null,
				data_is_null;
	int64		number = DatumGetInt32(heap_getattr(chunk, 2, RelationGetDescr(check->toast_rel), &number_is_null));
	Datum		data = heap_getattr(chunk, 3, RelationGetDescr(check->toast_rel), &data_is_null);

	if (number_is_null)
	{
		put(check, toasted, psprintf("value %u in the TOAST table has a chunk without a number", value));
		return expected;
	}
	if (number != expected)
		put(check, toasted, psprintf("value %u in the TOAST table has chunk %lld where chunk %lld should be",
									 value, (long long) number, (long long) expected));
	else if (number > last)
		put(check, toasted, psprintf("value %u in the TOAST table has chunk %lld after its last one, %lld",
									 value, (long long) number, (long long) last));
	else if (data_is_null)
		put(check, toasted, psprintf("value %u in the TOAST table has no data in chunk %lld",
									 value, (long long) number));
	else if (chunk_length(data) != right)
		put(check, toasted, psprintf("value %u in the TOAST table has %lld bytes in chunk %lld where %lld should be",
									 value, (long long) chunk_length(data), (long long) number, (long long) right));
	return number + 1;
}

void
ps_check_toast(PsCheck *check, const PsToasted *toasted)
{
	uint32		size = VARATT_EXTERNAL_GET_EXTSIZE(toasted->pointer);
	int64		last = (size - 1) / TOAST_MAX_CHUNK_SIZE;
	int64		expected = 0;
	bool		any = false;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	chunk;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(toasted->pointer.va_valueid));
	scan = systable_beginscan_ordered(check->toast_rel, check->toast_index, get_toast_snapshot(), 1, &key);
	while ((chunk = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		any = true;
		expected = check_chunk(check, toasted, chunk, expected, size);
	}
	systable_endscan_ordered(scan);

	if (!any)
		put(check, toasted, psprintf("value %u is not in the TOAST table", toasted->pointer.va_valueid));
	else if (expected <= last)
		put(check, toasted, psprintf("value %u in the TOAST table ends before chunk %lld of %lld",
									 toasted->pointer.va_valueid, (long long) expected, (long long) last));
}
