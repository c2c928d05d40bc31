/*
 * vacuum_report.c
 *		What VACUUM VERBOSE and autovacuum's log say: in core's wording, for the
 *		tools that read it.
 */
#include "postgres.h"

#include "am/vacuum_eager.h"
#include "am/vacuum_report.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/autovacuum.h"
#include "server/compat.h"
#include "storage/bufmgr.h"
#include "utils/pg_rusage.h"
#include "utils/timestamp.h"

struct PsVacuumReport
{
	PGRUsage	rusage;
	TimestampTz start;
	PgStat_Counter read_time;
	PgStat_Counter write_time;
	WalUsage	wal;
	BufferUsage buffers;
	StringInfoData indexes;
};

PsVacuumReport *
ps_vacuum_report_begin(const PsVacuum *v, const VacuumParams *params)
{
	PsVacuumReport *report;

	if (!v->verbose && !(AmAutoVacuumWorkerProcess() && params->log_vacuum_min_duration >= 0))
		return NULL;

	report = palloc0(sizeof(PsVacuumReport));
	pg_rusage_init(&report->rusage);
	report->start = GetCurrentTimestamp();
	report->read_time = pgStatBlockReadTime;
	report->write_time = pgStatBlockWriteTime;
	report->wal = pgWalUsage;
	report->buffers = pgBufferUsage;
	initStringInfo(&report->indexes);
	return report;
}

void
ps_vacuum_report_indexes(PsVacuumReport *report, const PsVacuum *v)
{
	if (!report)
		return;
	for (int i = 0; i < v->nindexes; i++)
	{
		const IndexBulkDeleteResult *stats = v->index_stats[i];

		if (stats)
			appendStringInfo(&report->indexes,
							 "index \"%s\": pages: %u in total, %u newly deleted, %u currently deleted, %u reusable\n",
							 RelationGetRelationName(v->indexes[i]), stats->num_pages,
							 stats->pages_newly_deleted, stats->pages_deleted, stats->pages_free);
	}
}

static double
percent(BlockNumber part, BlockNumber whole)
{
	return whole == 0 ? 100.0 : 100.0 * part / whole;
}

static void
headline(StringInfo buf, const PsVacuum *v, const VacuumParams *params)
{
	const char *what;

	if (v->verbose)
		what = "finished vacuuming";
	else if (params->is_wraparound)
		what = v->aggressive ? "automatic aggressive vacuum to prevent wraparound of table" :
			"automatic vacuum to prevent wraparound of table";
	else
		what = v->aggressive ? "automatic aggressive vacuum of table" :
			"automatic vacuum of table";
	appendStringInfo(buf, "%s \"%s.%s.%s\": index scans: %d\n",
					 what, v->database, v->schema, v->name, v->index_scans);
}

static void
table_lines(StringInfo buf, const PsVacuum *v, bool frozenxid_updated, bool minmulti_updated)
{
	const char *scan;

	appendStringInfo(buf, "pages: %u removed, %u remain, %u scanned (%.2f%% of total)",
					 v->truncated, v->pages, v->scanned, percent(v->scanned, v->first_pages));
	if (PS_REPORTS_MAP)
		appendStringInfo(buf, ", %u eagerly scanned", ps_eager_scanned(v));
	appendStringInfoChar(buf, '\n');
	appendStringInfo(buf, "tuples: %lld removed, %lld remain, %lld are dead but not yet removable\n",
					 (long long) v->removed, (long long) v->total_rows,
					 (long long) v->recently_dead);
	if (v->missed > 0)
		appendStringInfo(buf, "tuples missed: %lld dead from %u pages not removed due to cleanup lock contention\n",
						 (long long) v->missed, v->missed_pages);
	appendStringInfo(buf, "removable cutoff: %u, which was %d XIDs old when operation ended\n",
					 v->cutoffs.OldestXmin, (int32) (ReadNextTransactionId() - v->cutoffs.OldestXmin));
	if (frozenxid_updated)
		appendStringInfo(buf, "new relfrozenxid: %u, which is %d XIDs ahead of previous value\n",
						 v->new_frozenxid, (int32) (v->new_frozenxid - v->cutoffs.relfrozenxid));
	if (minmulti_updated)
		appendStringInfo(buf, "new relminmxid: %u, which is %d MXIDs ahead of previous value\n",
						 v->new_minmulti, (int32) (v->new_minmulti - v->cutoffs.relminmxid));
	if (PS_REPORTS_FROZEN)
		appendStringInfo(buf, "frozen: %u pages from table (%.2f%% of total) had %lld tuples frozen\n",
						 v->frozen_pages, percent(v->frozen_pages, v->first_pages), (long long) v->frozen);
	if (PS_REPORTS_MAP)
		appendStringInfo(buf, "visibility map: %u pages set all-visible, %u pages set all-frozen (%u were all-visible)\n",
						 v->new_visible, v->new_visible_frozen + v->new_frozen, v->new_frozen);

	if (v->index_vacuuming)
		scan = v->nindexes == 0 || v->index_scans == 0 ? "not needed" : "needed";
	else
		scan = v->failsafe ? "bypassed by failsafe" : "bypassed";
	appendStringInfo(buf, "index scan %s: %u pages from table (%.2f%% of total) %s %lld dead item identifiers%s\n",
					 scan, v->dead_pages, percent(v->dead_pages, v->first_pages),
					 v->index_vacuuming ? "had" : "have", (long long) v->dead_items,
					 v->index_vacuuming ? " removed" : "");
}

