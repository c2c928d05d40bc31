/*
 * transfer.c
 *		preadv() and pwritev() until all is done.
 */
#include "postgres.h"

#include "debug/fault.h"
#include "io/segment.h"
#include "io/transfer.h"
#include "pgstat.h"
#include "utils/wait_event.h"

/* A vector being worked off: transfers may be short. */
typedef struct Vector
{
	struct iovec iov[PS_IO_MAX_PAGES];
	int			niov;
	int			first;			/* what is left begins here */
} Vector;

static void
vector_set(Vector *vector, const struct iovec *iov, int niov)
{
	Assert(niov > 0 && niov <= PS_IO_MAX_PAGES);
	for (int i = 0; i < niov; i++)
		Assert((uintptr_t) iov[i].iov_base % PS_IO_ALIGN == 0 && iov[i].iov_len % PS_IO_ALIGN == 0);
	memcpy(vector->iov, iov, niov * sizeof(struct iovec));
	vector->niov = niov;
	vector->first = 0;
}

static void
vector_advance(Vector *vector, size_t bytes)
{
	while (bytes > 0)
	{
		struct iovec *head = &vector->iov[vector->first];
		size_t		part = Min(bytes, head->iov_len);

		head->iov_base = (char *) head->iov_base + part;
		head->iov_len -= part;
		bytes -= part;
		if (head->iov_len == 0)
			vector->first++;
	}
}

/* One transfer of what is left, or of less; a fault that a test has put in strikes here. */
static ssize_t
transfer(const Vector *rest, PsFaultOp op, RelFileLocator rlocator, int fd, off_t offset)
{
	const struct iovec *iov = &rest->iov[rest->first];
	int			niov = rest->niov - rest->first;
	struct iovec part = *iov;
	Size		bytes = SIZE_MAX;
	ssize_t		n;

	errno = ps_fault(op, rlocator, &bytes);
	if (errno != 0)
		return -1;
	if (bytes < part.iov_len)
	{
		part.iov_len = bytes;
		iov = &part;
		niov = 1;
	}

	pgstat_report_wait_start(op == PS_FAULT_READ ? WAIT_EVENT_DATA_FILE_READ : WAIT_EVENT_DATA_FILE_WRITE);
	n = op == PS_FAULT_READ ? preadv(fd, iov, niov, offset) : pwritev(fd, iov, niov, offset);
	pgstat_report_wait_end();
	return n;
}

/* Until all is done, or a read has met the end of the file. */
static ssize_t
transfer_all(PsFaultOp op, RelFileLocator rlocator, int fd, off_t offset, const struct iovec *iov, int niov)
{
	Vector		rest;
	ssize_t		done = 0;

	vector_set(&rest, iov, niov);
	while (rest.first < rest.niov)
	{
		ssize_t		n = transfer(&rest, op, rlocator, fd, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 && op == PS_FAULT_WRITE)
			return -ENOSPC;
		done += n;

		/* A direct read ends at an odd byte only where the file does. */
		if (n == 0 || (op == PS_FAULT_READ && n % PS_IO_ALIGN != 0))
			break;
		vector_advance(&rest, n);
	}
	return done;
}

ssize_t
ps_transfer_read(RelFileLocator rlocator, int fd, off_t offset, const struct iovec *iov, int niov)
{
	return transfer_all(PS_FAULT_READ, rlocator, fd, offset, iov, niov);
}

ssize_t
ps_transfer_write(RelFileLocator rlocator, int fd, off_t offset, const struct iovec *iov, int niov)
{
	return transfer_all(PS_FAULT_WRITE, rlocator, fd, offset, iov, niov);
}

void
ps_transfer_writes(int fd, PsIoWrite *writes, int n)
{
	for (PsIoWrite *write = writes; write < writes + n; write++)
	{
		struct iovec iov = {write->bytes, (size_t) write->npages * BLCKSZ};

		write->result = ps_transfer_write(write->rlocator, fd, ps_segment_offset(write->block), &iov, 1);
	}
}
