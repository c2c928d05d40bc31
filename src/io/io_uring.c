/*
 * io_uring.c
 *		Reads through io_uring rings shared by all processes.
 *
 * The postmaster makes the rings; every process inherits their mappings and
 * descriptors by fork.  A process submits to one ring, chosen by its PGPROC
 * number; any process may reap any ring.
 *
 * submit_lock guards the submission queue, which is empty whenever nobody
 * holds it.  reap_lock guards the completion queue: a completion is taken from
 * the queue, its frames are finished and its slot is freed in one hold of it.
 *
 * A process may be stopped anywhere, and nobody must wait for it: both locks
 * are only tried, and every wait below ends after a time slice at the latest,
 * for its caller to serve interrupts.
 *
 * Of the processes that wait on a ring one, the sleeper, sleeps in the kernel;
 * the others sleep on the ring's condition variable.  Nobody else reaps
 * meanwhile, as the sleeper would not notice that what it waits for has been
 * taken from the queue.  It wakes at the first completion, whosever it is,
 * serves all that are there, and wakes the others, the first of which is the
 * next sleeper.  Should the sleeper not come back, the others reap for
 * themselves after a time slice.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "debug/fault.h"
#include "debug/lock.h"
#include "debug/stop.h"
#include "io/io_uring.h"
#include "io/segment.h"
#include "io/transfer.h"
#include "io/uring_queue.h"
#include "io/uring_write.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "server/compat.h"
#include "storage/condition_variable.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define MAX_RINGS		64		/* each takes a descriptor in every process
								 * and locked memory */
#define FRAME_SLOTS		128		/* reads into frames in flight on one ring: as
								 * many as a scan reads ahead */
#define PRIVATE_SLOTS	64		/* private reads whose result has not been
								 * taken yet */
#define SLOTS			(FRAME_SLOTS + PRIVATE_SLOTS)
#define QUEUE_ENTRIES	PS_IO_MAX_READS
#define LEAST_DESCRIPTORS 64	/* 48 for files and 10 in reserve are core's
								 * least; a few are still to be opened */
#define TRIED_RINGS		4		/* so many are tried for one whose submit_lock
								 * is free */
#define SLICE			10		/* milliseconds, at most, in any wait */
#define PATIENCE		2000	/* milliseconds after which a read is late */

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_FLYING,				/* taken, perhaps not yet submitted */
	SLOT_LANDED,				/* private: result is there, not yet taken */
	SLOT_ORPHANED				/* private, flying, and nobody wants the
								 * result any more */
} SlotState;

typedef struct Slot
{
	pg_atomic_uint32 generation;	/* moves when the request is over, its
									 * result (if private) taken */
	pg_atomic_uint32 state;
	int			owner;			/* PGPROC number of the submitter, -1 when
								 * free */
	int			ncookies;
	PsAioFrameDone frame_done;	/* the library lies at one address in all
								 * children of the postmaster */
	int			result;
	TimestampTz started;		/* when it was asked for */
	int			next_free;		/* ring's mutex */
#ifdef PAGESTORE_DEBUG
	int			fault;			/* errno to complete with */
	Size		bytes;			/* or so many at most */
#endif
} Slot;

typedef struct Ring
{
	struct io_uring uring;
	PsLock		submit_lock;	/* never waited for */
	PsLock		reap_lock;		/* never waited for */
	pg_atomic_uint32 sleeper;	/* PGPROC number + 1 of who sleeps in the
								 * kernel, or 0 */
	ConditionVariable progress; /* something has completed, or the sleeper is
								 * up */
	PsSpin		mutex;			/* protects the free lists */
	int			free_frames;	/* first free slot of each kind, or -1 */
	int			free_private;
	Slot		slots[SLOTS];	/* frames first */
	uint32		cookies[FRAME_SLOTS][PS_IO_MAX_PAGES];
} Ring;

typedef struct RingShared
{
	int			tranche;		/* fixed at start */
	int			nrings;			/* constant after start */
	Ring		ring[FLEXIBLE_ARRAY_MEMBER];
} RingShared;

static RingShared *rings;

/* The postmaster's own copies, to close after a crash has taken shared memory away. */
static struct io_uring made[MAX_RINGS];
static int	nmade;

/* ---- set-up ---- */

/*
 * Each ring is one descriptor less for files in every process: they take a
 * quarter, at most, of what max_files_per_process leaves beyond the least that
 * core wants to start at all.
 */
