/*
 * stats.c
 *		Counters, a slot for each process, and their sums.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pool/pool.h"
#include "pool/stats.h"
#include "storage/proc.h"
#include "storage/shmem.h"

PsCounterSlot *ps_my_counters;

static PsCounterSlot *counters; /* one for each PGPROC of a process */

static int
slot_count(void)
{
	return MaxBackends + NUM_AUXILIARY_PROCS;
}

Size
ps_counters_shmem_size(void)
{
	return add_size(mul_size(slot_count(), sizeof(PsCounterSlot)), PG_CACHE_LINE_SIZE);
}

void
ps_counters_shmem_init(void)
{
	bool		found;

	counters = (PsCounterSlot *)
		CACHELINEALIGN(ShmemInitStruct("pagestore counters", ps_counters_shmem_size(), &found));
	memset(counters, 0, slot_count() * sizeof(PsCounterSlot));
}

void
ps_counters_attach(void)
{
	if (ps_my_counters != NULL)
		return;
	if (counters == NULL || MyProc == NULL)
		elog(ERROR, "pagestore: this process has no pool");
	ps_my_counters = &counters[MyProc->pgprocno];
}

void
ps_pool_stats(PsPoolStats *out)
{
	uint64		sum[PS_NCOUNTERS] = {0};

	memset(out, 0, sizeof(*out));
	if (ps_pool == NULL)
		return;

	for (int slot = 0; slot < slot_count(); slot++)
		for (int i = 0; i < PS_NCOUNTERS; i++)
			sum[i] += ((volatile PsCounterSlot *) &counters[slot])->n[i];
	out->hits = sum[PS_COUNT_HITS];
	out->reads = sum[PS_COUNT_READS];
	out->prefetched = sum[PS_COUNT_PREFETCHED];
	out->ring_pages = sum[PS_COUNT_RING_PAGES];
	out->writes_writer = sum[PS_COUNT_WRITES_WRITER];
	out->writes_checkpoint = sum[PS_COUNT_WRITES_CHECKPOINT];
	out->writes_backend = sum[PS_COUNT_WRITES_BACKEND];
	out->evictions = sum[PS_COUNT_EVICTIONS];
	out->ghosts_made = sum[PS_COUNT_GHOSTS];

	out->frames = ps_pool_nframes;
	out->free = ps_frames_free();
	out->dirty = sum[PS_COUNT_DIRTY];
	out->pinned = sum[PS_COUNT_PINNED];
	out->ghosts = pg_atomic_read_u32(&ps_pool->nghosts);
}
