/*
 * transfer.h
 *		preadv() and pwritev() until all is done.
 */
#ifndef PAGESTORE_IO_TRANSFER_H
#define PAGESTORE_IO_TRANSFER_H

#include "postgres.h"
#include "io/request.h"
#include "server/compat.h"
#include <sys/uio.h>

/*
 * Bytes read, or -errno: goes on after a short transfer, until all is read, the
 * file ends, or an error.  iov is aligned to PS_IO_ALIGN and has at most
 * PS_IO_MAX_PAGES entries; rlocator is for faults put in by tests.  Does not
 * throw.
 */
extern ssize_t ps_transfer_read(RelFileLocator rlocator, int fd, off_t offset, const struct iovec *iov, int niov);

/* All bytes written, or -errno: the same for a write, which is whole or an error. */
extern ssize_t ps_transfer_write(RelFileLocator rlocator, int fd, off_t offset, const struct iovec *iov, int niov);

/* One after another, all into the segment fd; each has its result. */
extern void ps_transfer_writes(int fd, PsIoWrite *writes, int n);

#endif							/* PAGESTORE_IO_TRANSFER_H */
