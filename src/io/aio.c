/*
 * aio.c
 *		Asynchronous reads: which implementation serves them.
 */
#include "postgres.h"

#include "io/internal.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

int			ps_io_method = PS_IO_URING;
bool		ps_aio_force_sync = false;
PsAioFrameDone ps_aio_frame_done = NULL;

const struct config_enum_entry ps_io_method_options[] = {
	{"sync", PS_IO_SYNC, false},
	{"io_uring", PS_IO_URING, false},
	{NULL, 0, false}
};

typedef struct PsAioShared
{
	PsIoMethod	method;			/* constant after start */
	int			tranche;
	char		reason[256];	/* why not what was asked for; empty: it is */
} PsAioShared;

static PsAioShared *shared;

Size
ps_aio_shmem_size(void)
{
	return add_size(MAXALIGN(sizeof(PsAioShared)), ps_uring_shmem_size());
}

/* Rings are inherited by fork: they must be made where all processes come from. */
static void
choose_method(void)
{
	shared->method = PS_IO_SYNC;
	if (ps_io_method == PS_IO_SYNC || !IsPostmasterEnvironment)
		return;
	if (ps_aio_force_sync)
	{
		strlcpy(shared->reason, "protected frames can be filled by synchronous reads only",
				sizeof(shared->reason));
		return;
	}
	if (ps_uring_create(shared->reason, sizeof(shared->reason)) > 0)
		shared->method = PS_IO_URING;
	else
		ereport(LOG,
				(errmsg("io_uring is not available: pagestore reads synchronously"),
				 errdetail("%s", shared->reason)));
}

void
ps_aio_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pagestore aio", sizeof(PsAioShared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(PsAioShared));
		shared->tranche = LWLockNewTrancheId();
	}
	LWLockRegisterTranche(shared->tranche, "PagestoreIo");
	ps_uring_shmem_init(shared->tranche);
	if (!found)
		choose_method();
}

PsIoMethod
ps_aio_method(void)
{
	return shared->method;
}

const char *
ps_aio_fallback_reason(void)
{
	return shared->reason[0] ? shared->reason : NULL;
}

static void
leave_at_exit(int code, Datum arg)
{
	ps_uring_leave();
}

/* After the abort of the transaction, whose scans may still look for their results, and before the PGPROC goes. */
static void
attach(void)
{
	static bool attached = false;

	if (!attached)
	{
		attached = true;
		on_shmem_exit(leave_at_exit, 0);
	}
}

PsAioRef
ps_aio_read(RelFileNode rnode, BlockNumber block, int npages,
			const struct iovec *iov, int niov,
			const uint32 *cookies, int ncookies, PsAioPrepare prepare)
{
	PsReadRequest read = {.rnode = rnode,.npages = npages,.iov = iov,.niov = niov,
	.cookies = cookies,.ncookies = ncookies,.prepare = prepare};

	Assert(ps_file_run(block, npages) == npages);
	Assert(niov > 0 && niov <= PS_IO_MAX_PAGES && ncookies <= PS_IO_MAX_PAGES);
	read.fd = ps_file_fd(rnode, block, &read.offset, false);
	if (shared->method == PS_IO_SYNC)
		return ps_sync_read(&read);
	attach();
	return ps_uring_read(&read);
}

static inline bool
is_sync(PsAioRef ref)
{
	return ref.id >= PS_SYNC_REFS;
}

bool
ps_aio_done(PsAioRef ref)
{
	return ref.id == 0 || is_sync(ref) || ps_uring_done(ref);
}

bool
ps_aio_wait_slice(PsAioRef ref)
{
	return ref.id == 0 || is_sync(ref) || ps_uring_wait_slice(ref);
}

bool
ps_aio_is_late(PsAioRef ref)
{
	return ref.id != 0 && !is_sync(ref) && ps_uring_is_late(ref);
}

ssize_t
ps_aio_wait(PsAioRef ref)
{
	return is_sync(ref) ? ps_sync_result(ref) : ps_uring_wait(ref);
}
