/*
 * contrib.c
 *		What functions of contrib modules answer for a pagestore table: see
 *		intercept.c.
 *
 * As the originals do, but through guards: whoever owns the pages, and even if
 * that changes on the way.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/visibilitymap.h"
#include "admin/contrib.h"
#include "admin/page_bytes.h"
#include "admin/prewarm.h"
#include "admin/tool.h"
#include "catalog/objectaddress.h"
#include "common/relpath.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "page/storage.h"
#include "page/stream.h"
#include "pool/pieces.h"
#include "row/visibility.h"
#include "row/vm.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

static bool
is_main_fork(const text *name)
{
	return forkname_to_number(text_to_cstring(name)) == MAIN_FORKNUM;
}

/* ---- pageinspect ---- */

bool
ps_answer_raw_page(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	if (PG_NARGS() != 2)
		return false;			/* declared by a very old script: refused */
	*result = PointerGetDatum(ps_page_bytes(rel, PG_GETARG_UINT32(1)));
	return true;
}

bool
ps_answer_raw_page_1_9(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	*result = PointerGetDatum(ps_page_bytes(rel, PG_GETARG_INT64(1)));
	return true;
}

bool
ps_answer_raw_page_fork(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	if (!is_main_fork(PG_GETARG_TEXT_PP(1)))
		return false;
	*result = PointerGetDatum(ps_page_bytes(rel, PG_GETARG_UINT32(2)));
	return true;
}

bool
ps_answer_raw_page_fork_1_9(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	if (!is_main_fork(PG_GETARG_TEXT_PP(1)))
		return false;
	*result = PointerGetDatum(ps_page_bytes(rel, PG_GETARG_INT64(2)));
	return true;
}

/* ---- pg_prewarm ---- */

/* Hints, as the original's: what is in flight already may leave no room for more. */
static void
prefetch_blocks(Relation rel, BlockNumber first, BlockNumber end)
{
	for (BlockNumber block = first; block < end; block += PS_PIECE_PAGES)
	{
		CHECK_FOR_INTERRUPTS();
		ps_prefetch_run(rel, block, Min(PS_PIECE_PAGES, end - block));
	}
}

bool
ps_answer_prewarm(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	char	   *mode = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		prefetch = strcmp(mode, "prefetch") == 0;
	AclResult	acl;
	int64		nblocks,
				first,
				last;

	if (!prefetch && strcmp(mode, "read") != 0 && strcmp(mode, "buffer") != 0)
		return false;
	if (!is_main_fork(PG_GETARG_TEXT_PP(2)) || ps_origin(rel) != PS_POOL)
		return false;

	acl = pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_SELECT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, get_relkind_objtype(rel->rd_rel->relkind), RelationGetRelationName(rel));

	nblocks = ps_nblocks(rel);
	first = ps_block_argument(fcinfo, 3, "starting", nblocks, 0);
	last = ps_block_argument(fcinfo, 4, "ending", nblocks, nblocks - 1);
	if (last < first)
		last = first - 1;
	else if (prefetch)
		prefetch_blocks(rel, first, last + 1);
	else
		ps_prewarm_blocks(rel, first, last + 1);
	*result = Int64GetDatum(last - first + 1);
	return true;
}

/* ---- pg_visibility ---- */

static bool
page_all_visible(Relation rel, PsPin *pin)
{
	PsRead		guard;
	bool		all_visible;

	ps_read_lock(rel, pin, &guard);
	all_visible = ps_page_all_visible(guard.page);
	ps_read_unlock(&guard);
	return all_visible;
}

static void
map_bits(Relation rel, BlockNumber block, Buffer *vmbuf, Datum *values)
{
	uint8		bits = visibilitymap_get_status(rel, block, vmbuf);

	values[0] = BoolGetDatum((bits & VISIBILITYMAP_ALL_VISIBLE) != 0);
	values[1] = BoolGetDatum((bits & VISIBILITYMAP_ALL_FROZEN) != 0);
}

bool
ps_answer_visibility(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	int64		block = PG_GETARG_INT64(1);
	Buffer		vmbuf = InvalidBuffer;
	bool		all_visible = false;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {0};

	ps_check_block_number(block);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != lengthof(values))
		return false;

	map_bits(rel, block, &vmbuf, values);
	ps_vm_release(&vmbuf);
	ps_check_own(rel);

	/* pages past the end have no bits */
	if (block < ps_nblocks(rel))
	{
		PsPin		pin = ps_pin(rel, block);

		all_visible = page_all_visible(rel, &pin);
		ps_unpin(&pin);
	}
	values[2] = BoolGetDatum(all_visible);
	*result = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
	return true;
}

