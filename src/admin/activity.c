/*
 * activity.c
 *		pg_stat_pagestore_activity: what each process does with the pool.
 */
#include "postgres.h"

#include "admin/row.h"
#include "io/aio.h"
#include "page/ring.h"
#include "pool/stats.h"
#include "server/preload.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pagestore_stat_activity);

#define COLUMNS 13

static void
add_process(ReturnSetInfo *rsinfo, const PsProcessStats *stats, uint32 reads)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};
	int			n = 0;
	uint64		written;

	written = stats->n[PS_COUNT_WRITES_WRITER] + stats->n[PS_COUNT_WRITES_CHECKPOINT] +
		stats->n[PS_COUNT_WRITES_BACKEND];
	values[n++] = Int32GetDatum(stats->pid);
	values[n++] = Int64GetDatum(stats->n[PS_COUNT_PINNED]);
	values[n++] = Int64GetDatum(stats->n[PS_COUNT_RINGS] * PS_RING_BYTES);
	values[n++] = Int64GetDatum(reads);
	values[n++] = Int64GetDatum(stats->n[PS_COUNT_WRITING]);
	values[n++] = Int64GetDatum(stats->n[PS_COUNT_HITS]);
	values[n++] = Int64GetDatum(stats->n[PS_COUNT_READS]);
	values[n++] = Int64GetDatum(stats->n[PS_COUNT_PREFETCHED]);
	values[n++] = Int64GetDatum(stats->n[PS_COUNT_RING_PAGES]);
	values[n++] = Int64GetDatum(written);
	values[n++] = Int64GetDatum(stats->n[PS_COUNT_EVICTIONS]);
	values[n++] = Float8GetDatum(stats->n[PS_COUNT_READ_TIME] / 1000.0);
	values[n++] = Float8GetDatum(stats->n[PS_COUNT_WRITE_TIME] / 1000.0);
	Assert(n == COLUMNS);

	/* what pg_stat_activity keeps from the caller is kept here */
	if (!ps_may_see(stats->role))
		for (int i = 1; i < COLUMNS; i++)
			nulls[i] = true;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* SQL: pagestore_stat_activity() returns setof record, a row for each process that has used the pool */
Datum
pagestore_stat_activity(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo;
	uint32	   *reads;

	ps_require_preloaded();
	rsinfo = ps_result_rows(fcinfo, COLUMNS);
	reads = palloc(ps_process_count() * sizeof(uint32));
	ps_aio_count_reads(reads, ps_process_count());
	for (int i = 0; i < ps_process_count(); i++)
	{
		PsProcessStats stats;

		if (ps_process_stats(i, &stats))
			add_process(rsinfo, &stats, reads[i]);
	}
	return (Datum) 0;
}
