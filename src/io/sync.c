/*
 * sync.c
 *		Reads that are over when they return.
 *
 * A read into frames holds its process's lock from before the frames name it
 * until their completion has run, so that others can wait for it. The result
 * of a private read is nobody else's business and stays in this process.
 */
#include "postgres.h"

#include "io/internal.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

typedef struct SyncSlot
{
	LWLock		busy;			/* held exclusively while a read into frames
								 * is under way */
	pg_atomic_uint32 generation;	/* moves when it is over */
} SyncSlot;

static SyncSlot *slots;			/* by PGPROC number */

typedef struct PrivateResult
{
	ssize_t		result;
	bool		taken;
} PrivateResult;

static PrivateResult *results;
static uint32 nresults;

static int
slot_count(void)
{
	return MaxBackends + NUM_AUXILIARY_PROCS;
}

Size
ps_sync_shmem_size(void)
{
	return mul_size(sizeof(SyncSlot), slot_count());
}

void
ps_sync_shmem_init(int tranche)
{
	bool		found;

	slots = ShmemInitStruct("pagestore sync reads", ps_sync_shmem_size(), &found);
	if (found)
		return;
	for (int i = 0; i < slot_count(); i++)
	{
		LWLockInitialize(&slots[i].busy, tranche);
		pg_atomic_init_u32(&slots[i].generation, 1);
	}
}

/* Room for one more result: before the read, as it may throw. */
static uint32
result_slot(void)
{
	uint32		i;

	for (i = 0; i < nresults; i++)
		if (results[i].taken)
			return i;
	if (results == NULL)
		results = MemoryContextAlloc(TopMemoryContext, 16 * sizeof(PrivateResult));
	else
		results = repalloc(results, (nresults + 16) * sizeof(PrivateResult));
	for (; i < nresults + 16; i++)
		results[i].taken = true;
	nresults += 16;
	return i - 16;
}

PsAioRef
ps_sync_read(const PsReadRequest *read)
{
	SyncSlot   *slot = &slots[MyProc->pgprocno];
	PsAioRef	ref;
	ssize_t		n;

	if (read->cookies == NULL)
	{
		uint32		i = result_slot();

		results[i].result = ps_file_read_raw(read->fd, read->offset, read->iov, read->niov);
		results[i].taken = false;
		return (PsAioRef)
		{
			PS_SYNC_PRIVATE + i, 0
		};
	}

	LWLockAcquire(&slot->busy, LW_EXCLUSIVE);
	ref = (PsAioRef)
	{
		PS_SYNC_FRAMES + MyProc->pgprocno, pg_atomic_read_u32(&slot->generation)
	};
	if (read->prepare)
		read->prepare(ref, read->cookies, read->ncookies);
	n = ps_file_read_raw(read->fd, read->offset, read->iov, read->niov);
	ps_aio_frame_done(read->cookies, read->ncookies, n);
	pg_atomic_fetch_add_u32(&slot->generation, 1);
	LWLockRelease(&slot->busy);
	return ref;
}

bool
ps_sync_done(PsAioRef ref)
{
	return ref.id >= PS_SYNC_PRIVATE ||
		pg_atomic_read_u32(&slots[ref.id - PS_SYNC_FRAMES].generation) != ref.generation;
}

ssize_t
ps_sync_wait(PsAioRef ref)
{
	if (ref.id >= PS_SYNC_PRIVATE)
	{
		PrivateResult *kept = &results[ref.id - PS_SYNC_PRIVATE];

		Assert(!kept->taken);
		kept->taken = true;
		return kept->result;
	}

	while (!ps_sync_done(ref))
	{
		LWLock	   *busy = &slots[ref.id - PS_SYNC_FRAMES].busy;

		LWLockAcquire(busy, LW_SHARED);
		LWLockRelease(busy);
	}
	return 0;
}
