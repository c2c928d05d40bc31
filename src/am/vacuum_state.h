/*
 * vacuum_state.h
 *		What a run of VACUUM over a table knows and counts, and where it is: below all
 *		of its passes.
 */
#ifndef PAGESTORE_AM_VACUUM_STATE_H
#define PAGESTORE_AM_VACUUM_STATE_H

#include "access/genam.h"
#include "commands/vacuum.h"
#include "datatype/timestamp.h"
#include "page/stream.h"
#include "server/compat.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* What an error context names. */
typedef enum PsVacuumPhase
{
	PS_VACUUM_IDLE,
	PS_VACUUM_SCAN,
	PS_VACUUM_INDEXES,
	PS_VACUUM_REAP,
	PS_VACUUM_CLEANUP,
	PS_VACUUM_TRUNCATE
} PsVacuumPhase;

typedef struct PsVacuumPlace
{
	PsVacuumPhase phase;
	BlockNumber block;
	OffsetNumber offset;
	const char *index;
} PsVacuumPlace;

typedef struct PsVacuum
{
	Relation	rel;
	char	   *database;		/* names, kept for messages */
	char	   *schema;
	char	   *name;
	bool		verbose;
	TimestampTz started;
	PsVacuumPlace at;

	/*
	 * what is to be done; the failsafe and the bypass rule turn some off on
	 * the way
	 */
	bool		aggressive;		/* must get relfrozenxid past FreezeLimit */
	bool		skip_by_map;
	bool		may_bypass;		/* index vacuuming may be left out if it would
								 * do little */
	bool		index_vacuuming;
	bool		index_cleanup;
	bool		truncation;
	bool		reap_at_once;	/* no index: line pointers of dead rows are
								 * unused with their rows */
	bool		failsafe;		/* only what keeps xids from running out */

	/* fixed at the start; the table's old relfrozenxid and relminmxid too */
	struct VacuumCutoffs cutoffs;
	struct GlobalVisState *vistest;

	/* the table as pg_class knew it, and the oldest ids that stay in it */
	double		old_live;
	TransactionId new_frozenxid;
	MultiXactId new_minmulti;
	bool		skipped_visible;	/* pages that may hold older ids were
									 * skipped */

	/* indexes */
	int			nindexes;
	Relation   *indexes;
	IndexBulkDeleteResult **index_stats;
	int			index_scans;
	BufferAccessStrategy strategy;	/* for the index AMs */
	ParallelVacuumState *parallel;	/* NULL: this process does it all */
	PVWorkerUsage workers;		/* planned and launched */
	struct PsDead *dead;		/* TIDs of LP_DEAD items (vacuum_dead.h) */
	int			dead_resets;	/* how often that was emptied, */
	uint64		dead_bytes;		/* the memory that it had then and at the end, */
	uint64		dead_limit;		/* and may have; where PS_REPORTS_MEMORY */

	/* pages */
	BlockNumber first_pages;	/* at the start */
	BlockNumber pages;			/* now */
	BlockNumber nonempty;		/* last page with a row, plus one */
	BlockNumber scanned;
	BlockNumber truncated;
	BlockNumber dead_pages;		/* with LP_DEAD items */
	BlockNumber missed_pages;	/* with dead rows that had to stay */
	BlockNumber frozen_pages;	/* where rows were frozen */

	/* pages whose map bits were set */
	BlockNumber new_visible;
	BlockNumber new_visible_frozen; /* part of these: both at once */
	BlockNumber new_frozen;		/* were visible before */

	struct PsEager *eager;		/* pages looked at early (vacuum_eager.h) */

	/* rows of the scanned pages */
	int64		removed;
	int64		frozen;
	int64		dead_items;
	int64		live;
	int64		recently_dead;
	int64		missed;

	/* estimates for the whole table */
	double		total_live;
	double		total_rows;
} PsVacuum;

/*
 * True from the moment the table's ids are dangerously old; the first time it
 * warns and gives up all but freezing.
 */
extern bool ps_vacuum_failsafe(PsVacuum *v);

/*
 * Of the pages that VACUUM's passes bring into the pool few are to stay, where
 * BUFFER_USAGE_LIMIT or vacuum_buffer_usage_limit is another than the server's
 * default.  That is no limit for the pool: pages that are used once leave it
 * first.
 */
extern void ps_vacuum_limit_pages(const PsVacuum *v, PsStream *stream);

/* Count a page whose map bits were before, and are now set.  True if it became all frozen. */
extern bool ps_vacuum_count_map(PsVacuum *v, uint8 before, uint8 set);

/* Say where we are, for error contexts; returns where we were. */
static inline PsVacuumPlace
ps_vacuum_at(PsVacuum *v, PsVacuumPhase phase, BlockNumber block)
{
	PsVacuumPlace before = v->at;

	v->at = (PsVacuumPlace)
	{
		phase, block, InvalidOffsetNumber, NULL
	};
	return before;
}

/* An error context callback; arg is the PsVacuum. */
extern void ps_vacuum_error_context(void *arg);

#endif							/* PAGESTORE_AM_VACUUM_STATE_H */
