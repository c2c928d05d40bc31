/*
 * uring_queue.h
 *		A ring of io_uring: made, tried, handed requests.
 */
#ifndef PAGESTORE_IO_URING_QUEUE_H
#define PAGESTORE_IO_URING_QUEUE_H

#include "postgres.h"
#include "server/compat.h"
#include <liburing.h>

/* Make a ring that does what is needed of it: 0, or -errno and none is made. */
extern int	ps_uring_make(struct io_uring *uring, unsigned entries, unsigned completions);

/* What that -errno means, for the log. */
extern void ps_uring_explain(int rc, char *reason, Size size);

/*
 * Hand the kernel what has been prepared since the queue was empty.  Returns 0,
 * or -errno if it has not taken all; *left is the number of the last ones that
 * it has not, which are withdrawn: the queue is empty again.  rlocator is for
 * faults put in by tests.
 */
extern int	ps_uring_submit(struct io_uring *uring, RelFileLocator rlocator, unsigned *left);

#endif							/* PAGESTORE_IO_URING_QUEUE_H */
