/*
 * internal.h
 *		What the files of src/io share with one another.
 */
#ifndef PAGESTORE_IO_INTERNAL_H
#define PAGESTORE_IO_INTERNAL_H

#include "io/aio.h"
#include "io/file.h"

/* Shared memory of each part; the init functions run in the postmaster, once a start or crash restart. */
extern Size ps_file_shmem_size(void);
extern void ps_file_shmem_init(void);
extern Size ps_aio_shmem_size(void);
extern void ps_aio_shmem_init(void);

/*
 * A file that was opened O_DIRECT refused an aligned request with EINVAL: from now on every process
 * opens the tablespace's files buffered.
 */
extern void ps_file_refuses_direct(Oid tablespace, const char *path);

/*
 * Read npages pages like ps_file_read(), but never throws: returns bytes read, or -errno.
 * For a completion that must be delivered whatever happens.
 */
extern ssize_t ps_file_read_raw(int fd, off_t offset, const struct iovec *iov, int niov);

#endif							/* PAGESTORE_IO_INTERNAL_H */
