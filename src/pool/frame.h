/*
 * frame.h
 *		A frame's header and state word: internal to src/pool.
 *
 * The state word packs the shared pin count and the flags; every change is one
 * atomic step.  What each other field is protected by stands beside it.
 */
#ifndef PAGESTORE_POOL_FRAME_H
#define PAGESTORE_POOL_FRAME_H

#include "io/aio.h"
#include "pool/pool.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/spin.h"

/*
 * How a frame is named in chains: by its number plus one.  Zero, which is what
 * shared memory holds at first, names none, so that chains need no set-up.
 */
typedef uint32 PsRef;
#define PS_NO_REF 0

static inline PsRef
ps_ref(PsFrame frame)
{
	return frame + 1;
}

static inline PsFrame
ps_deref(PsRef ref)
{
	return ref - 1;			/* PS_NO_FRAME for PS_NO_REF */
}

/* Identity of a page: main forks only. */
typedef struct PsTag
{
	RelFileNode rnode;
	BlockNumber block;
} PsTag;

#define PS_PIN_MASK		((uint32) 0x0003FFFF)	/* 18 bits of shared pin
												 * count: one a process
												 * holding any */
#define PS_TAGGED		((uint32) 1 << 18)	/* in the page table under its tag */
#define PS_VALID		((uint32) 1 << 19)	/* bytes are the page */
#define PS_READING		((uint32) 1 << 20)	/* a read is in flight; holds a
											 * pin of its own */
#define PS_WRITING		((uint32) 1 << 21)	/* a write is in flight; set under
											 * the shared latch, in the same
											 * hold as the copy; cleared
											 * without a latch; the writer
											 * holds a pin */
#define PS_DIRTY		((uint32) 1 << 22)	/* differs from disk; first_dirty
											 * is set */
#define PS_REDIRTIED	((uint32) 1 << 23)	/* changed since the write in
											 * flight copied it; redirty is
											 * set */
#define PS_PERMANENT	((uint32) 1 << 24)	/* WAL-logged relation */
#define PS_HINTED		((uint32) 1 << 25)	/* has hint bits that disk has
											 * not, worth no write by
											 * themselves */
#define PS_NOWRITE		((uint32) 1 << 26)	/* past the end of a truncation
											 * under way */
#define PS_GHOST		((uint32) 1 << 27)	/* its page moved on; freed at the
											 * last unpin */
#define PS_READ_FAILED	((uint32) 1 << 28)	/* the read in flight failed:
											 * waiters retry for themselves */
#define PS_AHEAD		((uint32) 1 << 29)	/* read ahead, not yet used: the
											 * first pin is no hit */

/* What ends when the page leaves the frame; PERMANENT, VALID and I/O flags stay with the bytes. */
#define PS_LIFE_FLAGS (PS_TAGGED | PS_DIRTY | PS_REDIRTIED | PS_HINTED | PS_NOWRITE | PS_AHEAD)

#define PS_PINS(state)	((state) & PS_PIN_MASK)

/*
 * What one page access touches (state, tag, chain, policy, latch) shares the
 * first cache line.
 *
 * Who holds the latch exclusively may wait for WRITING to end, so a writer
 * waits for no latch while any frame of its is WRITING: neighbours are latched
 * conditionally.
 */
typedef struct PsFrameHeader
{
	pg_atomic_uint32 state;
	PsTag		tag;			/* changed only while not TAGGED and pinned by
								 * its taker alone; stable under a pin */
	PsRef		next;			/* page table chain or free list; that list's
								 * lock */
	pg_atomic_uint32 policy;	/* the replacement policy's own word */
	pg_atomic_uint64 aio;		/* the read in flight, once its request is
								 * made, as ps_aio_pack() has it; see read.c */
	LWLock		latch;
	ConditionVariable io_cv;	/* end of a read or a write */
	pg_atomic_uint64 first_dirty;	/* insert LSN before the first change
									 * since clean; by mark_dirty (excl.
									 * latch), or by the writer when it turns
									 * REDIRTIED into DIRTY */
	pg_atomic_uint64 redirty;	/* the same for changes since the copy; set
								 * before REDIRTIED */
} PsFrameHeader;

typedef union PsFramePadded
{
	PsFrameHeader h;
	char		pad[128];		/* two cache lines: traffic of neighbours
								 * stays apart */
} PsFramePadded;

