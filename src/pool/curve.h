/*
 * curve.h
 *		What was used lately, and how much of it pools of other sizes would
 *		have had.
 *
 * A sample of the pages, those with some bits of their hash zero, is kept in
 * the order of last use, as LRU would have it in a pool of up to sixteen times
 * the size.  Where in that order a page is found when it is used again says
 * which sizes of the pool would have had it.
 *
 * Pages of scans around the pool (page/stream.h) are not in that order: one
 * pass over a huge table would move all others out of it, which does not
 * happen in the pool.  Those of a table that comes again count as found in a
 * pool with room for the rest of the table besides what is there.
 *
 * Whatever is counted here fades: after 256 accesses for each page of the
 * memory, pool and shared_buffers, what was counted before counts half from
 * there on.  With another size of the pool counting begins anew.
 */
#ifndef PAGESTORE_POOL_CURVE_H
#define PAGESTORE_POOL_CURVE_H

#include "postgres.h"

/* Sizes that are looked at, as eighths of the pool's at the start of the server. */
#define PS_CURVE_EIGHTHS {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128}
#define PS_CURVE_SIZES 17

extern uint32 ps_curve_mask;	/* fixed at start */

/* Is the page with this hash of its tag one of the sample? */
static inline bool
ps_curve_samples(uint32 hash)
{
	return (hash & ps_curve_mask) == 0;
}

/*
 * A page of the sample is used.  Nothing is counted if it was used last, or if
 * another process is at it.  Only tries PagestoreCurve, a leaf; throws nothing.
 */
extern void ps_curve_use(uint32 hash);

/*
 * npages have been read around the pool that a pool of so many frames would
 * have had.  Takes PagestoreCurve; throws nothing.
 */
extern void ps_curve_use_around(uint32 npages, int64 frames);

/* Pages, lately.  Reads are from outside PostgreSQL; those that evicted found no room left. */
typedef struct PsCurve
{
	int64		pool_size;		/* as it is, in pages like the others */
	int64		pool_accesses;	/* those around it among them */
	int64		pool_reads;
	int64		shared_accesses;	/* of shared_buffers
									 * (PS_COUNT_SHARED_HITS) */
	int64		shared_reads;
	int64		shared_evicting;
	int64		sizes[PS_CURVE_SIZES];	/* that are looked at */
	double		reach[PS_CURVE_SIZES];	/* about the same; of a pool of so
										 * many pages ... */
	int64		hits[PS_CURVE_SIZES];	/* ... this many hits are known, of
										 * its accesses: by LRU */
	int64		weight;			/* each use of a page of the sample counts as
								 * so many of those hits */
} PsCurve;

/* Any process.  Looks at all frames in use; takes PagestoreCurve. */
extern void ps_curve_read(PsCurve *out);

/* Count from zero on.  The order of last use stays.  Takes PagestoreCurve. */
extern void ps_curve_reset(void);

extern Size ps_curve_shmem_size(void);
extern void ps_curve_shmem_init(void);

#endif							/* PAGESTORE_POOL_CURVE_H */