static int
descriptors_to_spare(void)
{
	int			limit = max_files_per_process;
	int			spare;
	struct rlimit rlimit;

	if (getrlimit(RLIMIT_NOFILE, &rlimit) == 0 && rlimit.rlim_cur < limit)
		limit = rlimit.rlim_cur;
	spare = limit - LEAST_DESCRIPTORS;
	for (int fd = 0; fd < limit && spare > 0; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			spare--;
	return Max(spare, 0) / 4;
}

static int
rings_useful(void)
{
	return Min(MaxBackends + NUM_AUXILIARY_PROCS, MAX_RINGS);
}

/* Decided once: memory for them is asked for before they are made, and again after a crash. */
static int
rings_wanted(void)
{
	static int	wanted = -1;

	if (wanted < 0)
		wanted = Min(rings_useful(), descriptors_to_spare());
	return wanted;
}

static Size
uring_shmem_size(void)
{
	return add_size(offsetof(RingShared, ring), mul_size(sizeof(Ring), rings_wanted()));
}

static void
uring_shmem_init(void)
{
	bool		found;

	rings = ShmemInitStruct("pagestore rings", uring_shmem_size(), &found);
	if (!found)
	{
		rings->tranche = LWLockNewTrancheId("PagestoreIo");
		rings->nrings = 0;
	}
	ps_lock_set_rank(rings->tranche, PS_RANK_RING, NULL);
}

/*
 * Rings from before a crash.  All processes that used them are gone; a read
 * that the kernel has not finished goes on into memory that it holds itself
 * and that is no longer ours.
 */
static void
close_old_rings(void)
{
	for (int i = 0; i < nmade; i++)
		io_uring_queue_exit(&made[i]);
	nmade = 0;
}

static void
push_free(Ring *ring, int i)
{
	int		   *list = i < FRAME_SLOTS ? &ring->free_frames : &ring->free_private;

	ps_spin_lock(&ring->mutex);
	ring->slots[i].next_free = *list;
	*list = i;
	ps_spin_unlock(&ring->mutex);
}

static void
init_ring(Ring *ring, const struct io_uring *uring)
{
	memset(ring, 0, sizeof(Ring));
	ring->uring = *uring;
	ps_lock_init(&ring->submit_lock, rings->tranche);
	ps_lock_init(&ring->reap_lock, rings->tranche);
	pg_atomic_init_u32(&ring->sleeper, 0);
	ConditionVariableInit(&ring->progress);
	ps_spin_init(&ring->mutex);
	ring->free_frames = ring->free_private = -1;
	for (int i = SLOTS; i-- > 0;)
	{
		ring->slots[i].owner = -1;
		pg_atomic_init_u32(&ring->slots[i].generation, 1);
		pg_atomic_init_u32(&ring->slots[i].state, SLOT_FREE);
		push_free(ring, i);
	}
}

/* As many rings as can be had; false with the reason if there is none. */
static bool
uring_create(char *reason, Size reason_size)
{
	int			rc = 0;

	close_old_rings();
	while (nmade < rings_wanted() && (rc = ps_uring_make(&made[nmade], QUEUE_ENTRIES, SLOTS)) == 0)
	{
		init_ring(&rings->ring[nmade], &made[nmade]);
		nmade++;
	}
	rings->nrings = nmade;
	if (rings_wanted() == 0)
		snprintf(reason, reason_size, "max_files_per_process (%d) leaves no descriptors for it",
				 max_files_per_process);
	else if (nmade == 0)
		ps_uring_explain(rc, reason, reason_size);
	else if (rc < 0)
		ereport(LOG,
				(errmsg("pagestore shares %d io_uring rings instead of %d among all processes: %s",
						nmade, rings_useful(), strerror(-rc))));
	else if (nmade < rings_useful())
		ereport(LOG,
				(errmsg("pagestore shares %d io_uring rings instead of %d among all processes: max_files_per_process (%d) leaves no descriptors for more",
						nmade, rings_useful(), max_files_per_process)));
	return nmade > 0;
}

/* ---- requests and their names ---- */

static inline PsAioRef
slot_ref(Ring *ring, int i)
{
	return (PsAioRef)
	{
		.generation = pg_atomic_read_u32(&ring->slots[i].generation),
			.id = (ring - rings->ring) * SLOTS + i + 1
	};
}

static inline Ring *
ring_of(PsAioRef ref)
{
	return &rings->ring[(ref.id - 1) / SLOTS];
}

static inline Slot *
slot_of(PsAioRef ref)
{
	return &ring_of(ref)->slots[(ref.id - 1) % SLOTS];
}

static inline bool
is_over(PsAioRef ref)
{
	Slot	   *slot = slot_of(ref);

	/*
	 * the state first: a slot that is taken again has had its generation
	 * moved before
	 */
	return pg_atomic_read_u32(&slot->state) != SLOT_FLYING ||
		pg_atomic_read_u32(&slot->generation) != ref.generation;
}

/* A free slot, -1 if there is none. */
static int
take_slot(Ring *ring, bool frames)
{
	int		   *list = frames ? &ring->free_frames : &ring->free_private;
	int			i;

	ps_spin_lock(&ring->mutex);
	i = *list;
	if (i >= 0)
		*list = ring->slots[i].next_free;
	ps_spin_unlock(&ring->mutex);
	if (i >= 0)
	{
		ring->slots[i].owner = GetNumberFromPGProc(MyProc);
		ring->slots[i].started = GetCurrentTimestamp();
		pg_atomic_write_u32(&ring->slots[i].state, SLOT_FLYING);
	}
	return i;
}

static void
release_slot(Ring *ring, int i)
{
	Slot	   *slot = &ring->slots[i];

	slot->owner = -1;

	/*
	 * full barrier: whoever sees the new generation sees all that the
	 * completion did
	 */
	pg_atomic_fetch_add_u32(&slot->generation, 1);
	pg_atomic_write_u32(&slot->state, SLOT_FREE);
	push_free(ring, i);
}

/* A test may have put in a fault. */
static int
falsified(const Slot *slot, int result)
{
#ifdef PAGESTORE_DEBUG
	if (result > 0)
		result = slot->fault != 0 ? -slot->fault : Min(result, slot->bytes);
#endif
	return result;
}

static void
complete(Ring *ring, int i, int result)
{
	Slot	   *slot = &ring->slots[i];
	uint32		flying = SLOT_FLYING;

	Assert(pg_atomic_read_u32(&slot->state) == SLOT_FLYING ||
		   pg_atomic_read_u32(&slot->state) == SLOT_ORPHANED);
	if (i < FRAME_SLOTS)
	{
		slot->frame_done(ring->cookies[i], slot->ncookies, result);
		release_slot(ring, i);
		return;
	}
	slot->result = result;		/* the exchange is a full barrier */
	if (!pg_atomic_compare_exchange_u32(&slot->state, &flying, SLOT_LANDED))
		release_slot(ring, i);
}

/* ---- reaping ---- */

/* Finish everything that has completed; false if there was nothing.  reap_lock held. */
static bool
reap(Ring *ring) PS_REQUIRES(ring->reap_lock)
{
	struct io_uring_cqe *cqe;
	bool		any = false;

	Assert(ps_lock_is_held(&ring->reap_lock));
	while (io_uring_peek_cqe(&ring->uring, &cqe) == 0)
	{
		uint64		data = cqe->user_data;
		int			result = cqe->res;

		io_uring_cqe_seen(&ring->uring, cqe);
		Assert(data > 0 && data <= SLOTS);
		complete(ring, data - 1, falsified(&ring->slots[data - 1], result));
		any = true;
	}
	return any;
}

/*
 * Reap unless another process is at it.  Without force, and with a sleeper in
 * the kernel, it is left to that.
 */
static void
try_reap(Ring *ring, bool force)
{
	bool		any = false;

	if (io_uring_cq_ready(&ring->uring) == 0 ||
		!ps_trylock_exclusive(&ring->reap_lock))
		return;
	if (force || pg_atomic_read_u32(&ring->sleeper) == 0)
		any = reap(ring);
	ps_unlock(&ring->reap_lock);
	if (any)
		ConditionVariableBroadcast(&ring->progress);
}

/* Until something completes, a signal comes, or the time slice is over. */
static void
sleep_in_kernel(Ring *ring)
{
	struct __kernel_timespec timeout = {.tv_nsec = SLICE * 1000000L};
	struct io_uring_cqe *cqe;
	int			rc;

	pgstat_report_wait_start(WAIT_EVENT_DATA_FILE_READ);
	rc = io_uring_wait_cqe_timeout(&ring->uring, &cqe, &timeout);
	pgstat_report_wait_end();

	/* Memory would be left to reads of unknown fate. */
	if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY)
		elog(PANIC, "pagestore: cannot wait for io_uring: %s", strerror(-rc));
}

