/*
 * internal.h
 *		What the files of src/io share with one another.
 */
#ifndef PAGESTORE_IO_INTERNAL_H
#define PAGESTORE_IO_INTERNAL_H

#include "io/aio.h"
#include "io/file.h"

/* Shared memory of each part; the init functions run in the postmaster, at each start and crash restart. */
extern Size ps_file_shmem_size(void);
extern void ps_file_shmem_init(void);
extern Size ps_aio_shmem_size(void);
extern void ps_aio_shmem_init(void);
extern Size ps_uring_shmem_size(void);
extern void ps_uring_shmem_init(int tranche);

/* One read, as the parts hand it on. */
typedef struct PsReadRequest
{
	RelFileNode rnode;
	int			fd;
	off_t		offset;
	int			npages;
	const struct iovec *iov;
	int			niov;
	const uint32 *cookies;		/* NULL: private */
	int			ncookies;
	PsAioPrepare prepare;
} PsReadRequest;

/*
 * preadv until done, the end of the file or an error; never throws.  Returns
 * bytes read or -errno.  (rnode: for faults put in by tests.)
 */
extern ssize_t ps_file_read_raw(RelFileNode rnode, int fd, off_t offset, const struct iovec *iov, int niov);

/* sync.c: reads that are over when they return.  Results of private ones have refs from PS_SYNC_REFS on. */
#define PS_SYNC_REFS	((uint32) 1 << 30)
extern PsAioRef ps_sync_read(const PsReadRequest *read);
extern ssize_t ps_sync_result(PsAioRef ref);

/*
 * io_uring.c: reads through rings.  create returns the number of rings made, 0
 * with the reason; read does the read at once when no ring can take it.
 * done, wait_slice, is_late and wait are ps_aio's; leave ends what a process has there.
 */
extern int	ps_uring_create(char *reason, Size reason_size);
extern PsAioRef ps_uring_read(const PsReadRequest *read);
extern bool ps_uring_done(PsAioRef ref);
extern bool ps_uring_wait_slice(PsAioRef ref);
extern bool ps_uring_is_late(PsAioRef ref);
extern ssize_t ps_uring_wait(PsAioRef ref);
extern void ps_uring_leave(void);

#endif							/* PAGESTORE_IO_INTERNAL_H */
