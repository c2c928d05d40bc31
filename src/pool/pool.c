/*
 * pool.c
 *		Shared memory of frames, their headers and the control block.
 */
#include "postgres.h"

#include "pool/pool.h"
#include "storage/pg_shmem.h"
#include "storage/shmem.h"
#include "utils/guc.h"

int			ps_pool_size_blocks;
int			ps_pool_size_max_blocks;

PsPoolControl *ps_pool;
PsFramePadded *ps_frames;
char	   *ps_pool_bytes;
uint32		ps_frames_max = 0;

#ifdef PAGESTORE_DEBUG
static const PsFrameHeader *
header_of(const PsLock *latch)
{
	return (const PsFrameHeader *) ((const char *) latch - offsetof(PsFrameHeader, latch));
}

/* Lower block first, of one relation; or a frame in hands, which nobody else can have latched. */
static bool
latches_in_order(const PsLock *held, const PsLock *wanted)
{
	const PsFrameHeader *first = header_of(held);
	const PsFrameHeader *second = header_of(wanted);

	if ((pg_atomic_read_u32(unconstify(pg_atomic_uint32 *, &second->state)) & (PS_TAGGED | PS_GHOST)) == 0)
		return true;
	return RelFileLocatorEquals(first->tag.rlocator, second->tag.rlocator) && first->tag.block < second->tag.block;
}
#endif

static const struct
{
	const char *name;
	PsLockRank	rank;
}			tranches[PS_NTRANCHES] = {
	[PS_TRANCHE_FRAME] = {"PagestoreFrame", PS_RANK_LATCH},
	[PS_TRANCHE_TABLE] = {"PagestorePageTable", PS_RANK_TABLE},
	[PS_TRANCHE_POLICY] = {"PagestorePolicy", PS_RANK_POLICY},
	[PS_TRANCHE_GATE] = {"PagestoreGate", PS_RANK_OWNER},
	[PS_TRANCHE_REGISTRY] = {"PagestoreRegistry", PS_RANK_REGISTRY},
	[PS_TRANCHE_MOVE] = {"PagestoreMove", PS_RANK_MOVE},
	[PS_TRANCHE_PASS] = {"PagestorePass", PS_RANK_PASS},
	[PS_TRANCHE_SHARE] = {"PagestoreShare", PS_RANK_SHARE},
	[PS_TRANCHE_CURVE] = {"PagestoreCurve", PS_RANK_CURVE}
};

/* Frames start where the kernel can map a huge page, if it may be asked to. */
static Size
frames_alignment(void)
{
	return huge_pages != HUGE_PAGES_OFF ? PS_HUGE_PAGE : PS_IO_ALIGN;
}

static Size
frames_size(void)
{
	return add_size(mul_size(ps_frames_max, BLCKSZ), frames_alignment());
}

static Size
headers_size(void)
{
	return add_size(mul_size(ps_frames_max, sizeof(PsFramePadded)), PG_CACHE_LINE_SIZE);
}

/*
 * Once: shared memory that is made anew after a crash is as large as before,
 * whatever has become of the settings.
 */
static void
fix_max(void)
{
	char		value[32];

	if (ps_frames_max > 0)
		return;
	ps_frames_max = ps_pool_size_max_blocks > 0 ? ps_pool_size_max_blocks : ps_pool_size_blocks;
	if (ps_pool_size_blocks > ps_frames_max)
		ereport(FATAL,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pagestore.pool_size must not be larger than pagestore.pool_size_max"),
				 errhint("Increase pagestore.pool_size_max, or leave it at -1.")));

	/* SHOW tells what it is; the second time in case the file says -1 */
	snprintf(value, sizeof(value), "%u", ps_frames_max);
	SetConfigOption("pagestore.pool_size_max", value, PGC_POSTMASTER, PGC_S_DYNAMIC_DEFAULT);
	if (ps_pool_size_max_blocks != (int) ps_frames_max)
		SetConfigOption("pagestore.pool_size_max", value, PGC_POSTMASTER, PGC_S_OVERRIDE);
}