/* This process has become the sleeper; false if somebody else is just reaping, to be waited for. */
static bool
be_sleeper(Ring *ring, PsAioRef ref)
{
	bool		reaped;

	/* what was there before must not be slept upon */
	if (!ps_trylock_exclusive(&ring->reap_lock))
	{
		pg_atomic_write_u32(&ring->sleeper, 0);
		return false;
	}
	PS_STOP("aio-reaping");
	reaped = reap(ring);
	ps_unlock(&ring->reap_lock);

	PS_STOP("aio-sleeping");
	if (!reaped && !is_over(ref))
	{
		sleep_in_kernel(ring);
		if (ps_trylock_exclusive(&ring->reap_lock))
		{
			(void) reap(ring);
			ps_unlock(&ring->reap_lock);
		}
	}
	pg_atomic_exchange_u32(&ring->sleeper, 0);	/* a full barrier */
	ConditionVariableBroadcast(&ring->progress);
	return true;
}

/*
 * Let something happen on the ring, or a time slice pass.  Serves interrupts,
 * unless they are held off, and ends with the postmaster, as sleeping on a
 * latch does.
 */
static void
wait_slice(Ring *ring, PsAioRef ref)
{
	uint32		nobody = 0;
	bool		timed_out = false;
	long		slice = SLICE;

	CHECK_FOR_INTERRUPTS();
	if (!PostmasterIsAlive() && !proc_exit_inprogress)
		proc_exit(1);
	if (pg_atomic_compare_exchange_u32(&ring->sleeper, &nobody, GetNumberFromPGProc(MyProc) + 1))
	{
		if (be_sleeper(ring, ref))
			return;
		slice = 1;				/* reaping takes microseconds */
	}
	ConditionVariablePrepareToSleep(&ring->progress);
	if (!is_over(ref) && (slice < SLICE || pg_atomic_read_u32(&ring->sleeper) != 0))
		timed_out = ConditionVariableTimedSleep(&ring->progress, slice, WAIT_EVENT_DATA_FILE_READ);
	ConditionVariableCancelSleep();
	if (timed_out)
		try_reap(ring, true);
}

