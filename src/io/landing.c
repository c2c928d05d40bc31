/*
 * landing.c
 *		Writes that may still land although their process has gone.
 *
 * The lock is one of flock(2) on a directory that every cluster has.  It
 * belongs to the open file, not to a process.  A file that is registered with
 * a ring is given back with the ring's memory, which the kernel frees when the
 * last request has ended, however long after the last process that had the
 * ring.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/landing.h"

#define PLACE "global"

#define LOOK 10					/* milliseconds between looks */
#define TOLD_AFTER 100			/* looks */

/* Found out by the postmaster, from which all processes inherit it. */
static bool works = false;

static int
lock_place(int how)
{
	int			fd = open(PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int			rc;

	if (fd < 0)
		return -1;
	do
	{
		rc = flock(fd, how | LOCK_NB);
	} while (rc != 0 && errno == EINTR);
	if (rc != 0)
	{
		int			save_errno = errno;

		close(fd);
		errno = save_errno;
		return -1;
	}
	return fd;
}

void
ps_landing_await(void)
{
	int			fd;

	for (int looks = 1; (fd = lock_place(LOCK_EX)) < 0 && errno == EWOULDBLOCK; looks++)
	{
		if (looks == TOLD_AFTER)
			ereport(LOG,
					(errmsg("waiting for writes of pagestore tables by processes that have ended"),
					 errdetail("The disk has not taken them yet; recovery must not begin before.")));
		pg_usleep(LOOK * 1000L);
	}
	works = fd >= 0;
	if (works)
		close(fd);
	else
		ereport(LOG,
				(errmsg("could not lock directory \"%s\": %m", PLACE),
				 errdetail("Pages of pagestore tables are written one at a time.")));
}

int
ps_landing_hold(void)
{
	if (works)
		return lock_place(LOCK_SH);
	errno = ENOLCK;
	return -1;
}
