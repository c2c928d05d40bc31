/*
 * aio.c
 *		Asynchronous reads and writes: the table of methods, and which of them
 *		serves.
 */
#include "postgres.h"

#include "io/aio.h"
#include "io/io_uring.h"
#include "io/landing.h"
#include "io/method.h"
#include "io/sync.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

/* By the number that is pagestore.io_method, and in the name of a request. */
static const PsIoMethod *const methods[] = {
	&ps_sync_method,			/* the first: what serves where another can't */
	&ps_uring_method
};

#define SYNC 0

StaticAssertDecl(PS_IO_METHOD_DEFAULT < lengthof(methods), "the default is one of them");

int			ps_io_method = PS_IO_METHOD_DEFAULT;
bool		ps_aio_force_sync = false;
PsAioFrameDone ps_aio_frame_done = NULL;

typedef struct AioChoice
{
	int			method;			/* constant after start */
	char		reason[256];	/* why not what was asked for; empty: it is */
} AioChoice;

static AioChoice *choice;

static inline const PsIoMethod *
method_of(PsAioRef ref)
{
	Assert(ref.method < lengthof(methods));
	return methods[ref.method];
}

/* ---- set-up ---- */

const struct config_enum_entry *
ps_aio_method_options(void)
{
	static struct config_enum_entry options[lengthof(methods) + 1];

	for (int i = 0; i < lengthof(methods); i++)
		options[i] = (struct config_enum_entry)
	{
		methods[i]->name, i, false
	};
	return options;
}

Size
ps_aio_shmem_size(void)
{
	Size		size = MAXALIGN(sizeof(AioChoice));

	if (methods[ps_io_method]->shmem_size != NULL)
		size = add_size(size, methods[ps_io_method]->shmem_size());
	return size;
}

/* Where what was asked for can't be had, all is synchronous, and the cause is logged. */
static void
choose_method(void)
{
	const PsIoMethod *wanted = methods[ps_io_method];

	choice->method = SYNC;
	if (ps_io_method == SYNC || !IsPostmasterEnvironment)
		return;
	if (ps_aio_force_sync)
	{
		strlcpy(choice->reason, "protected frames can be filled by synchronous reads only",
				sizeof(choice->reason));
		return;
	}
	if (wanted->create == NULL || wanted->create(choice->reason, sizeof(choice->reason)))
		choice->method = ps_io_method;
	else
		ereport(LOG,
				(errmsg("%s is not available: pagestore reads and writes synchronously", wanted->name),
				 errdetail("%s", choice->reason)));
}

void
ps_aio_shmem_init(void)
{
	bool		found;

	choice = ShmemInitStruct("pagestore aio", sizeof(AioChoice), &found);
	if (!found)
		ps_landing_await();
	if (methods[ps_io_method]->shmem_init != NULL)
		methods[ps_io_method]->shmem_init();
	if (found)
		return;
	memset(choice, 0, sizeof(AioChoice));
	choose_method();
}

const char *
ps_aio_method_name(void)
{
	return methods[choice->method]->name;
}

const char *
ps_aio_fallback_reason(void)
{
	return choice->reason[0] ? choice->reason : NULL;
}

bool
ps_aio_is_async(void)
{
	return choice->method != SYNC;
}

/* ---- reads ---- */

static void
leave_at_exit(int code, Datum arg)
{
	methods[choice->method]->leave();
}

/* After the abort of the transaction, whose scans may still look for their results, and before the PGPROC goes. */
static void
arrange_leaving(void)
{
	static bool attached = false;

	if (attached)
		return;
	attached = true;
	if (methods[choice->method]->leave != NULL)
		on_shmem_exit(leave_at_exit, 0);
}

/* Nothing is waited for: what is not taken is done at once, and soon over. */
static void
start_reads(PsIoRequest *request)
{
	arrange_leaving();
	while (request->n > 0)
	{
		int			taken = methods[request->method]->read(request);

		Assert(taken <= request->n && (taken > 0 || request->method != SYNC));
		for (int i = 0; i < taken; i++)
			Assert(request->reads[i].ref.id == 0 || request->reads[i].ref.method == request->method);
		if (taken == 0)
			request->method = SYNC;
		request->reads += taken;
		request->n -= taken;
	}
}

