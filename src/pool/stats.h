/*
 * stats.h
 *		What the pool has done and holds, for the statistics views.
 *
 * Each process adds to a slot of its own, without atomics; the sums are exact
 * when nobody is at work.
 */
#ifndef PAGESTORE_POOL_STATS_H
#define PAGESTORE_POOL_STATS_H

#include "postgres.h"

typedef enum PsCounter
{
	PS_COUNT_HITS,
	PS_COUNT_READS,
	PS_COUNT_PREFETCHED,
	PS_COUNT_RING_PAGES,
	PS_COUNT_WRITES_WRITER,
	PS_COUNT_WRITES_CHECKPOINT,
	PS_COUNT_WRITES_BACKEND,
	PS_COUNT_EVICTIONS,
	PS_COUNT_PINNED,			/* frames that this process pins */
	PS_COUNT_DIRTY,				/* frames turned dirty less those turned clean
								 * or forgotten: the sum counts */
	PS_COUNT_GHOSTS
} PsCounter;
#define PS_NCOUNTERS (PS_COUNT_GHOSTS + 1)

/* Written by its process alone, read by all. */
typedef struct PsCounterSlot
{
	uint64		n[PS_NCOUNTERS];
} pg_attribute_aligned(PG_CACHE_LINE_SIZE) PsCounterSlot;

/* This process's; NULL before it has counted anything. */
extern PsCounterSlot *ps_my_counters;

/* Find this process's slot.  Idempotent.  ereport(ERROR) in a process without a PGPROC, or without the pool. */
extern void ps_counters_attach(void);

static inline void
ps_count(PsCounter counter, uint64 n)
{
	if (unlikely(ps_my_counters == NULL))
		ps_counters_attach();
	ps_my_counters->n[counter] += n;
}

typedef struct PsPoolStats
{
	uint64		hits;
	uint64		reads;			/* pages read in by a waiting backend */
	uint64		prefetched;		/* pages read ahead */
	uint64		ring_pages;		/* pages read around the pool */
	uint64		writes_writer;	/* pages written by the writer */
	uint64		writes_checkpoint;	/* ... by the sentinel for a checkpoint */
	uint64		writes_backend; /* ... by a backend that needed a frame, or by
								 * a command */
	uint64		evictions;
	uint64		ghosts_made;
	uint32		frames;
	uint32		free;
	uint32		dirty;
	uint32		pinned;			/* by processes, once for each */
	uint32		ghosts;			/* with those about to be made */
} PsPoolStats;

/* Any process; all zero where there is no pool. */
extern void ps_pool_stats(PsPoolStats *out);

extern Size ps_counters_shmem_size(void);
extern void ps_counters_shmem_init(void);

#endif							/* PAGESTORE_POOL_STATS_H */