typedef struct PsPoolControl
{
	slock_t		free_lock;		/* guards free_head, the chain behind it, and
								 * changes of nused */
	PsRef		free_head;
	pg_atomic_uint32 nused;		/* frames that have ever been used: the first
								 * ones; the others are untouched memory */
	pg_atomic_uint32 nfree;		/* on the free list, or never used */
	pg_atomic_uint32 nghosts;	/* ghosts that hold a frame besides their
								 * page's: bounded */
	pg_atomic_uint32 nahead;	/* read-ahead in flight: bounded */
	int			first_tranche;	/* fixed at start */
} PsPoolControl;

extern PsPoolControl *ps_pool;
extern PsFramePadded *ps_frames;	/* in shared memory */

static inline PsFrameHeader *
ps_frame(PsFrame frame)
{
	return &ps_frames[frame].h;
}

static inline PsRelKey
ps_frame_relkey(PsFrame frame)
{
	PsRelKey	key = {ps_frame(frame)->tag.rnode,
	(pg_atomic_read_u32(&ps_frame(frame)->state) & PS_PERMANENT) != 0};

	return key;
}

/*
 * Replacement policies (pool/policy.c).  The pool calls hit on every hit (must
 * be cheap and need no lock), admit when a page enters a frame, forget when it
 * leaves (the frame has its tag in both), moved when it goes from one frame to
 * another, which nobody can take meanwhile; victim proposes frames, one a call, resuming where it stopped; the
 * pool decides whether one can be had.  coming tells up to max frames that
 * victim would propose soon if nobody used them, in that order: a guess that
 * changes nothing.
 */
typedef struct PsPolicy
{
	const char *name;
	Size		(*shmem_size) (uint32 nframes);
	void		(*shmem_init) (void *area, uint32 nframes, bool found);
	void		(*hit) (PsFrame frame);
	void		(*admit) (PsFrame frame);
	void		(*forget) (PsFrame frame);
	void		(*moved) (PsFrame old, PsFrame new);
				PsFrame(*victim) (void);
	uint32		(*coming) (PsFrame * frames, uint32 max);
} PsPolicy;

extern const PsPolicy *ps_policy;	/* chosen by the setting */
extern void ps_policy_choose(void);
extern const PsPolicy ps_policy_clock,
			ps_policy_sieve,
			ps_policy_lru,
			ps_policy_s3fifo;

static inline bool
ps_tag_equal(const PsTag *a, const PsTag *b)
{
	return a->block == b->block && RelFileNodeEquals(a->rnode, b->rnode);
}

/* Page table (pool/table.c): partitioned hash with chains through PsFrameHeader.next. */
extern Size ps_table_shmem_size(void);
extern void ps_table_shmem_init(bool found);
extern uint32 ps_table_pages_of(const RelFileNode *rnode);	/* an upper bound; 0 is
															 * certain while nobody
															 * brings pages in */
extern LWLock *ps_table_lock(uint32 hash);
extern bool ps_table_has(const PsTag *tag, uint32 hash);	/* no lock held; true is
															 * a guess, false is
															 * certain */
extern void ps_table_insert(PsFrame frame, uint32 hash);	/* exclusive; sets no
															 * flag */
extern void ps_table_remove(PsFrame frame, uint32 hash);	/* exclusive */
extern void ps_table_replace(PsFrame old, PsFrame new, uint32 hash);	/* exclusive; a page
																		 * moves to a new frame */

extern PsRef *ps_table_heads;
extern uint32 ps_table_mask;

/* Multiply and fold: blocks of one relation must spread over buckets and partitions alike. */
static inline uint32
ps_table_hash(const PsTag *tag)
{
	uint64		h = ((uint64) tag->rnode.relNode << 32) | tag->block;

	h ^= ((uint64) tag->rnode.dbNode << 20) + ((uint64) tag->rnode.spcNode << 7);
	h *= UINT64CONST(0x9E3779B97F4A7C15);
	h ^= h >> 32;
	h *= UINT64CONST(0xD6E8FEB86659FD93);
	return (uint32) (h >> 32);
}

static inline volatile PsRef *
ps_table_bucket(uint32 hash)
{
	return &ps_table_heads[hash & ps_table_mask];
}

/*
 * The frame of a page.  Under the bucket lock the answer is true; without it a
 * guess, to be verified after pinning: the walk may end up in another chain,
 * so it is cut off at PS_MAX_STRAY steps.
 */
