/*
 * aio.h
 *		Asynchronous reads, by whichever I/O method, behind one interface.
 *
 * Requests live in shared memory and rings are made in the postmaster, so any
 * process can complete any request: a process that needs a frame under read
 * never depends on the one that asked for it.  Only reads are asynchronous;
 * writes are synchronous (file.h), because a request outlives a killed
 * process.
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

/* Set before shared memory is made: every read is to be over when it returns (frames are protected from the kernel). */
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
 * Start one read of npages pages (one segment) into iov.  With cookies (pool
 * frames, one a page), completion calls ps_aio_frame_done; without, the result
 * is kept for ps_aio_wait() by the submitter, which must take it exactly once.
 * prepare, if not NULL, is called with the ref before the request can complete,
 * so that the frames can name it.  Waits for nobody: where no ring takes the
 * request (all slots in use, a queue held, a refusal of the kernel) the read is
 * done at once; frames then may not be named.  Memory must stay until
 * completion.  ereport(ERROR) only before anything was started.
 */
extern PsAioRef ps_aio_read(RelFileNode rnode, BlockNumber block, int npages,
							const struct iovec *iov, int niov,
							const uint32 *cookies, int ncookies,
							PsAioPrepare prepare);

/* Has it completed?  Reaps what is ready without waiting.  An old ref is done. */
extern bool ps_aio_done(PsAioRef ref);

/*
 * Wait for a request, reaping whatever completes on its ring, but not for long
 * (10 ms): the request may be that of a process that is stopped, without which
 * the kernel completes nothing.  Serves interrupts.  Has it completed?
 */
extern bool ps_aio_wait_slice(PsAioRef ref);

/* Is it still under way after two seconds?  Who waits for it had better do without. */
extern bool ps_aio_is_late(PsAioRef ref);

/*
 * Wait until a private request of this process is complete, and take its
 * result: bytes or -errno.  Serves interrupts: may throw, and is then to be
 * called again.
 */
extern ssize_t ps_aio_wait(PsAioRef ref);

/* Shared memory; init in the postmaster, at each start and crash restart, and where shared memory is attached. */
extern Size ps_aio_shmem_size(void);
extern void ps_aio_shmem_init(void);

#endif							/* PAGESTORE_IO_AIO_H */
