/*
 * pool.c
 *		Shared memory of the pool, attaching a process to it, statistics.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pool/frame.h"
#include "pool/stray.h"
#include "storage/ipc.h"
#include "storage/pg_shmem.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#define HUGE_PAGE ((Size) 2 * 1024 * 1024)
#define PIECES 4096				/* sequence counters; power of two */

int			ps_pool_size_blocks;

PsPoolControl *ps_pool;
PsFramePadded *ps_frames;
char	   *ps_pool_bytes;
uint32		ps_pool_nframes;
PsCounterSlot *ps_my_counters;
bool		(*ps_pool_page_check) (const char *page, const char **why, OffsetNumber *offset);

static PsCounterSlot * counters;	/* one a PGPROC of a process */

/*
 * Writes in flight in the low 16 bits, writes begun and ended above: so the
 * count moves at each of both, and "in flight" is known whatever the number of
 * writers.
 */
static pg_atomic_uint64 *pieces;
#define PIECE_WRITER UINT64CONST(1)
#define PIECE_WRITERS UINT64CONST(0xFFFF)
#define PIECE_EVENT (UINT64CONST(1) << 16)

static const char *const tranche_names[PS_NTRANCHES] = {
	[PS_TRANCHE_FRAME] = "PagestoreFrame",
	[PS_TRANCHE_TABLE] = "PagestorePageTable",
	[PS_TRANCHE_POLICY] = "PagestorePolicy",
	[PS_TRANCHE_GATE] = "PagestoreGate",
	[PS_TRANCHE_SENTINEL] = "PagestoreSentinel"
};

static int
counter_slots(void)
{
	return MaxBackends + NUM_AUXILIARY_PROCS;
}

/* Frames start where the kernel can map a huge page, if it may be asked to. */
static Size
frames_alignment(void)
{
	return huge_pages != HUGE_PAGES_OFF ? HUGE_PAGE : PS_IO_ALIGN;
}

static Size
frames_size(void)
{
	return add_size(mul_size(ps_pool_size_blocks, BLCKSZ), frames_alignment());
}

static Size
headers_size(void)
{
	return add_size(mul_size(ps_pool_size_blocks, sizeof(PsFramePadded)), PG_CACHE_LINE_SIZE);
}

static Size
counters_size(void)
{
	return add_size(mul_size(counter_slots(), sizeof(PsCounterSlot)), PG_CACHE_LINE_SIZE);
}

Size
ps_pool_shmem_size(void)
{
	Size		size = MAXALIGN(sizeof(PsPoolControl));

	ps_policy_choose();
	size = add_size(size, headers_size());
	size = add_size(size, frames_size());
	size = add_size(size, counters_size());
	size = add_size(size, PIECES * sizeof(pg_atomic_uint64));
	size = add_size(size, ps_table_shmem_size());
	size = add_size(size, ps_policy->shmem_size(ps_pool_size_blocks));
	size = add_size(size, ps_gate_shmem_size());
	size = add_size(size, ps_stray_shmem_size());
	size = add_size(size, ps_sentinel_shmem_size());
	size = add_size(size, ps_writeback_shmem_size());

	/* each of these areas is rounded up by the allocator */
	return add_size(size, 16 * PG_CACHE_LINE_SIZE);
}

int
ps_tranche(PsTranche which)
{
	return ps_pool->first_tranche + which;
}

static void
init_control(bool found)
{
	bool		known;

	ps_pool = ShmemInitStruct("pagestore pool", sizeof(PsPoolControl), &known);
	Assert(known == found);
	if (!found)
	{
		memset(ps_pool, 0, sizeof(PsPoolControl));
		SpinLockInit(&ps_pool->free_lock);
		ps_pool->free_head = PS_NO_REF;
		pg_atomic_init_u32(&ps_pool->nused, 0);
		pg_atomic_init_u32(&ps_pool->nfree, ps_pool_size_blocks);
		pg_atomic_init_u32(&ps_pool->nghosts, 0);
		pg_atomic_init_u32(&ps_pool->nahead, 0);
		ps_pool->first_tranche = LWLockNewTrancheId();
		for (int i = 1; i < PS_NTRANCHES; i++)
			(void) LWLockNewTrancheId();
	}
	for (int i = 0; i < PS_NTRANCHES; i++)
		LWLockRegisterTranche(ps_tranche(i), tranche_names[i]);
}

