/*
 * io_uring.c
 *		Reads through io_uring rings shared by all processes.
 *
 * The postmaster makes the rings; every process inherits their mappings and
 * descriptors by fork.  A process submits to one ring, chosen by its PGPROC
 * number; any process may reap any ring.
 *
 * submit_lock guards the submission queue.  reap_lock guards the completion
 * queue: a completion is taken from the queue, its frames are finished and its
 * slot is freed in one hold of it.  Who waits for a completion sleeps in the
 * kernel with reap_lock held, so nobody can take that completion away
 * meanwhile; whichever comes first wakes it, it serves all that are there and
 * lets the next waiter in. Nobody takes reap_lock inside submit_lock or the
 * other way round.
 */
#include "postgres.h"

#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include "io/internal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/spin.h"

#define MAX_RINGS		64		/* each takes a descriptor in every process
								 * and locked memory */
#define FRAME_SLOTS		32		/* reads into frames in flight on one ring */
#define PRIVATE_SLOTS	64		/* private reads whose result has not been
								 * taken yet */
#define SLOTS			(FRAME_SLOTS + PRIVATE_SLOTS)
#define QUEUE_ENTRIES	8		/* requests are submitted one by one */
#define SUBMIT_TRIES	1000

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_FLYING,				/* taken, perhaps not yet submitted */
	SLOT_LANDED					/* private: result is there, not yet taken */
} SlotState;

typedef struct Slot
{
	pg_atomic_uint32 generation;	/* moves when the request is over, its
									 * result (if private) taken */
	pg_atomic_uint32 state;
	int			owner;			/* PGPROC number of the submitter, -1 when
								 * free */
	int			ncookies;
	int			result;
	int			next_free;		/* ring's mutex */
} Slot;

typedef struct Ring
{
	struct io_uring uring;
	LWLock		submit_lock;
	LWLock		reap_lock;
	slock_t		mutex;			/* protects the free lists */
	int			free_frames;	/* first free slot of each kind, or -1 */
	int			free_private;
	Slot		slots[SLOTS];	/* frames first */
	uint32		cookies[FRAME_SLOTS][PS_IO_MAX_PAGES];
} Ring;

typedef struct RingShared
{
	int			nrings;
	Ring		rings[FLEXIBLE_ARRAY_MEMBER];
} RingShared;

static RingShared *shared;
static int	io_tranche;

/* The postmaster's own copies, to close after a crash has taken shared memory away. */
static struct io_uring made[MAX_RINGS];
static int	nmade;

/* ---- set-up ---- */

static int
rings_wanted(void)
{
	return Min(MaxBackends + NUM_AUXILIARY_PROCS, MAX_RINGS);
}

Size
ps_uring_shmem_size(void)
{
	if (ps_io_method != PS_IO_URING)
		return sizeof(RingShared);
	return add_size(offsetof(RingShared, rings), mul_size(sizeof(Ring), rings_wanted()));
}

void
ps_uring_shmem_init(int tranche)
{
	bool		found;

	shared = ShmemInitStruct("pagestore rings", ps_uring_shmem_size(), &found);
	if (!found)
		shared->nrings = 0;
	io_tranche = tranche;
}

/*
 * Rings of before a crash.  All processes that used them are gone; a read the
 * kernel has not finished goes on into memory that it holds itself and that is
 * no longer ours.
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

	SpinLockAcquire(&ring->mutex);
	ring->slots[i].next_free = *list;
	*list = i;
	SpinLockRelease(&ring->mutex);
}

static void
init_ring(Ring *ring, const struct io_uring *uring)
{
	memset(ring, 0, sizeof(Ring));
	ring->uring = *uring;
	LWLockInitialize(&ring->submit_lock, io_tranche);
	LWLockInitialize(&ring->reap_lock, io_tranche);
	SpinLockInit(&ring->mutex);
	ring->free_frames = ring->free_private = -1;
	for (int i = SLOTS; i-- > 0;)
	{
		ring->slots[i].owner = -1;
		pg_atomic_init_u32(&ring->slots[i].generation, 1);
		pg_atomic_init_u32(&ring->slots[i].state, SLOT_FREE);
		push_free(ring, i);
	}
}

/* Does the ring do what it is needed for?  A seccomp profile may allow to make it and no more. */
static int
try_ring(struct io_uring *uring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
	struct io_uring_cqe *cqe;
	int			rc;

	io_uring_prep_nop(sqe);
	rc = io_uring_submit_and_wait(uring, 1);
	if (rc < 0)
		return rc;
	rc = io_uring_peek_cqe(uring, &cqe);
	if (rc == 0)
		io_uring_cqe_seen(uring, cqe);
	return rc;
}

