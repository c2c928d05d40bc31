/*
 * uring_write.c
 *		Writes through a ring that belongs to the writing process.
 *
 * Nobody but the process itself waits for its requests: frames that it writes
 * are claimed by it until it says that they are written.  So the ring needs no
 * lock, and is made by the process that first writes more than it can wait
 * for one by one.  It lasts as long as the process, or its last write, with the
 * lock that a starting server waits for (landing.h).
 */
#include "postgres.h"

#include <unistd.h>

#include "debug/fault.h"
#include "debug/stop.h"
#include "io/landing.h"
#include "io/segment.h"
#include "io/transfer.h"
#include "io/uring_queue.h"
#include "io/uring_write.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/wait_event.h"

#define ENTRIES (PS_IO_MAX_WRITES / 2)

typedef enum Status
{
	UNTRIED,
	MADE,
	REFUSED
} Status;

static struct io_uring uring;
static Status status = UNTRIED;

/* The ring with its lock; false with the reason. */
static bool
make_ring(char *reason, Size size)
{
	int			lock = ps_landing_hold();
	int			rc;

	if (lock < 0)
	{
		snprintf(reason, size, "could not take a lock that outlives the process: %s", strerror(errno));
		return false;
	}
	rc = ps_uring_make(&uring, ENTRIES, PS_IO_MAX_WRITES);
	if (rc == 0)
	{
		rc = io_uring_register_files(&uring, &lock, 1);
		if (rc < 0)
			io_uring_queue_exit(&uring);
	}
	close(lock);
	if (rc < 0)
		ps_uring_explain(rc, reason, size);
	return rc == 0;
}

static bool
have_ring(void)
{
	char		reason[256];

	if (status != UNTRIED)
		return status == MADE;

	/* where too many descriptors are in use there may be room the next time */
	if (!AcquireExternalFD())
		return false;
	status = make_ring(reason, sizeof(reason)) ? MADE : REFUSED;
	if (status == REFUSED)
	{
		ReleaseExternalFD();
		ereport(LOG,
				(errmsg("this process writes pages of pagestore tables one at a time"),
				 errdetail("%s", reason)));
	}
	return status == MADE;
}

/* Begin one, unless a fault that a test has put in is all that is to become of it. */
static void
prepare_write(int fd, PsIoWrite *write)
{
	Size		bytes = (Size) write->npages * BLCKSZ;
	int			fault = ps_fault(PS_FAULT_WRITE, write->rlocator, &bytes);
	struct io_uring_sqe *sqe;

	write->result = -fault;
	if (fault != 0)
		return;
	sqe = io_uring_get_sqe(&uring);
	Assert(sqe != NULL);
	io_uring_prep_write(sqe, fd, write->bytes, bytes, ps_segment_offset(write->block));
	io_uring_sqe_set_data(sqe, write);
	write->in_flight = true;
}

/* As many as the queue holds at once. */
static void
start(int fd, PsIoWrite *writes, int n)
{
	unsigned	left;
	int			rc;

	Assert(io_uring_sq_ready(&uring) == 0);
	for (int i = 0; i < n; i++)
		prepare_write(fd, &writes[i]);
	rc = ps_uring_submit(&uring, writes[0].rlocator, &left);

	/* the last ones may have been refused */
	for (int i = n; i-- > 0 && left > 0;)
		if (writes[i].in_flight)
		{
			writes[i].in_flight = false;
			writes[i].result = rc;
			left--;
		}
}

void
ps_uring_write(int fd, PsIoWrite *writes, int n)
{
	if (!have_ring())
	{
		ps_transfer_writes(fd, writes, n);
		return;
	}
	for (int done = 0; done < n; done += ENTRIES)
		start(fd, writes + done, Min(n - done, ENTRIES));
	PS_STOP("aio-writes-started");
}

static void
take_results(void)
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&uring, &cqe) == 0)
	{
		PsIoWrite  *write = io_uring_cqe_get_data(cqe);

		Assert(write->in_flight);
		write->result = cqe->res;
		write->in_flight = false;
		io_uring_cqe_seen(&uring, cqe);
	}
}

void
ps_uring_write_wait(PsIoWrite *writes, int n)
{
	struct io_uring_cqe *cqe;
	int			rc;

	for (int i = 0; i < n; i++)
		while (writes[i].in_flight)
		{
			take_results();
			if (!writes[i].in_flight)
				break;
			pgstat_report_wait_start(WAIT_EVENT_DATA_FILE_WRITE);
			rc = io_uring_wait_cqe(&uring, &cqe);
			pgstat_report_wait_end();

			/* Memory would be given back under writes of unknown fate. */
			if (rc < 0 && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY)
				elog(PANIC, "pagestore: cannot wait for io_uring: %s", strerror(-rc));
		}
}
