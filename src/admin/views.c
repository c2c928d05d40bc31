/*
 * views.c
 *		The functions behind the statistics views.
 */
#include "postgres.h"

#include "admin/row.h"
#include "fmgr.h"
#include "funcapi.h"
#include "io/aio.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "pool/curve.h"
#include "pool/inspect.h"
#include "pool/pool.h"
#include "pool/registry.h"
#include "pool/stats.h"
#include "server/preload.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pagestore_stat);
PG_FUNCTION_INFO_V1(pg_stat_reset_pagestore);
PG_FUNCTION_INFO_V1(pagestore_frames);
PG_FUNCTION_INFO_V1(pagestore_in_pool);

/* Milliseconds, as core's views have them. */
static Datum
milliseconds(uint64 microseconds)
{
	return Float8GetDatum(microseconds / 1000.0);
}

/* SQL: pagestore_stat() returns record, the row of pg_stat_pagestore */
Datum
pagestore_stat(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[23];
	bool		nulls[23] = {0};
	int			n = 0;
	PsPoolStats stats;
	const char *reason;

	ps_require_preloaded();
	desc = ps_result_row(fcinfo, lengthof(values));
	ps_pool_stats(&stats);
	reason = ps_aio_fallback_reason();

	values[n++] = CStringGetTextDatum(ps_aio_method_name());
	nulls[n] = reason == NULL;
	values[n++] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	values[n++] = Int64GetDatum(stats.frames);
	values[n++] = Int64GetDatum(stats.target);
	values[n++] = Int64GetDatum(stats.free);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_DIRTY]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_PINNED]);
	values[n++] = Int64GetDatum(stats.ghosts);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_HITS]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_READS]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_PREFETCHED]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_AHEAD_WASTED]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_RING_PAGES]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_RING_SHARED]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_WRITES_WRITER]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_WRITES_CHECKPOINT]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_WRITES_BACKEND]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_EVICTIONS]);
	values[n++] = Int64GetDatum(stats.n[PS_COUNT_GHOSTS]);
	values[n++] = milliseconds(stats.n[PS_COUNT_READ_TIME]);
	values[n++] = milliseconds(stats.n[PS_COUNT_WRITE_TIME]);
	values[n++] = Int64GetDatum(BLCKSZ);
	values[n++] = TimestampTzGetDatum(stats.reset);
	Assert(n == lengthof(values));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* SQL: pg_stat_reset_pagestore() returns void */
Datum
pg_stat_reset_pagestore(PG_FUNCTION_ARGS)
{
	ps_require_preloaded();
	ps_pool_stats_reset();
	ps_registry_reset_counts();
	ps_curve_reset();
	PG_RETURN_VOID();
}

/* SQL: pagestore_frames() returns setof record, a row for each frame in use */
Datum
pagestore_frames(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	ps_require_preloaded();
	ps_result_rows(fcinfo, 11);
	for (PsFrame frame = 0; frame < ps_frames_used(); frame++)
	{
		PsFrameInfo info;
		Datum		values[11];
		bool		nulls[11] = {0};
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		if (!ps_frame_inspect(frame, &info))
			continue;
		values[n++] = Int64GetDatum(frame);
		values[n++] = ObjectIdGetDatum(info.rlocator.spcOid);
		values[n++] = ObjectIdGetDatum(info.rlocator.dbOid);
		values[n++] = ObjectIdGetDatum(info.rlocator.relNumber);
		values[n++] = Int64GetDatum(info.block);
		values[n++] = BoolGetDatum(info.dirty);
		nulls[n] = XLogRecPtrIsInvalid(info.dirty_since);
		values[n++] = LSNGetDatum(info.dirty_since);
		values[n++] = BoolGetDatum(info.reading);
		values[n++] = BoolGetDatum(info.writing);
		values[n++] = BoolGetDatum(info.ghost);
		values[n++] = Int32GetDatum(info.pins);
		Assert(n == lengthof(values));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * SQL: pagestore_in_pool("any") returns boolean
 *
 * Does a by-reference value lie in a frame of the pool, uncopied?  NULL for a
 * type passed by value.
 */
Datum
pagestore_in_pool(PG_FUNCTION_ARGS)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("could not determine the argument's type")));
	if (get_typbyval(type))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(ps_in_pool(PG_GETARG_POINTER(0)));
}