static int
make_ring(struct io_uring *uring)
{
	/* waits with a timeout, and vectors that need not outlive the submission */
	const unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_NODROP;
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE,
	.cq_entries = SLOTS + QUEUE_ENTRIES};
	int			rc = io_uring_queue_init_params(QUEUE_ENTRIES, uring, &params);

	if (rc < 0)
		return rc;
	rc = (params.features & needed) == needed ? try_ring(uring) : -ENOSYS;
	if (rc < 0)
		io_uring_queue_exit(uring);
	return rc;
}

/* Value of kernel.io_uring_disabled; 0 also where there is no such setting. */
static int
sysctl_disabled(void)
{
	char		c = '0';
	int			fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY);

	if (fd >= 0)
	{
		if (read(fd, &c, 1) != 1)
			c = '0';
		close(fd);
	}
	return c - '0';
}

static void
explain(int rc, char *reason, Size size)
{
	const char *cause = "";

	if (rc == -EPERM && sysctl_disabled() != 0)
		cause = ": forbidden by the sysctl kernel.io_uring_disabled";
	else if (rc == -EPERM || rc == -EACCES)
		cause = ": forbidden, as by a container's seccomp profile";
	else if (rc == -ENOSYS)
		cause = ": needs a Linux kernel 5.11 or later that has it, and no seccomp profile that hides it";
	else if (rc == -ENOMEM)
		cause = ": RLIMIT_MEMLOCK (ulimit -l) may be too low";
	snprintf(reason, size, "io_uring_setup failed with \"%s\"%s", strerror(-rc), cause);
}

int
ps_uring_create(char *reason, Size reason_size)
{
	int			rc = 0;

	close_old_rings();
	while (nmade < rings_wanted() && (rc = make_ring(&made[nmade])) == 0)
	{
		init_ring(&shared->rings[nmade], &made[nmade]);
		nmade++;
	}
	shared->nrings = nmade;
	if (nmade == 0)
		explain(rc, reason, reason_size);
	else if (rc < 0)
		ereport(LOG,
				(errmsg("pagestore shares %d io_uring rings instead of %d among all processes: %s",
						nmade, rings_wanted(), strerror(-rc))));
	return nmade;
}

/* ---- requests and their names ---- */

static inline PsAioRef
slot_ref(Ring *ring, int i)
{
	uint32		id = (ring - shared->rings) * SLOTS + i + 1;

	return (PsAioRef)
	{
		id, pg_atomic_read_u32(&ring->slots[i].generation)
	};
}

static inline Ring *
ring_of(PsAioRef ref)
{
	return &shared->rings[(ref.id - 1) / SLOTS];
}

static inline Slot *
slot_of(PsAioRef ref)
{
	return &ring_of(ref)->slots[(ref.id - 1) % SLOTS];
}

