/*
 * disk.c
 *		What the disk gives to direct reads, with nothing in between.
 *
 * disk FILE sequential|random SECONDS: adjacent pieces of 512 kB, 8 in flight,
 * or pages of 8 kB all over the file, 64 in flight.  Prints megabytes, or
 * reads, a second.
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

#define MOST 64

static int	fd;
static off_t nparts;			/* of the file */
static size_t part;				/* bytes of a request */
static int	is_random;
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

static void
start(uintptr_t buffer)
{
	static off_t next = 0;
	off_t		which = is_random ? lrand48() % nparts : next++ % nparts;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_read(sqe, fd, memory + buffer * part, part, which * part);
	io_uring_sqe_set_data(sqe, (void *) buffer);
	if (io_uring_submit(&ring) < 0)
		fail("io_uring_submit");
}

int
main(int argc, char **argv)
{
	struct stat st;
	struct io_uring_cqe *cqe;
	double		begin,
				end;
	long		done = 0;
	int			depth;

	if (argc != 4)
	{
		fprintf(stderr, "disk FILE sequential|random SECONDS\n");
		return 2;
	}
	is_random = strcmp(argv[2], "random") == 0;
	part = is_random ? 8192 : 512 * 1024;
	depth = is_random ? MOST : 8;
	fd = open(argv[1], O_RDONLY | O_DIRECT);
	if (fd < 0 || fstat(fd, &st) != 0)
		fail(argv[1]);
	nparts = st.st_size / part;
	memory = mmap(NULL, depth * part + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("mmap");

	/* in huge pages, as the fastest reads of a server are */
	memory = (char *) (((uintptr_t) memory + (2 << 20) - 1) & ~(uintptr_t) ((2 << 20) - 1));
	(void) madvise(memory, depth * part, MADV_HUGEPAGE);
	memset(memory, 0, depth * part);
	if (nparts == 0 || io_uring_queue_init(MOST, &ring, 0) < 0)
		fail("io_uring_queue_init");

	begin = now();
	end = begin + atof(argv[3]);
	for (int i = 0; i < depth; i++)
		start(i);
	do
	{
		uintptr_t	buffer;

		if (io_uring_wait_cqe(&ring, &cqe) != 0 || cqe->res != (int) part)
			fail("read");
		buffer = (uintptr_t) io_uring_cqe_get_data(cqe);
		io_uring_cqe_seen(&ring, cqe);
		done++;
		start(buffer);
	} while (now() < end);
	end = now();
	printf("%.0f\n", is_random ? done / (end - begin) : done * (double) part / 1048576 / (end - begin));
	return 0;
}