static void
worker_lines(StringInfo buf, const PsVacuum *v)
{
	if (v->workers.vacuum.nplanned > 0)
		appendStringInfo(buf, "parallel workers: index vacuum: %d planned, %d launched in total\n",
						 v->workers.vacuum.nplanned, v->workers.vacuum.nlaunched);
	if (v->workers.cleanup.nplanned > 0)
		appendStringInfo(buf, "parallel workers: index cleanup: %d planned, %d launched\n",
						 v->workers.cleanup.nplanned, v->workers.cleanup.nlaunched);
}

/* What dead TIDs took, in all. */
static void
memory_line(StringInfo buf, const PsVacuum *v)
{
	const double mb = 1024 * 1024;

	appendStringInfo(buf, "memory usage: dead item storage %.2f MB accumulated across %d %s (limit %.2f MB each)\n",
					 v->dead_bytes / mb, v->dead_resets, v->dead_resets == 1 ? "reset" : "resets",
					 v->dead_limit / mb);
}

static void
resource_lines(StringInfo buf, const PsVacuum *v, const PsVacuumReport *report, TimestampTz end)
{
	WalUsage	wal = {0};
	BufferUsage used = {0};
	long		secs;
	int			usecs;
	double		duration;
	double		mb_per_page = (double) BLCKSZ / (1024 * 1024);
	double		read_rate = 0,
				write_rate = 0;
	int64		hit,
				read,
				dirtied;

	WalUsageAccumDiff(&wal, &pgWalUsage, &report->wal);
	BufferUsageAccumDiff(&used, &pgBufferUsage, &report->buffers);
	hit = used.shared_blks_hit + used.local_blks_hit;
	read = used.shared_blks_read + used.local_blks_read;
	dirtied = used.shared_blks_dirtied + used.local_blks_dirtied;

	TimestampDifference(report->start, end, &secs, &usecs);
	duration = secs + usecs / 1000000.0;
	if (duration > 0)
	{
		read_rate = read * mb_per_page / duration;
		write_rate = dirtied * mb_per_page / duration;
	}

	if (ps_tracks_delay())
		appendStringInfo(buf, "delay time: %.3f ms\n", ps_delay_ms());
	if (track_io_timing)
		appendStringInfo(buf, "I/O timings: read: %.3f ms, write: %.3f ms\n",
						 (double) (pgStatBlockReadTime - report->read_time) / 1000,
						 (double) (pgStatBlockWriteTime - report->write_time) / 1000);
	appendStringInfo(buf, "avg read rate: %.3f MB/s, avg write rate: %.3f MB/s\n",
					 read_rate, write_rate);
	appendStringInfo(buf, "buffer usage: %lld hits, %lld %s, %lld dirtied\n",
					 (long long) hit, (long long) read, PS_REPORTS_MAP ? "reads" : "misses", (long long) dirtied);
	appendStringInfo(buf, "WAL usage: %lld records, %lld full page images, %llu bytes",
					 (long long) wal.wal_records, (long long) wal.wal_fpi,
					 (unsigned long long) wal.wal_bytes);
	if (PS_REPORTS_MEMORY)
		appendStringInfo(buf, ", %llu full page image bytes", (unsigned long long) ps_wal_image_bytes(&wal));
	if (PS_REPORTS_MAP)
		appendStringInfo(buf, ", %lld buffers full", (long long) ps_wal_buffers_full(&wal));
	appendStringInfoChar(buf, '\n');
	if (PS_REPORTS_MEMORY)
		memory_line(buf, v);
	appendStringInfo(buf, "system usage: %s", pg_rusage_show(&report->rusage));
}

void
ps_vacuum_report_end(PsVacuumReport *report, const PsVacuum *v, const VacuumParams *params,
					 bool frozenxid_updated, bool minmulti_updated)
{
	TimestampTz end;
	StringInfoData buf;

	if (!report)
		return;
	end = GetCurrentTimestamp();
	if (!v->verbose && params->log_vacuum_min_duration > 0 &&
		!TimestampDifferenceExceeds(report->start, end, params->log_vacuum_min_duration))
		return;

	initStringInfo(&buf);
	headline(&buf, v, params);
	table_lines(&buf, v, frozenxid_updated, minmulti_updated);
	worker_lines(&buf, v);
	appendStringInfoString(&buf, report->indexes.data);
	resource_lines(&buf, v, report, end);
	ereport(v->verbose ? INFO : LOG, (errmsg_internal("%s", buf.data)));
	pfree(buf.data);
}
