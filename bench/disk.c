/*
 * disk.c
 *		What the disk gives to direct reads and writes, with nothing in between.
 *
 * disk FILE sequential|random|scattered SECONDS: reads of adjacent pieces of
 * 512 kB, 8 in flight, or of pages of 8 kB all over the file, 64 in flight; or
 * writes of every second page of 8 kB in its order, 256 in flight, and at the
 * end fdatasync().  Prints megabytes, reads or writes a second.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST 256

typedef struct Work
{
	const char *name;
	size_t		part;			/* bytes of a request */
	unsigned	depth;			/* requests in flight */
	int			open_flags;
} Work;

static const Work works[] = {
	{"sequential", 512 * 1024, 8, O_RDONLY},
	{"random", 8192, 64, O_RDONLY},
	{"scattered", 8192, MOST, O_RDWR}
};

static const Work *work;
static int	fd;
static off_t nparts;			/* of the file */
static char *memory;
static struct io_uring ring;

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static off_t
next_part(void)
{
	static off_t next = 0;

	switch (work - works)
	{
		case 0:
			return next++ % nparts;
		case 1:
			return lrand48() % nparts;
		default:
			return next++ * 2 % nparts;
	}
}

static void
start(uintptr_t buffer)
{
	off_t		offset = next_part() * (off_t) work->part;
	char	   *bytes = memory + buffer * work->part;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (work->open_flags == O_RDONLY)
		io_uring_prep_read(sqe, fd, bytes, work->part, offset);
	else
		io_uring_prep_write(sqe, fd, bytes, work->part, offset);
	io_uring_sqe_set_data(sqe, (void *) buffer);
}

/* What has ended is followed by as much again, in one call. */
static long
turn(void)
{
	struct io_uring_cqe *cqe;
	long		n = 0;

	if (io_uring_wait_cqe(&ring, &cqe) != 0)
		fail("io_uring_wait_cqe");
	while (io_uring_peek_cqe(&ring, &cqe) == 0)
	{
		uintptr_t	buffer = (uintptr_t) io_uring_cqe_get_data(cqe);

		if (cqe->res != (int) work->part)
		{
			fprintf(stderr, "%s: %s\n", work->name, cqe->res < 0 ? strerror(-cqe->res) : "short");
			exit(1);
		}
		io_uring_cqe_seen(&ring, cqe);
		start(buffer);
		n++;
	}
	if (io_uring_submit(&ring) < 0)
		fail("io_uring_submit");
	return n;
}

int
main(int argc, char **argv)
{
	struct stat st;
	size_t		size;
	double		begin,
				end;
	long		done = 0;

	for (const Work *w = works; argc == 4 && w < works + sizeof(works) / sizeof(works[0]); w++)
		if (strcmp(argv[2], w->name) == 0)
			work = w;
	if (work == NULL)
	{
		fprintf(stderr, "disk FILE sequential|random|scattered SECONDS\n");
		return 2;
	}
	fd = open(argv[1], work->open_flags | O_DIRECT);
	if (fd < 0 || fstat(fd, &st) != 0)
		fail(argv[1]);
	nparts = st.st_size / (off_t) work->part;
	size = work->depth * work->part;
	memory = mmap(NULL, size + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("mmap");

	/* in huge pages, as the fastest reads of a server are */
	memory = (char *) (((uintptr_t) memory + (2 << 20) - 1) & ~(uintptr_t) ((2 << 20) - 1));
	(void) madvise(memory, size, MADV_HUGEPAGE);
	memset(memory, 0, size);
	if (nparts == 0 || io_uring_queue_init(MOST, &ring, 0) < 0)
		fail("io_uring_queue_init");

	begin = now();
	end = begin + atof(argv[3]);
	for (unsigned i = 0; i < work->depth; i++)
		start(i);
	if (io_uring_submit(&ring) < 0)
		fail("io_uring_submit");
	do
		done += turn();
	while (now() < end);
	if (work->open_flags != O_RDONLY && fdatasync(fd) != 0)
		fail("fdatasync");
	end = now();
	printf("%.0f\n", strcmp(work->name, "sequential") == 0 ? done * (double) work->part / 1048576 / (end - begin) : done / (end - begin));
	return 0;
}
