/*
 * pool.h
 *		The pool's memory: frames, their headers, the control block.
 *
 * A frame holds one page of one relation's main fork.  Beside it stands its
 * header, whose state word is laid out here and changed in frame.c alone.
 */
#ifndef PAGESTORE_POOL_POOL_H
#define PAGESTORE_POOL_POOL_H

#include "postgres.h"
#include "access/xlogdefs.h"
#include "debug/lock.h"
#include "io/aio.h"
#include "pool/tag.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "utils/guc.h"

/* Settings pagestore.pool_size and pool_size_max, in units of BLCKSZ; registered in pagestore.c. */
extern int	ps_pool_size_blocks;
extern int	ps_pool_size_max_blocks;	/* -1: as pool_size is at the start */
#define PS_LEAST_FRAMES (1024 * 1024 / BLCKSZ)
extern bool ps_pool_size_check(int *newval, void **extra, GucSource source);
extern bool ps_pool_size_max_check(int *newval, void **extra, GucSource source);

/* ---- the state word ---- */

/* Shared pins, 18 bits: one for each process that holds any, each I/O in flight, and workers passing by. */
#define PS_PIN_MASK		((uint32) 0x0003FFFF)
#define PS_PINS(state)	((state) & PS_PIN_MASK)

/* In the page table under its tag. */
#define PS_TAGGED		((uint32) 1 << 18)

/* The bytes are the page. */
#define PS_VALID		((uint32) 1 << 19)

/* A read is in flight; it holds a pin of its own. */
#define PS_READING		((uint32) 1 << 20)

/* A write is in flight: set under the shared latch, in the same hold as the copy, cleared without; it has a pin. */
#define PS_WRITING		((uint32) 1 << 21)

/* Differs from disk; first_dirty is set. */
#define PS_DIRTY		((uint32) 1 << 22)

/* Changed since the write in flight copied it; redirty is set. */
#define PS_REDIRTIED	((uint32) 1 << 23)

/* Of a WAL-logged relation. */
#define PS_PERMANENT	((uint32) 1 << 24)

/* May not be written: past the end of a truncation under way, or about to be forgotten. */
#define PS_NOWRITE		((uint32) 1 << 25)

/* Its page has moved on, or is forgotten; free at the last unpin. */
#define PS_GHOST		((uint32) 1 << 26)

/* Read ahead and not used yet: its first pin does not count as a hit. */
#define PS_AHEAD		((uint32) 1 << 27)

/* Marked by whoever wants to know whether it is used (pass.c), and not pinned by a process since. */
#define PS_IDLE			((uint32) 1 << 28)

/* Beyond the pool's size, and holds nothing: nobody takes it. */
#define PS_RETIRED		((uint32) 1 << 29)

/* Retired, and its memory is given back to the system. */
#define PS_RELEASED		((uint32) 1 << 30)

/* ---- headers ---- */

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
	return ref - 1;				/* PS_NO_FRAME for PS_NO_REF */
}

/* What one access to a page touches (state, tag, chain, policy, latch) shares the first cache line. */
typedef struct PsFrameHeader
{
	/*
	 * changed by atomic steps; stored to only by the process that has the
	 * frame in hands, or, while it is retired, by the writer
	 */
	pg_atomic_uint32 state;

	/* changed only while in hands; stable under a pin */
	PsTag		tag;

	/* link of the page table (bucket lock) or of the free list (free_lock) */
	PsRef		next;

	/*
	 * the replacement policy's own word: atomic loads and stores, of which
	 * some may be lost
	 */
	pg_atomic_uint32 policy;

	/*
	 * the read in flight, once its request is named, as ps_aio_pack() has it;
	 * atomic loads and stores
	 */
	pg_atomic_uint64 aio;

	/* the right to look at the page (shared) or to change it (exclusive) */
	PsLock		latch;

	/* end of a read or a write; has a spin lock of its own */
	ConditionVariable io_cv;

	/*
	 * Insert position before the first change that disk lacks: stored before
	 * DIRTY is set (under the latch), or by the writer that turns REDIRTIED
	 * into DIRTY.
	 */
	pg_atomic_uint64 first_dirty;

	/*
	 * the same for changes since the copy in flight: stored before REDIRTIED
	 * is set
	 */
	pg_atomic_uint64 redirty;
} PsFrameHeader;

/* Two cache lines: traffic of neighbours stays apart. */
typedef union PsFramePadded
{
	PsFrameHeader h;
	char		pad[128];
} PsFramePadded;

