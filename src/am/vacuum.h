/*
 * vacuum.h
 *		One run of VACUUM over a table: shared by the vacuum_*.c files.
 *
 *	vacuum.c			the run from cutoffs to pg_class, failsafe, error context
 *	vacuum_scan.c		first pass: which pages, visibility and free space maps
 *	vacuum_page.c		one page of the first pass: prune, freeze, count, collect
 *	vacuum_index.c		dead TIDs, index vacuuming and cleanup, when to bypass
 *	vacuum_reap.c		second pass: collected line pointers become reusable
 *	vacuum_truncate.c	give the empty tail back
 *	vacuum_report.c		what VERBOSE and the log say
 *
 * Behaviour follows core's vacuumlazy.c, but for one thing: no reader's pin
 * keeps a page from being pruned (doc/architecture.md, No cleanup lock).  What
 * may is the want of a free frame, or a scan for dirty pages under way.
 */
#ifndef PAGESTORE_AM_VACUUM_H
#define PAGESTORE_AM_VACUUM_H

#include "access/genam.h"
#include "commands/vacuum.h"
#include "page/guard.h"
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
	PsVacuumPlace at;

	/*
	 * what is to be done; the failsafe and the bypass rule turn some off on
	 * the way
	 */
	bool		aggressive;		/* must get relfrozenxid past freeze_limit */
	bool		skip_by_map;
	bool		may_bypass;		/* index vacuuming may be left out if it would
								 * do little */
	bool		index_vacuuming;
	bool		index_cleanup;
	bool		truncation;
	bool		failsafe;		/* only what keeps xids from running out */

	/* cutoffs, fixed at the start */
	TransactionId oldest_xmin;
	MultiXactId oldest_multi;
	TransactionId freeze_limit;
	MultiXactId multi_limit;
	struct GlobalVisState *vistest;

	/* the table as pg_class knew it, and the oldest ids that stay in it */
	TransactionId old_frozenxid;
	MultiXactId old_minmulti;
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
	VacDeadItems *dead;			/* TIDs of LP_DEAD items, in order */

	/* pages */
	BlockNumber first_pages;	/* at the start */
	BlockNumber pages;			/* now */
	BlockNumber nonempty;		/* last page with a row, plus one */
	BlockNumber scanned;
	BlockNumber truncated;
	BlockNumber dead_pages;		/* with LP_DEAD items */
	BlockNumber missed_pages;	/* with dead rows that had to stay */

	/* rows of the scanned pages */
	int64		removed;
	int64		dead_items;
	int64		live;
	int64		recently_dead;
	int64		missed;

	/* estimates for the whole table */
	double		total_live;
	double		total_rows;
} PsVacuum;

/* vacuum.c */

/* True from the moment the table's ids are dangerously old; the first time it warns and gives up all but freezing. */
extern bool ps_vacuum_failsafe(PsVacuum *v);

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

/* vacuum_scan.c: the first pass, with rounds of ps_vacuum_round() where memory runs out */
extern void ps_vacuum_scan(PsVacuum *v);

/* vacuum_page.c */
/* What is left on a page after ps_vacuum_page(). */
typedef struct PsVacuumPage
{
	bool		has_rows;		/* may not be truncated away */
	bool		has_dead;		/* LP_DEAD items are left, all in v->dead */
	bool		all_visible;	/* to everybody, for ever; then has_dead is
								 * false */
	bool		all_frozen;		/* meaningful only if all_visible */
	bool		unpruned;		/* dead rows had to stay: nothing is known
								 * about visibility */
	TransactionId newest_xmin;	/* of the visible rows: standbys must have got
								 * past it */
} PsVacuumPage;

/*
 * Prune, freeze, count the guard's page and collect its LP_DEAD items; the
 * guard may move. Room for a page's items must be left in v->dead.  An
 * aggressive vacuum that finds no free frame for a page it must freeze waits,
 * with the guard released meanwhile.
 */
extern void ps_vacuum_page(PsVacuum *v, PsWrite *guard, PsVacuumPage *left) PS_REQUIRES(guard);

/* Is every row visible to everybody for ever?  No LP_DEAD items either. */
extern bool ps_vacuum_page_visible(PsVacuum *v, const PsRead *guard,
								   TransactionId *newest_xmin, bool *all_frozen)
			PS_REQUIRES_SHARED(guard);

/* vacuum_reap.c */

/*
 * Make the LP_DEAD items of the guard's page that v->dead lists from index on
 * unused, and set what VM bits follow; returns the index of the next page's
 * first item.  vmbuf is pinned for the page.
 */
extern int	ps_vacuum_reap_page(PsVacuum *v, PsWrite *guard, int index, Buffer vmbuf);
extern void ps_vacuum_reap(PsVacuum *v);

/* vacuum_index.c */
extern void ps_vacuum_dead_begin(PsVacuum *v, int workers);
extern void ps_vacuum_dead_end(PsVacuum *v);	/* leaves parallel mode */
extern void ps_vacuum_round(PsVacuum *v);	/* indexes, then the second pass;
											 * empties v->dead */
extern void ps_vacuum_cleanup_indexes(PsVacuum *v);
extern void ps_vacuum_index_relstats(PsVacuum *v);

/* vacuum_truncate.c */
extern void ps_vacuum_truncate(PsVacuum *v);	/* if it is worth a try */

/* vacuum_report.c: the run's resource use from begin on; end writes the report if it was asked for */
typedef struct PsVacuumReport PsVacuumReport;
extern PsVacuumReport *ps_vacuum_report_begin(const PsVacuum *v, const VacuumParams *params);
extern void ps_vacuum_report_indexes(PsVacuumReport *report, const PsVacuum *v);	/* while they are open */
extern void ps_vacuum_report_end(PsVacuumReport *report, const PsVacuum *v, const VacuumParams *params,
								 bool frozenxid_updated, bool minmulti_updated);

#endif							/* PAGESTORE_AM_VACUUM_H */