static bool
uring_done(PsAioRef ref)
{
	if (is_over(ref))
		return true;
	try_reap(ring_of(ref), false);
	return is_over(ref);
}

static bool
uring_wait_slice(PsAioRef ref)
{
	if (!is_over(ref))
		wait_slice(ring_of(ref), ref);
	return is_over(ref);
}

static bool
uring_is_late(PsAioRef ref)
{
	TimestampTz due = TimestampTzPlusMilliseconds(slot_of(ref)->started, PATIENCE);

	return !is_over(ref) && GetCurrentTimestamp() > due;
}

static ssize_t
uring_wait(PsAioRef ref)
{
	Ring	   *ring = ring_of(ref);
	int			i = (ref.id - 1) % SLOTS;
	ssize_t		result;

	Assert(i >= FRAME_SLOTS);
	Assert(ring->slots[i].owner == GetNumberFromPGProc(MyProc));
	while (!is_over(ref))
		wait_slice(ring, ref);
	Assert(pg_atomic_read_u32(&ring->slots[i].generation) == ref.generation);
	pg_read_barrier();
	result = ring->slots[i].result;
	release_slot(ring, i);
	return result;
}

/*
 * Nobody will ask for the results of this process any more: the kernel holds
 * the memory that it still reads into.  Frames of the pool are not left under
 * read, as it may be long until somebody looks after them.
 */
static void
uring_leave(void)
{
	for (int r = 0; r < rings->nrings; r++)
		for (int i = 0; i < SLOTS; i++)
		{
			Ring	   *ring = &rings->ring[r];
			uint32		state = SLOT_FLYING;

			if (ring->slots[i].owner != GetNumberFromPGProc(MyProc))
				continue;
			if (i < FRAME_SLOTS)
			{
				PsAioRef	ref = slot_ref(ring, i);

				while (!is_over(ref) && !uring_is_late(ref))
					wait_slice(ring, ref);
			}
			else if (!pg_atomic_compare_exchange_u32(&ring->slots[i].state, &state, SLOT_ORPHANED) &&
					 state == SLOT_LANDED)
				release_slot(ring, i);
		}
}