#define PS_MAX_STRAY 64
static inline PsFrame
ps_table_find(const PsTag *tag, uint32 hash)
{
	PsFrame		frame = ps_deref(*ps_table_bucket(hash));

	for (int steps = 0; frame != PS_NO_FRAME; steps++)
	{
		PsFrameHeader *header = ps_frame(frame);

		if (ps_tag_equal(&header->tag, tag))
			return frame;
		if (unlikely(steps >= PS_MAX_STRAY) && !LWLockHeldByMe(ps_table_lock(hash)))
			return PS_NO_FRAME;
		frame = ps_deref(*(volatile PsRef *) &header->next);
	}
	return PS_NO_FRAME;
}

/*
 * Backend-local pins (pool/pin.c).  The shared count counts processes (and
 * I/Os); this module counts this process's pins and ties them to resource
 * owners.
 */
extern void ps_pin_reserve(void);	/* room for one more, so that remember
									 * cannot fail; may palloc */
extern void ps_pin_remember(PsFrame frame); /* one more, of
											 * CurrentResourceOwner; the
											 * shared pin is there */
extern struct ResourceOwnerData *ps_pin_owner(PsFrame frame);	/* of the pin that
																 * ps_pool_unpin() would
																 * take */
extern void ps_pin_attach(void);
extern uint32 ps_pin_count(PsFrame frame);
extern uint32 *ps_pin_heads;	/* its chains of pins, by frame */
extern uint32 ps_pin_mask;

/* This process's pins of the frame. */
static inline uint32
ps_local_pins(PsFrame frame)
{
	return ps_pin_heads[frame & ps_pin_mask] == 0 ? 0 : ps_pin_count(frame);
}

/* Add one to the shared count if the frame is TAGGED, taking away the flags in clear; *was: the state before. */
static inline bool
ps_state_pin(PsFrame frame, uint32 clear, uint32 *was)
{
	pg_atomic_uint32 *state = &ps_frame(frame)->state;

	*was = pg_atomic_read_u32(state);
	do
	{
		if (!(*was & PS_TAGGED))
			return false;
		Assert(PS_PINS(*was) < PS_PIN_MASK);
	} while (!pg_atomic_compare_exchange_u32(state, was, (*was + 1) & ~clear));
	return true;
}

/* pin without a resource owner, for workers and I/O: raw changes of the shared count */
extern bool ps_frame_pin_if(PsFrame frame, const PsTag *tag);	/* pins if TAGGED, with
																 * this tag unless NULL;
																 * no owner */
extern void ps_frame_unpin_raw(PsFrame frame);	/* frees a ghost when it was
												 * the last */

/*
 * Frames to fill (pool/evict.c): an untagged frame with one raw pin for the
 * caller.  may_write: dirty pages may be written out to get it.  may_fail:
 * returns PS_NO_FRAME rather than wait or ereport(ERROR).  No bucket lock may
 * be held; latches may.
 */
extern PsFrame ps_frame_take(bool may_write, bool may_fail);
extern void ps_frame_give_back(PsFrame frame);	/* unused after all, or a dead
												 * ghost: to the free list */
extern void ps_frame_bury(PsFrame frame);	/* a ghost's last pin is gone */

/*
 * Writing (pool/write.c).  Gathers adjacent dirty frames, copies each under
 * its shared latch into aligned private memory, sets checksums, flushes WAL,
 * writes, requests the sync, and only then clears DIRTY.
 */
typedef enum PsWriteReason
{
	PS_WRITE_WORKER,
	PS_WRITE_CHECKPOINT,
	PS_WRITE_BACKEND,
	PS_WRITE_FLUSH
} PsWriteReason;

/*
 * Write the frame (and dirty neighbours on disk, up to PS_IO_MAX_PAGES) if it
 * is dirty and no write of it is in flight. The caller holds a pin (raw or
 * owned) and no latch. wait: wait for the latch; otherwise skip. Returns pages
 * written.  A frame whose file is gone is discarded.
 */
extern int	ps_write_frame(PsFrame frame, PsWriteReason reason, bool wait);
extern void ps_wait_write(PsFrame frame);

/* All frames dirtied before redo (InvalidXLogRecPtr: all); unlogged ones only if asked.  (pool/write.c) */
extern void ps_write_all(XLogRecPtr redo, bool unlogged, PsWriteReason reason);

