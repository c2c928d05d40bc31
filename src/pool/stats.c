/*
 * stats.c
 *		Counters, a slot for each process, and their sums.
 */
#include "postgres.h"

#include "debug/lock.h"
#include "miscadmin.h"
#include "pool/pool.h"
#include "pool/stats.h"
#include "server/compat.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

PsCounterSlot *ps_my_counters;

typedef struct StatsShared
{
	PsSpin		lock;			/* guards what follows */
	TimestampTz reset;
	uint64		at_reset[PS_NCOUNTERS]; /* sums of that moment */
} StatsShared;

static StatsShared *shared;
static PsCounterSlot *counters; /* one for each PGPROC of a process */

int
ps_process_count(void)
{
	return MaxBackends + NUM_AUXILIARY_PROCS;
}

static Size
slots_size(void)
{
	return add_size(mul_size(ps_process_count(), sizeof(PsCounterSlot)), PG_CACHE_LINE_SIZE);
}

Size
ps_counters_shmem_size(void)
{
	return add_size(slots_size(), MAXALIGN(sizeof(StatsShared)));
}

void
ps_counters_shmem_init(void)
{
	bool		found;

	counters = (PsCounterSlot *)
		CACHELINEALIGN(ShmemInitStruct("pagestore counters", slots_size(), &found));
	memset(counters, 0, ps_process_count() * sizeof(PsCounterSlot));
	shared = ShmemInitStruct("pagestore statistics", sizeof(StatsShared), &found);
	memset(shared, 0, sizeof(StatsShared));
	ps_spin_init(&shared->lock);
	shared->reset = GetCurrentTimestamp();
}

void
ps_counters_attach(void)
{
	PsCounterSlot *slot;

	if (ps_my_counters != NULL)
		return;
	if (counters == NULL || MyProc == NULL)
		elog(ERROR, "pagestore: this process has no pool");
	slot = &counters[GetNumberFromPGProc(MyProc)];
	memcpy(slot->before, slot->n, sizeof(slot->n));
	pg_write_barrier();
	slot->pid = MyProcPid;
	ps_my_counters = slot;
}

void
ps_count_shared(int64 hits, int64 reads)
{
	PsCounterSlot *slot = &counters[GetNumberFromPGProc(MyProc)];

	slot->n[PS_COUNT_SHARED_HITS] += hits;
	slot->n[PS_COUNT_SHARED_READS] += reads;
}

/* ---- all processes together ---- */

uint64
ps_counter_sum(PsCounter counter)
{
	uint64		sum = 0;

	for (int i = 0; i < ps_process_count(); i++)
		sum += ((volatile PsCounterSlot *) &counters[i])->n[counter];
	return sum;
}

/* What goes up in one slot and down in another is looked at a moment apart. */
static uint64
gauge(PsCounter counter)
{
	int64		sum = ps_counter_sum(counter);

	return Max(sum, 0);
}

uint32
ps_frames_dirty(void)
{
	return gauge(PS_COUNT_DIRTY);
}

/* The size, with what is still to be given up, and the size wanted. */
static void
frames_of_size(PsPoolStats *out)
{
	uint32		total = ps_frames_total();
	uint32		used = ps_frames_used();
	uint32		released = pg_atomic_read_u32(&ps_pool->nreleased);

	out->frames = used > total ? Max(used - Min(used, released), total) : total;
	out->target = ps_pool_size_blocks;
}

void
ps_pool_stats(PsPoolStats *out)
{
	uint64		at_reset[PS_NCOUNTERS];

	memset(out, 0, sizeof(*out));
	if (ps_pool == NULL)
		return;

	/* first: what is counted later can't be less */
	ps_spin_lock(&shared->lock);
	memcpy(at_reset, shared->at_reset, sizeof(at_reset));
	out->reset = shared->reset;
	ps_spin_unlock(&shared->lock);
	for (int i = 0; i < PS_NCOUNTERS; i++)
		out->n[i] = PS_IS_GAUGE(i) ? gauge(i) : ps_counter_sum(i) - at_reset[i];

	frames_of_size(out);
	out->free = ps_frames_free();
	out->ghosts = pg_atomic_read_u32(&ps_pool->nghosts);
}

void
ps_pool_stats_reset(void)
{
	TimestampTz now = GetCurrentTimestamp();
	uint64		sum[PS_NCOUNTERS];

	for (int i = 0; i < PS_NCOUNTERS; i++)
		sum[i] = ps_counter_sum(i);
	ps_spin_lock(&shared->lock);
	memcpy(shared->at_reset, sum, sizeof(sum));
	shared->reset = now;
	ps_spin_unlock(&shared->lock);
}

/* ---- one process ---- */

bool
ps_process_stats(int number, PsProcessStats *out)
{
	const volatile PsCounterSlot *slot = &counters[number];
	const volatile PGPROC *proc = &ProcGlobal->allProcs[number];

	out->pid = slot->pid;
	if (out->pid == 0 || ps_pid_of(proc) != out->pid)
		return false;
	pg_read_barrier();
	out->role = proc->roleId;
	for (int i = 0; i < PS_NCOUNTERS; i++)
		out->n[i] = slot->n[i] - slot->before[i];

	/* the place may have changed hands meanwhile */
	pg_read_barrier();
	return slot->pid == out->pid && ps_pid_of(proc) == out->pid;
}