/* Headers and frames are set up at their first use (evict.c): a large pool starts as fast as a small one. */
static void
init_frames(void)
{
	bool		known;

	ps_frames = (PsFramePadded *)
		CACHELINEALIGN(ShmemInitStruct("pagestore frame headers", headers_size(), &known));
	ps_pool_bytes = (char *)
		TYPEALIGN(frames_alignment(),
				  ShmemInitStruct("pagestore frames", frames_size(), &known));
	ps_pool_nframes = ps_pool_size_blocks;
}

static void
init_counters(bool found)
{
	bool		known;

	counters = (PsCounterSlot *)
		CACHELINEALIGN(ShmemInitStruct("pagestore counters", counters_size(), &known));
	pieces = ShmemInitStruct("pagestore pieces", PIECES * sizeof(pg_atomic_uint64), &known);
	if (found)
		return;
	memset(counters, 0, counter_slots() * sizeof(PsCounterSlot));
	for (int i = 0; i < PIECES; i++)
		pg_atomic_init_u64(&pieces[i], 0);
}

void
ps_pool_shmem_init(bool found)
{
	bool		known;

	init_control(found);
	init_frames();
	init_counters(found);
	ps_table_shmem_init(found);
	ps_policy->shmem_init(ShmemInitStruct("pagestore policy",
										  ps_policy->shmem_size(ps_pool_nframes), &known),
						  ps_pool_nframes, found);
	ps_gate_shmem_init(found);
	ps_stray_shmem_init(found);
	ps_sentinel_shmem_init(found);
	ps_writeback_shmem_init(found);
	ps_aio_frame_done = ps_read_done;
	if (!found)
		ps_protect_init();
}

void
ps_pool_attach(void)
{
	if (ps_my_counters != NULL)
		return;
	if (ps_pool == NULL || MyProc == NULL)
		elog(ERROR, "pagestore: this process has no pool");
	ps_pin_attach();
	ps_my_counters = &counters[MyProc->pgprocno];
}

/* ---- sequence counters of pieces ---- */

static inline pg_atomic_uint64 *
piece_counter(RelFileNode rnode, BlockNumber block)
{
	PsTag		tag = {rnode, block / PS_PIECE_PAGES};

	return &pieces[ps_table_hash(&tag) % PIECES];
}

/* Counters of every piece of a run; two pieces may share one, which then counts twice. */
static void
piece_count(RelFileNode rnode, BlockNumber block, int npages, int64 change)
{
	BlockNumber first = block / PS_PIECE_PAGES;
	BlockNumber last = (block + npages - 1) / PS_PIECE_PAGES;

	for (BlockNumber piece = first; piece <= last; piece++)
		pg_atomic_fetch_add_u64(piece_counter(rnode, piece * PS_PIECE_PAGES), change);
}

void
ps_piece_write_begin(RelFileNode rnode, BlockNumber block, int npages)
{
	piece_count(rnode, block, npages, PIECE_EVENT + PIECE_WRITER);
}

void
ps_piece_write_end(RelFileNode rnode, BlockNumber block, int npages)
{
	piece_count(rnode, block, npages, (int64) PIECE_EVENT - (int64) PIECE_WRITER);
}

uint32
ps_piece_sequence(RelFileNode rnode, BlockNumber block)
{
	uint64		value;

	/* orders the caller's reads of pages around this look, on either side */
	pg_memory_barrier();
	value = pg_atomic_read_u64(piece_counter(rnode, block));
	pg_memory_barrier();
	return ((uint32) (value / PIECE_EVENT) << 1) | ((value & PIECE_WRITERS) != 0);
}

/* ---- statistics ---- */

void
ps_pool_count_ring_pages(uint64 n)
{
	ps_count(PS_COUNT_RING_PAGES, n);
}

void
ps_pool_stats(PsPoolStats *out)
{
	uint64		sum[PS_NCOUNTERS] = {0};

	memset(out, 0, sizeof(*out));
	if (ps_pool == NULL)
		return;

	for (int slot = 0; slot < counter_slots(); slot++)
		for (int i = 0; i < PS_NCOUNTERS; i++)
			sum[i] += ((volatile PsCounterSlot *) &counters[slot])->n[i];
	out->hits = sum[PS_COUNT_HITS];
	out->reads = sum[PS_COUNT_READS];
	out->prefetched = sum[PS_COUNT_PREFETCHED];
	out->ring_pages = sum[PS_COUNT_RING_PAGES];
	out->writes_worker = sum[PS_COUNT_WRITES_WORKER];
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