PsAioRef
ps_aio_read(RelFileLocator rlocator, BlockNumber block, int npages, const struct iovec *iov, int niov)
{
	PsIoRead	read = {.block = block,.npages = npages,.iov = iov,.niov = niov};
	PsIoRequest request = {.method = choice->method,.rlocator = rlocator,.reads = &read,.n = 1};

	Assert(ps_file_run(block, npages) == npages);
	Assert(niov > 0 && niov <= PS_IO_MAX_PAGES);
	request.fd = ps_file_fd(rlocator, block, false);
	start_reads(&request);
	return read.ref;
}

bool
ps_aio_read_frames(RelFileLocator rlocator, PsIoRead *reads, int n, PsAioPrepare prepare)
{
	PsIoRequest request = {.method = choice->method,.rlocator = rlocator,.reads = reads,.n = n,
	.prepare = prepare,.frame_done = ps_aio_frame_done};

	Assert(n > 0 && n <= PS_IO_MAX_READS);
	for (int i = 0; i < n; i++)
	{
		Assert(reads[i].block / RELSEG_SIZE == reads[0].block / RELSEG_SIZE);
		Assert(ps_file_run(reads[i].block, reads[i].npages) == reads[i].npages);
		Assert(reads[i].npages <= PS_IO_MAX_PAGES && reads[i].niov > 0 && reads[i].niov <= reads[i].npages);
		Assert(reads[i].cookies != NULL);
	}
	request.fd = ps_file_fd(rlocator, reads[0].block, true);
	if (request.fd < 0)
		return false;
	start_reads(&request);
	return true;
}

bool
ps_aio_done(PsAioRef ref)
{
	return ref.id == 0 || method_of(ref)->done(ref);
}

bool
ps_aio_wait_slice(PsAioRef ref)
{
	return ref.id == 0 || method_of(ref)->wait_slice(ref);
}

bool
ps_aio_is_late(PsAioRef ref)
{
	return ref.id != 0 && method_of(ref)->is_late(ref);
}

ssize_t
ps_aio_wait(PsAioRef ref)
{
	Assert(ref.id != 0);
	return method_of(ref)->wait(ref);
}

void
ps_aio_count_reads(uint32 *counts, int n)
{
	memset(counts, 0, n * sizeof(uint32));
	if (methods[choice->method]->count_reads != NULL)
		methods[choice->method]->count_reads(counts, n);
}

/* ---- writes ---- */

/* So many of the first ones lie in one segment. */
static int
in_one_segment(const PsIoWrite *writes, int n)
{
	int			same = 1;

	while (same < n && writes[same].block / RELSEG_SIZE == writes[0].block / RELSEG_SIZE &&
		   RelFileLocatorEquals(writes[same].rlocator, writes[0].rlocator))
		same++;
	return same;
}

void
ps_aio_write(PsIoWrite *writes, int n)
{
	/* one alone is as soon over when it is waited for */
	const PsIoMethod *method = methods[n > 1 ? choice->method : SYNC];

	for (int i = 0; i < n; i++)
	{
		Assert(ps_file_run(writes[i].block, writes[i].npages) == writes[i].npages);
		writes[i].in_flight = false;
		writes[i].result = 0;
	}
	while (n > 0)
	{
		int			same = in_one_segment(writes, n);
		BlockNumber last = writes[same - 1].block + writes[same - 1].npages - 1;
		int			fd = ps_file_fd_for_writes(writes[0].rlocator, writes[0].block, last);

		if (fd >= 0)
			method->write(fd, writes, same);
		writes += same;
		n -= same;
	}
}

void
ps_aio_write_wait(PsIoWrite *writes, int n)
{
	methods[choice->method]->write_wait(writes, n);
}
