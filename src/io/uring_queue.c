/*
 * uring_queue.c
 *		A ring of io_uring: made, tried, handed requests.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "debug/fault.h"
#include "io/uring_queue.h"

/* Does the ring do what it is needed for?  A seccomp profile may allow making it and nothing else. */
static int
try_ring(struct io_uring *uring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
	struct io_uring_cqe *cqe;
	int			rc;

	io_uring_prep_nop(sqe);
	rc = io_uring_submit_and_wait(uring, 1);
	if (rc < 0)
		return rc;
	rc = io_uring_peek_cqe(uring, &cqe);
	if (rc == 0)
		io_uring_cqe_seen(uring, cqe);
	return rc;
}

int
ps_uring_make(struct io_uring *uring, unsigned entries, unsigned completions)
{
	/* waits with a timeout, and vectors that need not outlive the submission */
	const unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_NODROP;
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE,.cq_entries = completions};
	int			rc = io_uring_queue_init_params(entries, uring, &params);

	if (rc < 0)
		return rc;
	rc = (params.features & needed) == needed ? try_ring(uring) : -ENOSYS;
	if (rc < 0)
		io_uring_queue_exit(uring);
	return rc;
}

/* Value of kernel.io_uring_disabled; 0 also where there is no such setting. */
static int
sysctl_disabled(void)
{
	char		c = '0';
	int			fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY);

	if (fd >= 0)
	{
		if (read(fd, &c, 1) != 1)
			c = '0';
		close(fd);
	}
	return c - '0';
}

void
ps_uring_explain(int rc, char *reason, Size size)
{
	const char *cause = "";

	if (rc == -EPERM && sysctl_disabled() != 0)
		cause = ": forbidden by the sysctl kernel.io_uring_disabled";
	else if (rc == -EPERM || rc == -EACCES)
		cause = ": forbidden, as by a container's seccomp profile";
	else if (rc == -ENOSYS)
		cause = ": needs a Linux kernel 5.11 or later that has it, and no seccomp profile that hides it";
	else if (rc == -ENOMEM)
		cause = ": RLIMIT_MEMLOCK (ulimit -l) may be too low";
	snprintf(reason, size, "io_uring_setup failed with \"%s\"%s", strerror(-rc), cause);
}

/*
 * What the kernel has taken is told by the head of the queue, which it alone
 * moves.
 */
int
ps_uring_submit(struct io_uring *uring, RelFileLocator rlocator, unsigned *left)
{
	struct io_uring_sq *sq = &uring->sq;
	unsigned	tail = sq->sqe_tail;
	unsigned	before = io_uring_smp_load_acquire(sq->khead);
	unsigned	head;
	int			rc;

	for (;;)
	{
		rc = -ps_fault(PS_FAULT_SUBMIT, rlocator, NULL);
		if (rc == 0)
			rc = io_uring_submit(uring);
		head = io_uring_smp_load_acquire(sq->khead);
		*left = tail - head;
		if (head == tail)
			return 0;
		if (rc != -EINTR && head == before)
			break;
		before = head;
	}
	sq->sqe_head = sq->sqe_tail = head;
	io_uring_smp_store_release(sq->ktail, head);
	return rc < 0 ? rc : -EAGAIN;
}