Size
ps_frames_shmem_size(void)
{
	Size		size = MAXALIGN(sizeof(PsPoolControl));

	fix_max();
	size = add_size(size, headers_size());
	return add_size(size, frames_size());
}

int
ps_tranche(PsTranche which)
{
	return ps_pool->first_tranche + which;
}

static void
init_control(void)
{
	bool		found;

	ps_pool = ShmemInitStruct("pagestore pool", sizeof(PsPoolControl), &found);
	memset(ps_pool, 0, sizeof(PsPoolControl));
	ps_spin_init(&ps_pool->free_lock);
	ps_pool->free_head = PS_NO_REF;
	pg_atomic_init_u32(&ps_pool->nframes, ps_pool_size_blocks);
	pg_atomic_init_u32(&ps_pool->nused, 0);
	pg_atomic_init_u32(&ps_pool->nreleased, 0);
	pg_atomic_init_u32(&ps_pool->nwalks, 0);
	pg_atomic_init_u32(&ps_pool->nfree, ps_pool_size_blocks);
	pg_atomic_init_u32(&ps_pool->nghosts, 0);
	pg_atomic_init_u32(&ps_pool->nahead, 0);
	pg_atomic_init_u32(&ps_pool->writer_poked, 0);
	ps_pool->writer_latch = NULL;

	for (int i = 0; i < PS_NTRANCHES; i++)
	{
		int			id = LWLockNewTrancheId(tranches[i].name);

		if (i == 0)
			ps_pool->first_tranche = id;
		Assert(id == ps_tranche(i));
		ps_lock_set_rank(ps_tranche(i), tranches[i].rank, i == PS_TRANCHE_FRAME ? latches_in_order : NULL);
	}
	ps_lock_init(&ps_pool->move_lock, ps_tranche(PS_TRANCHE_MOVE));
}

/*
 * Can the pool have so many blocks without a restart?  Before the first start
 * it can have any number.  The default, which may not be refused, is no more
 * than that.
 */
bool
ps_pool_size_check(int *newval, void **extra, GucSource source)
{
	if (ps_frames_max == 0 || *newval <= (int) ps_frames_max)
		return true;
	if (source == PGC_S_DEFAULT)
	{
		*newval = ps_frames_max;
		return true;
	}
	GUC_check_errmsg("pagestore.pool_size must not be larger than pagestore.pool_size_max (" UINT64_FORMAT " kB)",
					 (uint64) ps_frames_max * BLCKSZ / 1024);
	GUC_check_errhint("Increase pagestore.pool_size_max, and restart the server.");
	return false;
}

/* A file that says -1 says what it said at the start. */
bool
ps_pool_size_max_check(int *newval, void **extra, GucSource source)
{
	if (*newval == -1 && ps_frames_max > 0)
		*newval = ps_frames_max;
	return true;
}

/* Headers and frames are set up at their first use (frame.c): a large pool starts as fast as a small one. */
void
ps_frames_shmem_init(void)
{
	bool		found;

	init_control();
	ps_frames = (PsFramePadded *)
		CACHELINEALIGN(ShmemInitStruct("pagestore frame headers", headers_size(), &found));
	ps_pool_bytes = (char *)
		TYPEALIGN(frames_alignment(),
				  ShmemInitStruct("pagestore frames", frames_size(), &found));
}

/*
 * The latch belongs to the writer's PGPROC: setting it when the writer is gone
 * does nothing, or wakes somebody for nothing.
 */
void
ps_pool_poke_writer(void)
{
	Latch	   *latch = ps_pool->writer_latch;

	if (latch != NULL && pg_atomic_exchange_u32(&ps_pool->writer_poked, 1) == 0)
		SetLatch(latch);
}
