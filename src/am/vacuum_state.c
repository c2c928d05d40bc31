/*
 * vacuum_state.c
 *		Where a run of VACUUM is, for error contexts, and whether it may take its time.
 */
#include "postgres.h"

#include "access/visibilitymapdefs.h"
#include "am/vacuum_state.h"
#include "miscadmin.h"
#include "server/compat.h"

bool
ps_vacuum_failsafe(PsVacuum *v)
{
	if (v->failsafe)
		return true;
	if (likely(!vacuum_xid_failsafe_check(&v->cutoffs)))
		return false;

	v->failsafe = true;
	v->index_vacuuming = false;
	v->index_cleanup = false;
	v->truncation = false;
	ps_failsafe_announce(true);
	ps_progress_vacuum_failsafe();
	if (PS_FAILSAFE_ENDS_STRATEGY)
		v->strategy = NULL;
	ereport(WARNING,
			(errmsg("bypassing nonessential maintenance of table \"%s.%s.%s\" as a failsafe after %d index scans",
					v->database, v->schema, v->name, v->index_scans),
			 errdetail("The table's relfrozenxid or relminmxid is too far in the past."),
			 errhint("Consider increasing configuration parameter \"maintenance_work_mem\" or \"autovacuum_work_mem\".\n"
					 "You might also need to consider other ways for VACUUM to keep up with the allocation of transaction IDs.")));

	/* From here on as fast as it can. */
	VacuumCostActive = false;
	VacuumCostBalance = 0;
	return true;
}

void
ps_vacuum_limit_pages(const PsVacuum *v, PsStream *stream)
{
	int			pages = GetAccessStrategyBufferCount(v->strategy);

	if (pages > 0 && pages != PS_VACUUM_BUFFERS_BY_DEFAULT)
		ps_stream_let_stay(stream, pages);
}

bool
ps_vacuum_count_map(PsVacuum *v, uint8 before, uint8 set)
{
	bool		frozen = (set & ~before & VISIBILITYMAP_ALL_FROZEN) != 0;

	if (!(before & VISIBILITYMAP_ALL_VISIBLE))
	{
		v->new_visible++;
		if (frozen)
			v->new_visible_frozen++;
	}
	else if (frozen)
		v->new_frozen++;
	return frozen;
}

void
ps_vacuum_error_context(void *arg)
{
	const PsVacuum *v = arg;
	const PsVacuumPlace *at = &v->at;

	switch (at->phase)
	{
		case PS_VACUUM_IDLE:
			break;
		case PS_VACUUM_SCAN:
		case PS_VACUUM_REAP:
			{
				const char *doing = at->phase == PS_VACUUM_SCAN ? "scanning" : "vacuuming";

				if (!BlockNumberIsValid(at->block))
					errcontext("while %s relation \"%s.%s\"", doing, v->schema, v->name);
				else if (!OffsetNumberIsValid(at->offset))
					errcontext("while %s block %u of relation \"%s.%s\"",
							   doing, at->block, v->schema, v->name);
				else
					errcontext("while %s block %u offset %u of relation \"%s.%s\"",
							   doing, at->block, at->offset, v->schema, v->name);
				break;
			}
		case PS_VACUUM_INDEXES:
			errcontext("while vacuuming index \"%s\" of relation \"%s.%s\"",
					   at->index, v->schema, v->name);
			break;
		case PS_VACUUM_CLEANUP:
			errcontext("while cleaning up index \"%s\" of relation \"%s.%s\"",
					   at->index, v->schema, v->name);
			break;
		case PS_VACUUM_TRUNCATE:
			if (BlockNumberIsValid(at->block))
				errcontext("while truncating relation \"%s.%s\" to %u blocks",
						   v->schema, v->name, at->block);
			break;
	}
}
