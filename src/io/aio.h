/*
 * aio.h
 *		Reads and writes that go on while their process does something else,
 *		by whichever I/O method.
 *
 * Requests to read live in shared memory and rings are made in the postmaster,
 * so any process can complete any of them: a process that needs a frame under
 * read never depends on the one that asked for it.  Writes concern only the
 * process that has claimed the pages.
 */
#ifndef PAGESTORE_IO_AIO_H
#define PAGESTORE_IO_AIO_H

#include "postgres.h"
#include "io/file.h"
#include "io/request.h"
#include "utils/guc.h"

/* GUC pagestore.io_method (PGC_POSTMASTER), registered in pagestore.c; options: its values, for guc.c */
extern int	ps_io_method;
#define PS_IO_METHOD_DEFAULT 1	/* io_uring's row in aio.c */
extern const struct config_enum_entry *ps_aio_method_options(void);

/*
 * Set before shared memory is made: every request is to be over when it returns
 * (frames are protected from the kernel).
 */
extern bool ps_aio_force_sync;

/*
 * What is really in use: "sync" where what was asked for was refused; the
 * reason, or NULL.  is_async: a read may be under way when ps_aio_read()
 * returns.
 */
extern const char *ps_aio_method_name(void);
extern const char *ps_aio_fallback_reason(void);
extern bool ps_aio_is_async(void);

extern PsAioFrameDone ps_aio_frame_done;	/* set once by the pool */

/*
 * Start one read of npages pages (one segment) into memory of this process's
 * own.  The result is kept for ps_aio_wait(), which must be asked for it
 * exactly once.  Waits for nobody: where no ring takes the request (all slots
 * in use, a queue held, a refusal of the kernel) the read is done at once.
 * Memory must stay until completion.  ereport(ERROR) only before it is started.
 */
extern PsAioRef ps_aio_read(RelFileLocator rlocator, BlockNumber block, int npages,
							const struct iovec *iov, int niov);

/*
 * Start n reads into frames, of one segment, and hand them to the kernel
 * together: one system call, unless rings are short of room.  Completion of
 * each calls ps_aio_frame_done.  prepare is called with the name of each
 * before it can complete, so that its frames can name it; those that are done
 * at once, as above, may not be named.  When it returns nothing is left to be
 * handed over.  False: there is no such file, and nothing was started, as
 * after ereport(ERROR).
 */
extern bool ps_aio_read_frames(RelFileLocator rlocator, PsIoRead *reads, int n, PsAioPrepare prepare);

/* Has it completed?  Reaps what is ready without waiting.  An old ref is done. */
extern bool ps_aio_done(PsAioRef ref);

/*
 * Wait for a request, reaping whatever completes on its ring, but not for long
 * (10 ms): the request may be that of a process that is stopped, without which
 * the kernel completes nothing.  Serves interrupts.  Has it completed?
 */
extern bool ps_aio_wait_slice(PsAioRef ref);

/* Is it still under way after two seconds?  Whoever waits for it had better do without. */
extern bool ps_aio_is_late(PsAioRef ref);

/*
 * Wait until a private request of this process is complete, and take its
 * result: bytes or -errno.  Serves interrupts: may throw, and is then to be
 * called again.
 */
extern ssize_t ps_aio_wait(PsAioRef ref);

/* Reads in flight by the process that asked for them: counts[number of its PGPROC].  For people, without a lock. */
extern void ps_aio_count_reads(uint32 *counts, int n);

/*
 * Start n writes, sorted by relation and block, of which no two overlap nor
 * overlap one in flight; a process has at most PS_IO_MAX_WRITES in flight.
 * Whatever goes wrong is not reported: what is not ps_io_write_is_whole() after
 * ps_aio_write_wait() is to be written by ps_file_write(), which tells the
 * cause.  The caller asks for the fsync.
 */
extern void ps_aio_write(PsIoWrite *writes, int n);

/*
 * Wait until none of them is in flight.  Serves no interrupt, as pwritev() does
 * not, and does not throw.  A process that has started writes must come here
 * before it changes their memory, and before it exits of its own accord.
 */
extern void ps_aio_write_wait(PsIoWrite *writes, int n);

/* Shared memory; init in the postmaster, at each start and crash restart, and where shared memory is attached. */
extern Size ps_aio_shmem_size(void);
extern void ps_aio_shmem_init(void);

#endif							/* PAGESTORE_IO_AIO_H */