extern PsFramePadded *ps_frames;

/* Frames that there is address space for; fixed when shared memory is first asked for. */
extern uint32 ps_frames_max;

/* A huge page of the kernel, where the processor is x86-64. */
#define PS_HUGE_PAGE ((Size) 2 * 1024 * 1024)

/* The first frame's bytes, aligned to PS_IO_ALIGN, or to a huge page where those are used. */
extern char *ps_pool_bytes;

static inline PsFrameHeader *
ps_frame(PsFrame frame)
{
	return &ps_frames[frame].h;
}

/* The bytes of a frame: only with a pin. */
static inline char *
ps_frame_bytes(PsFrame frame)
{
	return ps_pool_bytes + (Size) frame * BLCKSZ;
}

/* ---- the control block ---- */

typedef struct PsPoolControl
{
	PsSpin		free_lock;		/* guards free_head, the chain behind it, and
								 * changes of nframes, nused and nfree */
	PsRef		free_head;
	uint32		nheaders;		/* headers that are set up: the first ones;
								 * free_lock */

	/* atomics */
	pg_atomic_uint32 nframes;	/* the pool's size: only frames below it are
								 * taken; changed by the writer */
	pg_atomic_uint32 nused;		/* frames that may hold pages: the first ones;
								 * the others have no memory */
	pg_atomic_uint32 nreleased; /* of them, RELEASED; written by the writer */
	pg_atomic_uint32 nfree;		/* on the free list, or never used */
	pg_atomic_uint32 nghosts;	/* ghosts that hold a frame besides their
								 * page's, with those about to be made:
								 * bounded */
	pg_atomic_uint32 nwalks;	/* walks over frames of relations under way,
								 * which no page must slip past (relation.c) */
	pg_atomic_uint32 nahead;	/* frames of reads ahead in flight: bounded */
	pg_atomic_uint32 writer_poked;	/* set since the writer last began a round */
	Latch	   *volatile writer_latch;	/* stored once, by the writer: a word;
										 * NULL before it has started */

	/*
	 * Whoever switches a page to another frame holds it shared, from before
	 * the new frame is in the page table until the new frame carries the
	 * dirty state; taken conditionally: no switch if it can't be had.  A scan
	 * over all frames that may not miss a dirty page holds it exclusively.
	 * The writer, which has no lock on the relation, also asks nwalks under
	 * it.
	 */
	PsLock		move_lock;

	int			first_tranche;	/* fixed at start */
} PsPoolControl;

extern PsPoolControl *ps_pool;

/* The pool's size, which changes while it is used: what a share of the pool is a share of. */
static inline uint32
ps_frames_total(void)
{
	return pg_atomic_read_u32(&ps_pool->nframes);
}

/* Only frames below this number hold pages: beyond the pool's size while it is being lowered. */
static inline uint32
ps_frames_used(void)
{
	return pg_atomic_read_u32(&ps_pool->nused);
}

/* Frames that hold no page, more or less. */
static inline uint32
ps_frames_free(void)
{
	return pg_atomic_read_u32(&ps_pool->nfree);
}

/* Tell the writer that clean frames run short.  Cheap; any locks may be held. */
extern void ps_pool_poke_writer(void);

/* ---- LWLock tranches, named in pg_stat_activity ---- */

typedef enum PsTranche
{
	PS_TRANCHE_FRAME,			/* PagestoreFrame: latches */
	PS_TRANCHE_TABLE,			/* PagestorePageTable */
	PS_TRANCHE_POLICY,			/* PagestorePolicy */
	PS_TRANCHE_GATE,			/* PagestoreGate: the owner lock */
	PS_TRANCHE_REGISTRY,		/* PagestoreRegistry */
	PS_TRANCHE_MOVE,			/* PagestoreMove: ps_pool->move_lock */
	PS_TRANCHE_PASS,			/* PagestorePass */
	PS_TRANCHE_SHARE,			/* PagestoreShare */
	PS_TRANCHE_CURVE			/* PagestoreCurve */
} PsTranche;
#define PS_NTRANCHES (PS_TRANCHE_CURVE + 1)

/* Id for LWLockInitialize(), from ps_frames_shmem_init() on. */
extern int	ps_tranche(PsTranche which);

/* Shared memory of what is declared here; called by setup.c, before the other parts. */
extern Size ps_frames_shmem_size(void);
extern void ps_frames_shmem_init(void);

#endif							/* PAGESTORE_POOL_POOL_H */
