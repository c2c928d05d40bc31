/*
 * vacuum.c
 *		VACUUM of a table: the run from its cutoffs to pg_class.
 */
#include "postgres.h"

#include "access/multixact.h"
#include "access/visibilitymap.h"
#include "am/vacuum.h"
#include "am/vacuum_eager.h"
#include "am/vacuum_index.h"
#include "am/vacuum_report.h"
#include "am/vacuum_scan.h"
#include "am/vacuum_state.h"
#include "am/vacuum_truncate.h"
#include "commands/dbcommands.h"
#include "commands/progress.h"
#include "debug/stop.h"
#include "miscadmin.h"
#include "page/storage.h"
#include "page/usage.h"
#include "pgstat.h"
#include "server/compat.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

static PsVacuum *
begin(Relation rel, const VacuumParams *params, BufferAccessStrategy strategy)
{
	PsVacuum   *v = palloc0(sizeof(PsVacuum));

	Assert(params->index_cleanup != VACOPTVALUE_UNSPECIFIED);
	Assert(params->truncate != VACOPTVALUE_UNSPECIFIED &&
		   params->truncate != VACOPTVALUE_AUTO);

	v->rel = rel;
	v->database = get_database_name(MyDatabaseId);
	v->schema = get_namespace_name(RelationGetNamespace(rel));
	v->name = pstrdup(RelationGetRelationName(rel));
	v->verbose = (params->options & VACOPT_VERBOSE) != 0;
	v->strategy = strategy;
	v->started = GetCurrentTimestamp();
	ps_failsafe_announce(false);

	v->index_vacuuming = v->index_cleanup = params->index_cleanup != VACOPTVALUE_DISABLED;
	v->may_bypass = params->index_cleanup == VACOPTVALUE_AUTO;
	v->truncation = params->truncate != VACOPTVALUE_DISABLED;

	v->old_live = rel->rd_rel->reltuples;
	return v;
}

static void
set_cutoffs(PsVacuum *v, const VacuumParams *params)
{
	v->aggressive = vacuum_get_cutoffs(v->rel, params, &v->cutoffs);
	v->skip_by_map = true;
	if (params->options & VACOPT_DISABLE_PAGE_SKIPPING)
	{
		v->aggressive = true;
		v->skip_by_map = false;
	}

	/* Pulled down by every id that we leave behind. */
	v->new_frozenxid = v->cutoffs.OldestXmin;
	v->new_minmulti = v->cutoffs.OldestMxact;

	/*
	 * The size comes after the cutoff: a page added later holds no xid older
	 * than it, so the scan misses none.
	 */
	v->vistest = GlobalVisTestFor(v->rel);
	v->first_pages = v->pages = ps_nblocks(v->rel);
	ps_eager_begin(v, ps_eager_failure_rate(params));
}

/* Write what was found to pg_class and to the cumulative statistics. */
static void
publish(PsVacuum *v, bool *frozenxid_updated, bool *minmulti_updated)
{
	BlockNumber all_visible,
				all_frozen;

	Assert(v->new_frozenxid == v->cutoffs.OldestXmin ||
		   TransactionIdPrecedesOrEquals(v->aggressive ? v->cutoffs.FreezeLimit : v->cutoffs.relfrozenxid,
										 v->new_frozenxid));
	Assert(v->new_minmulti == v->cutoffs.OldestMxact ||
		   MultiXactIdPrecedesOrEquals(v->aggressive ? v->cutoffs.MultiXactCutoff : v->cutoffs.relminmxid,
									   v->new_minmulti));

	/* Skipped pages may hold older ids than any we saw. */
	if (v->skipped_visible)
	{
		Assert(!v->aggressive);
		v->new_frozenxid = InvalidTransactionId;
		v->new_minmulti = InvalidMultiXactId;
	}

	visibilitymap_count(v->rel, &all_visible, &all_frozen);
	all_visible = Min(all_visible, v->pages);
	vac_update_relstats(v->rel, v->pages, v->total_live,
						all_visible, Min(all_frozen, all_visible),
						v->nindexes > 0, v->new_frozenxid, v->new_minmulti,
						frozenxid_updated, minmulti_updated, false);

	/*
	 * LP_DEAD items left by a bypass are ANALYZE's to count: no reason to
	 * come back soon.
	 */
	pgstat_report_vacuum(v->rel, Max(v->total_live, 0), v->recently_dead + v->missed, v->started);
}

void
ps_vacuum(Relation rel, const VacuumParams *params, BufferAccessStrategy bstrategy)
{
	PsVacuum   *v = begin(rel, params, bstrategy);
	PsVacuumReport *report = ps_vacuum_report_begin(v, params);
	ErrorContextCallback context = {.callback = ps_vacuum_error_context,.arg = v};
	IOContext	before = ps_usage_enter(IOCONTEXT_VACUUM);
	bool		frozenxid_updated,
				minmulti_updated;

	pgstat_progress_start_command(PROGRESS_COMMAND_VACUUM, RelationGetRelid(rel));
	ps_progress_vacuum_started(params);
	set_cutoffs(v, params);
	ps_progress_vacuum_mode(v->aggressive);

	context.previous = error_context_stack;
	error_context_stack = &context;
	if (v->verbose)
	{
		if (v->aggressive)
			ereport(INFO, (errmsg("aggressively vacuuming \"%s.%s.%s\"",
								  v->database, v->schema, v->name)));
		else
			ereport(INFO, (errmsg("vacuuming \"%s.%s.%s\"",
								  v->database, v->schema, v->name)));
	}

	vac_open_indexes(rel, RowExclusiveLock, &v->nindexes, &v->indexes);
	v->reap_at_once = PS_PRUNE_REAPS && v->nindexes == 0;
	v->index_stats = palloc0(v->nindexes * sizeof(IndexBulkDeleteResult *));

	/*
	 * Before memory is laid out: with ids this old there will be no parallel
	 * vacuum.
	 */
	(void) ps_vacuum_failsafe(v);
	ps_vacuum_dead_begin(v, params->nworkers);
	PS_STOP("vacuum-before-scan");
	ps_vacuum_scan(v);
	PS_STOP("vacuum-after-scan");
	ps_vacuum_dead_end(v);

	if (v->index_cleanup)
		ps_vacuum_index_relstats(v);
	ps_vacuum_report_indexes(report, v);
	vac_close_indexes(v->nindexes, v->indexes, NoLock);

	ps_vacuum_truncate(v);
	error_context_stack = context.previous;

	pgstat_progress_update_param(PROGRESS_VACUUM_PHASE, PROGRESS_VACUUM_PHASE_FINAL_CLEANUP);
	publish(v, &frozenxid_updated, &minmulti_updated);
	pgstat_progress_end_command();
	ps_vacuum_report_end(report, v, params, frozenxid_updated, minmulti_updated);
	(void) ps_usage_enter(before);
}
