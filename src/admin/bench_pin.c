/*
 * bench_pin.c
 *		What pinning a resident page costs, beside core's (bench/pin.sql).
 *
 * Built with PAGESTORE_BENCH=1 only, for the extension pagestore_bench.
 */
#include "postgres.h"

#include "access/relation.h"
#include "am/am.h"
#include "catalog/pg_am_d.h"
#include "common/pg_prng.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "page/storage.h"
#include "portability/instr_time.h"
#include "server/preload.h"
#include "storage/bufmgr.h"

PG_FUNCTION_INFO_V1(pagestore_bench_pin);

#define ROUNDS 10				/* the two sides alternate, so that both meet
								 * the same machine */

/* Blocks to pin in turn: the first one, or any of the relation's. */
static BlockNumber *
make_order(BlockNumber nblocks, bool spread, int n)
{
	BlockNumber *order = palloc(n * sizeof(BlockNumber));
	pg_prng_state prng;

	pg_prng_seed(&prng, 42);
	for (int i = 0; i < n; i++)
		order[i] = spread ? pg_prng_uint64_range(&prng, 0, nblocks - 1) : 0;
	return order;
}

static double
time_ours(Relation rel, const BlockNumber *order, int n)
{
	instr_time	start,
				end;

	INSTR_TIME_SET_CURRENT(start);
	for (int i = 0; i < n; i++)
	{
		PsPin		pin;

		ps_pin_into(rel, order[i], &pin);
		ps_unpin(&pin);
	}
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	return INSTR_TIME_GET_DOUBLE(end);
}

static double
time_core(Relation rel, const BlockNumber *order, int n)
{
	instr_time	start,
				end;

	INSTR_TIME_SET_CURRENT(start);
	for (int i = 0; i < n; i++)
		ReleaseBuffer(ReadBuffer(rel, order[i]));
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	return INSTR_TIME_GET_DOUBLE(end);
}

/*
 * SQL: pagestore_bench_pin(pagestore_table, heap_table, loops, spread, OUT
 * pagestore_ns, OUT heap_ns)
 *
 * Pins and unpins pages of two tables that fit in their memories, which a
 * first round of the same pages makes sure of; nanoseconds a pair.
 */
Datum
pagestore_bench_pin(PG_FUNCTION_ARGS)
{
	Relation	ours = relation_open(PG_GETARG_OID(0), AccessShareLock);
	Relation	heap = relation_open(PG_GETARG_OID(1), AccessShareLock);
	int			loops = PG_GETARG_INT32(2);
	bool		spread = PG_GETARG_BOOL(3);
	int			n = Max(loops / ROUNDS, 1);
	BlockNumber nblocks;
	BlockNumber *order;
	double		our_time = 0,
				core_time = 0;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	ps_require_preloaded();
	if (!ps_is_pagestore(ours) || heap->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a pagestore table and a heap table are needed, in this order")));
	nblocks = Min(ps_nblocks(ours), RelationGetNumberOfBlocks(heap));
	if (nblocks == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables must not be empty")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	order = make_order(nblocks, spread, n);
	(void) time_ours(ours, order, n);
	(void) time_core(heap, order, n);
	for (int round = 0; round < ROUNDS; round++)
	{
		CHECK_FOR_INTERRUPTS();
		our_time += time_ours(ours, order, n);
		core_time += time_core(heap, order, n);
	}

	relation_close(ours, AccessShareLock);
	relation_close(heap, AccessShareLock);
	values[0] = Float8GetDatum(our_time * 1e9 / ((double) n * ROUNDS));
	values[1] = Float8GetDatum(core_time * 1e9 / ((double) n * ROUNDS));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