bool
ps_answer_visibility_rel(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PsBlockRange range = {0, ps_nblocks(rel)};
	Buffer		vmbuf = InvalidBuffer;
	PsPin		pin = PS_NO_PIN;
	PsStream   *stream;

	ps_check_own(rel);
	InitMaterializedSRF(fcinfo, 0);
	stream = ps_stream_begin(rel, ps_next_block, &range, 0);
	while (ps_stream_next(stream, &pin))
	{
		Datum		values[4];
		bool		nulls[4] = {0};

		CHECK_FOR_INTERRUPTS();
		values[0] = Int64GetDatum(pin.block);
		map_bits(rel, pin.block, &vmbuf, values + 1);
		values[3] = BoolGetDatum(page_all_visible(rel, &pin));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	ps_stream_end(stream);
	ps_vm_release(&vmbuf);
	*result = (Datum) 0;
	return true;
}

/* A check of what the visibility map says against the rows. */
typedef struct MapCheck
{
	Relation	rel;
	uint8		bit;			/* VISIBILITYMAP_ALL_VISIBLE or _ALL_FROZEN */
	TransactionId oldest_xmin;	/* for ALL_VISIBLE */
	Buffer		vmbuf;
	PsBlockRange range;
	OffsetNumber bad[MaxHeapTuplesPerPage];
	int			nbad;
} MapCheck;

static bool
map_says_so(MapCheck *check, BlockNumber block)
{
	return (visibilitymap_get_status(check->rel, block, &check->vmbuf) & check->bit) != 0;
}

/* Pages of which the map says nothing are not looked at. */
static BlockNumber
next_marked_block(void *arg)
{
	MapCheck   *check = arg;

	while (check->range.next < check->range.end)
	{
		BlockNumber block = check->range.next++;

		CHECK_FOR_INTERRUPTS();
		if (map_says_so(check, block))
			return block;
	}
	return InvalidBlockNumber;
}

static bool
visible_to_all(const PsRead *guard, const PsRow *row, TransactionId oldest_xmin)
			PS_REQUIRES_SHARED(guard)
{
	return ps_row_vacuum_state(guard, row, oldest_xmin) == HEAPTUPLE_LIVE &&
		TransactionIdPrecedes(HeapTupleHeaderGetXmin(row->header), oldest_xmin);
}

/* The horizon may have moved on since it was taken: only by a new one is a row found wrong. */
static bool
row_is_good(MapCheck *check, const PsRead *guard, const PsRow *row) PS_REQUIRES_SHARED(guard)
{
	TransactionId newer;

	if (check->bit == VISIBILITYMAP_ALL_FROZEN)
		return !heap_tuple_needs_eventual_freeze(unconstify(HeapTupleHeaderData *, row->header));
	if (visible_to_all(guard, row, check->oldest_xmin))
		return true;
	newer = GetOldestNonRemovableTransactionId(check->rel);
	if (!TransactionIdPrecedes(check->oldest_xmin, newer))
		return false;
	check->oldest_xmin = newer;
	return visible_to_all(guard, row, newer);
}

static void
check_page(MapCheck *check, PsPin *pin)
{
	PsRead		guard;

	ps_read_lock(check->rel, pin, &guard);
	check->nbad = 0;

	/* the bit may have gone since the stream saw it; under the latch it stays */
	if (map_says_so(check, pin->block))
	{
		OffsetNumber nitems = ps_page_nitems(guard.page);

		for (OffsetNumber offset = FirstOffsetNumber; offset <= nitems; offset++)
		{
			PsRow		row;
			bool		good = !ItemIdIsDead(ps_page_item(guard.page, offset));

			if (ps_row_at(&guard, offset, &row))
				good = row_is_good(check, &guard, &row);
			if (!good)
				check->bad[check->nbad++] = offset;
		}
	}
	ps_read_unlock(&guard);
}

/* The rows that contradict the map. */
static void
find_contradictions(FunctionCallInfo fcinfo, Relation rel, uint8 bit)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MapCheck	check = {rel, bit};
	PsPin		pin = PS_NO_PIN;
	PsStream   *stream;

	ps_check_own(rel);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (bit == VISIBILITYMAP_ALL_VISIBLE)
		check.oldest_xmin = GetOldestNonRemovableTransactionId(rel);
	check.range.end = ps_nblocks(rel);
	check.vmbuf = InvalidBuffer;

	stream = ps_stream_begin(rel, next_marked_block, &check, 0);
	while (ps_stream_next(stream, &pin))
	{
		CHECK_FOR_INTERRUPTS();
		check_page(&check, &pin);
		for (int i = 0; i < check.nbad; i++)
		{
			ItemPointerData tid;
			Datum		value = PointerGetDatum(&tid);
			bool		isnull = false;

			ItemPointerSet(&tid, pin.block, check.bad[i]);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
		}
	}
	ps_stream_end(stream);
	ps_vm_release(&check.vmbuf);
}

bool
ps_answer_check_visible(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	find_contradictions(fcinfo, rel, VISIBILITYMAP_ALL_VISIBLE);
	*result = (Datum) 0;
	return true;
}

bool
ps_answer_check_frozen(FunctionCallInfo fcinfo, Relation rel, Datum *result)
{
	find_contradictions(fcinfo, rel, VISIBILITYMAP_ALL_FROZEN);
	*result = (Datum) 0;
	return true;
}