static inline Ring *
my_ring(void)
{
	return &shared->rings[MyProc->pgprocno % shared->nrings];
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

	SpinLockAcquire(&ring->mutex);
	i = *list;
	if (i >= 0)
		*list = ring->slots[i].next_free;
	SpinLockRelease(&ring->mutex);
	if (i >= 0)
	{
		ring->slots[i].owner = MyProc->pgprocno;
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

static void
complete(Ring *ring, int i, int result)
{
	Slot	   *slot = &ring->slots[i];

	Assert(pg_atomic_read_u32(&slot->state) == SLOT_FLYING);
	if (i < FRAME_SLOTS)
	{
		ps_aio_frame_done(ring->cookies[i], slot->ncookies, result);
		release_slot(ring, i);
	}
	else
	{
		slot->result = result;
		pg_write_barrier();
		pg_atomic_write_u32(&slot->state, SLOT_LANDED);
	}
}

/* ---- reaping ---- */

/* Finish everything that has completed.  reap_lock held. */
static void
reap(Ring *ring)
{
	struct io_uring_cqe *cqe;

	Assert(LWLockHeldByMe(&ring->reap_lock));
	while (io_uring_peek_cqe(&ring->uring, &cqe) == 0)
	{
		uint64		data = cqe->user_data;
		int			result = cqe->res;

		io_uring_cqe_seen(&ring->uring, cqe);
		if (data > 0)			/* else a request that was called off */
			complete(ring, data - 1, result);
	}
}

static void
try_reap(Ring *ring)
{
	if (io_uring_cq_ready(&ring->uring) > 0 &&
		LWLockConditionalAcquire(&ring->reap_lock, LW_EXCLUSIVE))
	{
		reap(ring);
		LWLockRelease(&ring->reap_lock);
	}
}

/*
 * Sleep until something completes.  reap_lock held, nothing to reap.  The
 * timeout is for a request that its submitter had to finish without the ring.
 */
static void
sleep_in_kernel(Ring *ring)
{
	struct __kernel_timespec timeout = {.tv_sec = 1};
	struct io_uring_cqe *cqe;
	int			rc;

	pgstat_report_wait_start(WAIT_EVENT_DATA_FILE_READ);
	rc = io_uring_wait_cqe_timeout(&ring->uring, &cqe, &timeout);
	pgstat_report_wait_end();

	/* Memory would be left to reads of unknown fate. */
	if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY)
		elog(PANIC, "pagestore: cannot wait for io_uring: %s", strerror(-rc));
}

/* Let time pass until the request is over or, with no request, a frame slot is free. */
static void
wait_until(Ring *ring, const PsAioRef *ref)
{
	for (;;)
	{
		bool		over;

		if (ref && is_over(*ref))
			return;
		LWLockAcquire(&ring->reap_lock, LW_EXCLUSIVE);
		reap(ring);
		over = ref ? is_over(*ref) : *(volatile int *) &ring->free_frames >= 0;
		if (!over)
		{
			sleep_in_kernel(ring);
			reap(ring);
		}
		LWLockRelease(&ring->reap_lock);
		if (over)
			return;
	}
}

bool
ps_uring_done(PsAioRef ref)
{
	if (is_over(ref))
		return true;
	try_reap(ring_of(ref));
	return is_over(ref);
}

ssize_t
ps_uring_wait(PsAioRef ref)
{
	Ring	   *ring = ring_of(ref);
	int			i = (ref.id - 1) % SLOTS;
	ssize_t		result;

	wait_until(ring, &ref);
	if (i < FRAME_SLOTS)
		return 0;

	Assert(ring->slots[i].owner == MyProc->pgprocno);
	Assert(pg_atomic_read_u32(&ring->slots[i].generation) == ref.generation);
	pg_read_barrier();
	result = ring->slots[i].result;
	release_slot(ring, i);
	return result;
}

void
ps_uring_drain(void)
{
	Ring	   *ring;

	if (shared->nrings == 0)
		return;
	ring = my_ring();
	for (int i = 0; i < SLOTS; i++)
	{
		Slot	   *slot = &ring->slots[i];
		PsAioRef	ref = slot_ref(ring, i);

		if (slot->owner != MyProc->pgprocno)
			continue;
		wait_until(ring, &ref);
		if (pg_atomic_read_u32(&slot->state) == SLOT_LANDED)
			release_slot(ring, i);
	}
}

/* ---- submitting ---- */

/* submit_lock held.  Returns 0, or -errno with the request called off. */
static int
submit(Ring *ring, int i, const PsReadRequest *read)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	int			rc = -EBUSY;

	if (sqe == NULL)
		return rc;
	if (read->niov == 1)
		io_uring_prep_read(sqe, read->fd, read->iov[0].iov_base, read->iov[0].iov_len, read->offset);
	else
		io_uring_prep_readv(sqe, read->fd, read->iov, read->niov, read->offset);
	io_uring_sqe_set_data64(sqe, i + 1);

	for (int tries = 0; tries < SUBMIT_TRIES; tries++)
	{
		rc = io_uring_submit(&ring->uring);
		if (rc > 0)
			return 0;
		if (rc != -EINTR && rc != -EAGAIN && rc != -EBUSY)
			break;
		if (rc != -EINTR)
			pg_usleep(1000);
	}

	/* It stays in the queue, but as one that does nothing. */
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 0);
	return rc < 0 ? rc : -EBUSY;
}

PsAioRef
ps_uring_read(const PsReadRequest *read)
{
	bool		frames = read->cookies != NULL;
	Ring	   *ring = my_ring();
	PsAioRef	ref;
	int			i;
	int			rc;

	try_reap(ring);

	/*
	 * Frame slots come free as reads complete.  Private ones wait for their
	 * process, which may be idle in a cursor: that is not waited for.
	 */
	while ((i = take_slot(ring, frames)) < 0)
	{
		if (!frames)
			return ps_sync_read(read);
		wait_until(ring, NULL);
	}

	ref = slot_ref(ring, i);
	if (frames)
	{
		memcpy(ring->cookies[i], read->cookies, read->ncookies * sizeof(uint32));
		ring->slots[i].ncookies = read->ncookies;
		if (read->prepare)
			read->prepare(ref, read->cookies, read->ncookies);
	}

	LWLockAcquire(&ring->submit_lock, LW_EXCLUSIVE);
	rc = submit(ring, i, read);
	LWLockRelease(&ring->submit_lock);
	if (rc < 0)
		complete(ring, i, rc);
	return ref;
}