static void
uring_count_reads(uint32 *counts, int n)
{
	for (int r = 0; r < rings->nrings; r++)
		for (int i = 0; i < SLOTS; i++)
		{
			Slot	   *slot = &rings->ring[r].slots[i];
			int			owner = *(volatile int *) &slot->owner;

			if (owner >= 0 && owner < n && pg_atomic_read_u32(&slot->state) == SLOT_FLYING)
				counts[owner]++;
		}
}

/* ---- submitting ---- */

/* submit_lock held. */
static void
prepare_read(Ring *ring, int i, int fd, const PsIoRead *read)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	off_t		offset = ps_segment_offset(read->block);

	Assert(sqe != NULL);
	if (read->niov == 1)
		io_uring_prep_read(sqe, fd, read->iov[0].iov_base, read->iov[0].iov_len, offset);
	else
		io_uring_prep_readv(sqe, fd, read->iov, read->niov, offset);
	io_uring_sqe_set_data64(sqe, i + 1);
}

/*
 * A slot of a ring whose submit_lock is free, and is then held.  False if
 * none is found.  Frame slots come free as reads complete; private ones wait
 * for their process, which may be idle in a cursor.
 */
static bool
take_ring(bool frames, Ring **ring, int *slot)
PS_TRY_ACQUIRE(true, (*ring)->submit_lock) PS_UNCHECKED
{
	int			mine = GetNumberFromPGProc(MyProc) % rings->nrings;

	try_reap(&rings->ring[mine], false);
	for (int n = 0; n < Min(rings->nrings, TRIED_RINGS); n++)
	{
		*ring = &rings->ring[(mine + n) % rings->nrings];
		if (!ps_trylock_exclusive(&(*ring)->submit_lock))
			continue;
		*slot = take_slot(*ring, frames);
		if (*slot >= 0)
			return true;
		ps_unlock(&(*ring)->submit_lock);
	}
	return false;
}

/* The slot is this read's, which has its name now. */
static void
name_read(Ring *ring, int i, const PsIoRequest *request, PsIoRead *read)
{
	Slot	   *slot = &ring->slots[i];

	read->ref = slot_ref(ring, i);
	read->ref.method = request->method;
#ifdef PAGESTORE_DEBUG
	slot->bytes = SIZE_MAX;
	slot->fault = ps_fault(PS_FAULT_READ, request->rlocator, &slot->bytes);
#endif
	if (read->cookies == NULL)
		return;
	memcpy(ring->cookies[i], read->cookies, read->npages * sizeof(uint32));
	slot->ncookies = read->npages;
	slot->frame_done = request->frame_done;
	if (request->prepare)
		request->prepare(read->ref, read->cookies, read->npages);
}

/*
 * Nothing here is waited for, nothing throws, and nobody's code is called from
 * the first name to the submission.
 */
static int
uring_read(const PsIoRequest *request)
{
	PsIoRead   *reads = request->reads;
	bool		frames = reads[0].cookies != NULL;
	int			slots[PS_IO_MAX_READS];
	int			taken = 1;
	unsigned	left;
	Ring	   *ring;

	if (!take_ring(frames, &ring, &slots[0]))
		return 0;
	Assert(io_uring_sq_ready(&ring->uring) == 0);
	while (taken < request->n && (slots[taken] = take_slot(ring, frames)) >= 0)
		taken++;
	for (int i = 0; i < taken; i++)
		name_read(ring, slots[i], request, &reads[i]);
	PS_STOP("aio-before-submit");
	for (int i = 0; i < taken; i++)
		prepare_read(ring, slots[i], request->fd, &reads[i]);
	(void) ps_uring_submit(&ring->uring, request->rlocator, &left);
	ps_unlock(&ring->submit_lock);
	PS_STOP("aio-after-submit");

	/* the last ones may have been refused */
	for (int i = taken - left; i < taken; i++)
		complete(ring, slots[i], ps_transfer_read(request->rlocator, request->fd, ps_segment_offset(reads[i].block),
												  reads[i].iov, reads[i].niov));
	if (left > 0)
		ConditionVariableBroadcast(&ring->progress);
	return taken;
}

const PsIoMethod ps_uring_method = {
	.name = "io_uring",
	.shmem_size = uring_shmem_size,
	.shmem_init = uring_shmem_init,
	.create = uring_create,
	.read = uring_read,
	.done = uring_done,
	.wait_slice = uring_wait_slice,
	.is_late = uring_is_late,
	.wait = uring_wait,
	.count_reads = uring_count_reads,
	.leave = uring_leave,
	.write = ps_uring_write,
	.write_wait = ps_uring_write_wait
};
