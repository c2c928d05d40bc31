/*
 * aio.h
 *		Asynchronous reads, io_uring or sync, behind one interface.
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
#include "utils/guc.h"

typedef enum PsIoMethod
{
	PS_IO_SYNC,
	PS_IO_URING
} PsIoMethod;

/* GUC pagestore.io_method (PGC_POSTMASTER), registered in pagestore.c */
extern int	ps_io_method;
extern const struct config_enum_entry ps_io_method_options[];

/* Set before shared memory is made: every read is to be over when it returns (frames are protected from the kernel). */
extern bool ps_aio_force_sync;

/* What is really in use: SYNC where io_uring was refused; the reason, or NULL. */
extern PsIoMethod ps_aio_method(void);
extern const char *ps_aio_fallback_reason(void);

/* Names one request of one generation; all zero: none. */
typedef struct PsAioRef
{
	uint32		id;				/* index + 1 */
	uint32		generation;
} PsAioRef;

#define PS_AIO_NONE ((PsAioRef) {0, 0})

/*
 * Completion of a read into pool frames; called exactly once, in whichever
 * process reaps it, never in a critical section of its own, and must not
 * throw.  It runs with a lock of the ring held: it calls nothing of aio.h and
 * takes no lock under which another process may call ps_aio_read(),
 * ps_aio_done() or ps_aio_wait().  cookies are those of the submission; result
 * is bytes read (short at the end of the file) or -errno; what is missing is
 * for the pool to read again synchronously.
 */
typedef void (*PsAioFrameDone) (const uint32 *cookies, int ncookies, ssize_t result);
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
typedef void (*PsAioPrepare) (PsAioRef ref, const uint32 *cookies, int ncookies);
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

#endif							/* PAGESTORE_IO_AIO_H */
