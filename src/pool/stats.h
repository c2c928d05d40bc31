/*
 * stats.h
 *		What the pool and each process have done and hold, for the statistics
 *		views.
 *
 * Each process adds to a slot of its own, without atomics; the sums are exact
 * when nobody is at work.  Slots go with PGPROCs and are never set back, as
 * only their processes may write into them: what a process has done is what has
 * been added since it began, and a reset notes the sums of that moment.
 */
#ifndef PAGESTORE_POOL_STATS_H
#define PAGESTORE_POOL_STATS_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef enum PsCounter
{
	/* counted since the last reset */
	PS_COUNT_HITS,
	PS_COUNT_READS,				/* pages read in by a waiting backend */
	PS_COUNT_PREFETCHED,		/* pages read ahead */
	PS_COUNT_AHEAD_WASTED,		/* ... that left the pool unused */
	PS_COUNT_RING_PAGES,		/* pages read around the pool */
	PS_COUNT_RING_SHARED,		/* pages copied from another scan, which had
								 * read them */
	PS_COUNT_WRITES_WRITER,		/* pages written by the writer */
	PS_COUNT_WRITES_CHECKPOINT, /* ... by the sentinel for a checkpoint */
	PS_COUNT_WRITES_BACKEND,	/* ... by a backend that needed a frame, or by
								 * a command */
	PS_COUNT_EVICTIONS,
	PS_COUNT_SHARED_HITS,		/* of shared_buffers (page/usage.h) */
	PS_COUNT_SHARED_READS,		/* pages read into them */
	PS_COUNT_GHOSTS,			/* ghosts made */
	PS_COUNT_READ_TIME,			/* microseconds, under track_io_timing */
	PS_COUNT_WRITE_TIME,

	/* as things are: up and down */
	PS_COUNT_PINNED,			/* frames that this process pins */
	PS_COUNT_DIRTY,				/* frames turned dirty less those turned clean
								 * or forgotten: the sum counts */
	PS_COUNT_WRITING,			/* write requests in flight */
	PS_COUNT_RINGS				/* rings of scans around the pool */
} PsCounter;
#define PS_NCOUNTERS (PS_COUNT_RINGS + 1)
#define PS_IS_GAUGE(counter) ((counter) >= PS_COUNT_PINNED)

/* Written by its process alone, read by all. */
typedef struct PsCounterSlot
{
	uint64		n[PS_NCOUNTERS];
	uint64		before[PS_NCOUNTERS];	/* as the process found them */
	int			pid;			/* of the process, or of an earlier one */
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

/*
 * Accesses of shared_buffers, negative where another process has counted too
 * many.  For any process with a PGPROC, whether it uses the pool or not: it is
 * not listed for this.
 */
extern void ps_count_shared(int64 hits, int64 reads);

/* What this process has counted. */
static inline uint64
ps_counted(PsCounter counter)
{
	if (unlikely(ps_my_counters == NULL))
		ps_counters_attach();
	return ps_my_counters->n[counter];
}

/* Of all processes since the server's start. */
extern uint64 ps_counter_sum(PsCounter counter);

typedef struct PsPoolStats
{
	uint64		n[PS_NCOUNTERS];	/* since reset, or as things are */
	TimestampTz reset;
	uint32		frames;			/* with those still to be given up */
	uint32		target;			/* by the setting */
	uint32		free;
	uint32		ghosts;			/* with those about to be made */
} PsPoolStats;

/* Any process; all zero where there is no pool. */
extern void ps_pool_stats(PsPoolStats *out);

/* How many frames are dirty, about. */
extern uint32 ps_frames_dirty(void);

/* Count from zero on. */
extern void ps_pool_stats_reset(void);

/* What one process does. */
typedef struct PsProcessStats
{
	int			pid;
	Oid			role;			/* InvalidOid: none */
	uint64		n[PS_NCOUNTERS];	/* since it began, or as things are */
} PsProcessStats;

/* So many places for processes there are, by number of their PGPROC. */
extern int	ps_process_count(void);

/* A process that has used the pool, or false. */
extern bool ps_process_stats(int number, PsProcessStats *out);

extern Size ps_counters_shmem_size(void);
extern void ps_counters_shmem_init(void);

#endif							/* PAGESTORE_POOL_STATS_H */