/*
 * Protect mode (pool/protect.c): no-ops unless ps_debug_protect_frames.
 * Counted, so calls nest: around the time from first to last local pin, and
 * around every other touch of a frame's bytes.
 */
extern void ps_protect_init(void);
extern void ps_protect_attach(void);
extern void ps_protect_count(PsFrame frame, int change);

static inline void
ps_protect_allow(PsFrame frame)
{
	if (unlikely(ps_debug_protect_frames))
		ps_protect_count(frame, 1);
}

static inline void
ps_protect_forbid(PsFrame frame)
{
	if (unlikely(ps_debug_protect_frames))
		ps_protect_count(frame, -1);
}

/*
 * The frame leaves the page table, its page forgotten (dirty or not): a ghost,
 * free after the last unpin.  The caller holds a pin and has waited out a
 * write in flight.  Harmless when it has left already. Takes the bucket lock.
 */
extern void ps_frame_detach(PsFrame frame);

/*
 * The same for a read that takes too long: unless it is over meanwhile, when
 * the page may have been used, and changed.
 */
extern void ps_frame_leave_to_read(PsFrame frame);

/* The reads' completion, for aio.  (pool/read.c) */
extern void ps_read_done(const uint32 *cookies, int ncookies, ssize_t result);

/* Wait until a read in flight is over, whoever started it.  The caller holds a pin. */
extern void ps_frame_wait_read(PsFrame frame);

/*
 * Sequence counters of pieces: around every write of pages of a frame's
 * relation to disk, in pairs (also when the write fails).  A run may span
 * pieces.
 */
extern void ps_piece_write_begin(RelFileNode rnode, BlockNumber block, int npages);
extern void ps_piece_write_end(RelFileNode rnode, BlockNumber block, int npages);

/* Statistics: each process adds to a slot of its own, without atomics. */
typedef enum PsCounter
{
	PS_COUNT_HITS,
	PS_COUNT_READS,
	PS_COUNT_PREFETCHED,
	PS_COUNT_RING_PAGES,
	PS_COUNT_WRITES_WORKER,
	PS_COUNT_WRITES_CHECKPOINT,
	PS_COUNT_WRITES_BACKEND,
	PS_COUNT_EVICTIONS,
	PS_COUNT_PINNED,			/* frames that this process pins */
	PS_COUNT_DIRTY,				/* frames turned dirty less those turned clean
								 * or forgotten: the sum counts */
	PS_COUNT_GHOSTS
} PsCounter;
#define PS_NCOUNTERS (PS_COUNT_GHOSTS + 1)

typedef struct PsCounterSlot
{
	uint64		n[PS_NCOUNTERS];
}			pg_attribute_aligned(PG_CACHE_LINE_SIZE) PsCounterSlot;

extern PsCounterSlot * ps_my_counters;
extern void ps_pool_attach(void);	/* once a process, before its first pin;
									 * idempotent */

static inline void
ps_count(PsCounter counter, uint64 n)
{
	if (unlikely(ps_my_counters == NULL))
		ps_pool_attach();
	ps_my_counters->n[counter] += n;
}

/* Wait event names of the pool's LWLocks: one tranche each. */
typedef enum PsTranche
{
	PS_TRANCHE_FRAME,			/* PagestoreFrame: latches */
	PS_TRANCHE_TABLE,			/* PagestorePageTable */
	PS_TRANCHE_POLICY,			/* PagestorePolicy */
	PS_TRANCHE_GATE,			/* PagestoreGate */
	PS_TRANCHE_SENTINEL			/* PagestoreSentinel */
} PsTranche;
#define PS_NTRANCHES (PS_TRANCHE_SENTINEL + 1)
extern int	ps_tranche(PsTranche which);	/* id for LWLockInitialize(), from
											 * shmem_init on */

/* Shared memory of the parts, called by pool.c (control block, tranches and frames are there by then). */
extern Size ps_gate_shmem_size(void);
extern void ps_gate_shmem_init(bool found);
extern Size ps_sentinel_shmem_size(void);
extern void ps_sentinel_shmem_init(bool found);
extern Size ps_writeback_shmem_size(void);
extern void ps_writeback_shmem_init(bool found);

/* Tell the write-back worker that clean frames run short (pool/writeback.c).  Cheap; any locks. */
extern void ps_writeback_wake(void);

#endif							/* PAGESTORE_POOL_FRAME_H */
