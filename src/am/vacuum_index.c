/*
 * vacuum_index.c
 *		VACUUM and the table's indexes: dead TIDs, when to remove them, cleanup.
 */
#include "postgres.h"

#include "access/multixact.h"
#include "access/xact.h"
#include "am/vacuum_dead.h"
#include "am/vacuum_index.h"
#include "am/vacuum_reap.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "page/view.h"
#include "pgstat.h"
#include "server/compat.h"

/* Index vacuuming is left out if fewer than this part of the pages has dead items. */
#define BYPASS_PAGES	0.02

/* ---- dead TIDs ---- */

/* Parallel workers take an index each, so one index is no work for them. */
static bool
may_go_parallel(const PsVacuum *v, int workers)
{
	if (workers < 0 || v->nindexes < 2 || !v->index_vacuuming)
		return false;
	if (!RelationUsesLocalBuffers(v->rel))
		return true;

	/*
	 * Workers can't read our local buffers; say so only if they were asked
	 * for.
	 */
	if (workers > 0)
		ereport(WARNING,
				(errmsg("disabling parallel option of vacuum on \"%s\" --- cannot vacuum temporary tables in parallel",
						v->name)));
	return false;
}

void
ps_vacuum_dead_begin(PsVacuum *v, int workers)
{
	ps_dead_begin(v, may_go_parallel(v, workers), workers);
}

void
ps_vacuum_dead_end(PsVacuum *v)
{
	bool		parallel = v->parallel != NULL;

	ps_dead_end(v);
	if (parallel)
		parallel_vacuum_end(v->parallel, v->index_stats);
	v->parallel = NULL;
	Assert(!IsInParallelMode());
}

/* ---- one index ---- */

static IndexVacuumInfo
index_info(const PsVacuum *v, Relation index, double rows, bool estimated)
{
	IndexVacuumInfo info = {
		.index = index,
		.analyze_only = false,
		.report_progress = false,
		.estimated_count = estimated,
		.message_level = DEBUG2,
		.num_heap_tuples = rows,
		.strategy = v->strategy
	};

	ps_vacuum_info_set_table(&info, v->rel);
	return info;
}

static void
bulkdelete_index(PsVacuum *v, int i)
{
	PsVacuumPlace before = ps_vacuum_at(v, PS_VACUUM_INDEXES, InvalidBlockNumber);
	IndexVacuumInfo info = index_info(v, v->indexes[i], v->old_live, true);

	v->at.index = pstrdup(RelationGetRelationName(v->indexes[i]));
	v->index_stats[i] = ps_dead_bulkdelete(v->dead, &info, v->index_stats[i]);
	v->at = before;
}

static void
cleanup_index(PsVacuum *v, int i)
{
	PsVacuumPlace before = ps_vacuum_at(v, PS_VACUUM_CLEANUP, InvalidBlockNumber);
	IndexVacuumInfo info = index_info(v, v->indexes[i], v->total_rows, v->scanned < v->pages);

	v->at.index = pstrdup(RelationGetRelationName(v->indexes[i]));
	v->index_stats[i] = vac_cleanup_one_index(&info, v->index_stats[i]);
	v->at = before;
}

/* ---- all indexes ---- */

/* Remove the dead TIDs from every index.  False if the failsafe kept us from finishing. */
static bool
bulkdelete_indexes(PsVacuum *v)
{
	bool		all = true;

	if (ps_vacuum_failsafe(v))
		return false;

	pgstat_progress_update_param(PROGRESS_VACUUM_PHASE, PROGRESS_VACUUM_PHASE_VACUUM_INDEX);
	ps_progress_indexes(v->nindexes, 0);
	if (v->parallel)
	{
		parallel_vacuum_bulkdel_all_indexes(v->parallel, v->old_live, v->index_scans, &v->workers.vacuum);
		all = !ps_vacuum_failsafe(v);
	}
	else
		for (int i = 0; i < v->nindexes && all; i++)
		{
			bulkdelete_index(v, i);
			ps_progress_indexes(v->nindexes, i + 1);
			all = !ps_vacuum_failsafe(v);
		}

	/* A round that the failsafe cut short counts. */
	v->index_scans++;
	ps_progress_indexes(0, 0);
	pgstat_progress_update_param(PROGRESS_VACUUM_NUM_INDEX_VACUUMS, v->index_scans);
	return all;
}

/*
 * So few dead items that a scan of every index is not worth it?  They stay for
 * another time; what they cost is that their pages are not all-visible.  Only
 * when they are all there are.
 */
static bool
may_bypass(const PsVacuum *v)
{
	return v->may_bypass && v->pages > 0 &&
		v->dead_pages < (BlockNumber) ((double) v->pages * BYPASS_PAGES) &&
		ps_dead_is_little(v->dead, v->dead_items);
}

void
ps_vacuum_round(PsVacuum *v)
{
	Assert(v->nindexes > 0);

	if (v->index_vacuuming)
	{
		if (may_bypass(v))
			v->index_vacuuming = false;
		else if (bulkdelete_indexes(v))
			ps_vacuum_reap(v);
	}
	ps_dead_reset(v);
}

void
ps_vacuum_cleanup_indexes(PsVacuum *v)
{
	pgstat_progress_update_param(PROGRESS_VACUUM_PHASE, PROGRESS_VACUUM_PHASE_INDEX_CLEANUP);
	ps_progress_indexes(v->nindexes, 0);
	if (v->parallel)
		parallel_vacuum_cleanup_all_indexes(v->parallel, v->total_rows, v->index_scans,
											v->scanned < v->pages, &v->workers.cleanup);
	else
		for (int i = 0; i < v->nindexes; i++)
		{
			cleanup_index(v, i);
			ps_progress_indexes(v->nindexes, i + 1);
		}
	ps_progress_indexes(0, 0);
}

/* Counts that an index AM only estimated are not better than what pg_class has. */
void
ps_vacuum_index_relstats(PsVacuum *v)
{
	for (int i = 0; i < v->nindexes; i++)
	{
		const IndexBulkDeleteResult *stats = v->index_stats[i];

		if (stats && !stats->estimated_count)
			vac_update_relstats(v->indexes[i], stats->num_pages, stats->num_index_tuples, 0, 0,
								false, InvalidTransactionId, InvalidMultiXactId,
								NULL, NULL, false);
	}
}
