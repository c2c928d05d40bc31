/*
 * extend.c
 *		Growth of a relation's main fork.
 *
 * Users, and PostgreSQL's own tests, see a table's size grow page by page; the
 * disk is asked for space in larger steps behind that size.  Growing by
 * ftruncate() within allocated space costs 0.5 us per page, a buffered write of
 * zeroes, as heap does, 2.3 us, a direct one 66 us.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debug/fault.h"
#include "io/extend.h"
#include "io/file.h"
#include "io/segment.h"
#include "pgstat.h"
#include "port/pg_bitutils.h"
#include "server/compat.h"
#include "storage/smgr.h"
#include "utils/wait_event.h"

#define MAX_STEP ((off_t) 8 * 1024 * 1024)

static void
report_no_space(PsSegment *segment)
{
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not extend file \"%s\": %m", FilePathName(segment->file)),
			 errhint("Check free disk space.")));
}

/* How far to allocate when a segment of a relation of this many bytes grows to size. */
static off_t
allocation_end(off_t relation_bytes, off_t size)
{
	off_t		step = Max(relation_bytes / 4, BLCKSZ);
	off_t		end;

	step = Min((off_t) 1 << pg_leftmost_one_pos64(step), MAX_STEP);
	end = (size + step - 1) / step * step;
	return Min(end, (off_t) RELSEG_SIZE * BLCKSZ);
}

static int
allocate(RelFileLocator rlocator, int fd, off_t from, off_t to)
{
	int			rc;

	errno = ps_fault(PS_FAULT_EXTEND, rlocator, NULL);
	if (errno != 0)
		return -1;

	do
	{
		pgstat_report_wait_start(WAIT_EVENT_DATA_FILE_EXTEND);
		rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, from, to - from);
		pgstat_report_wait_end();
	} while (rc != 0 && errno == EINTR);
	return rc;
}

/* Where the file system cannot allocate, zeroes take the space (and grow the file). */
static void
write_zeroes(PsSegment *segment, off_t from, off_t to)
{
	static char zeroes[16 * BLCKSZ] __attribute__((aligned(PS_IO_ALIGN)));

	while (from < to)
	{
		int			part = Min(to - from, sizeof(zeroes));
		int			n;

		errno = 0;
		n = FileWrite(segment->file, zeroes, part, from, WAIT_EVENT_DATA_FILE_EXTEND);
		if (n < part)
		{
			if (errno == 0)
				errno = ENOSPC;
			report_no_space(segment);
		}
		from += part;
	}
}

/* Make sure that the disk has room for the bytes [from, to) of the segment. */
static void
ensure_allocated(PsSegment *segment, off_t relation_bytes, off_t from, off_t to)
{
	int			fd = FileGetRawDesc(segment->file);
	off_t		end;

	if (segment->seen > from)
		segment->allocated = 0; /* truncated since, and its allocation with it */
	if (to <= segment->allocated)
		return;

	end = allocation_end(relation_bytes, to);
	if (allocate(segment->key.rlocator, fd, from, end) == 0)
		segment->allocated = end;
	else if (errno == EOPNOTSUPP || errno == ENOSYS)
		write_zeroes(segment, from, to);
	else if (allocate(segment->key.rlocator, fd, from, to) == 0)
		segment->allocated = to;	/* the disk is nearly full: only what is
									 * needed */
	else
		report_no_space(segment);
}

/*
 * Bytes of a torn page at the end, left by a crash, are no block of the
 * relation: they must not reappear in the page that grows there.
 */
static void
trim_torn_tail(PsSegment *segment, off_t size)
{
	off_t		actual = FileSize(segment->file);

	if (actual == size)
		return;
	if (actual < size || actual - size >= BLCKSZ)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unexpected size of file \"%s\": %lld bytes instead of %lld",
						FilePathName(segment->file), (long long) actual, (long long) size)));
	if (FileTruncate(segment->file, size, WAIT_EVENT_DATA_FILE_TRUNCATE) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not truncate file \"%s\": %m", FilePathName(segment->file))));
	segment->allocated = 0;
}

/* Grow one segment by npages pages at block. */
static void
grow_segment(RelFileLocator rlocator, BlockNumber block, int npages)
{
	off_t		from = ps_segment_offset(block);
	off_t		to = from + (off_t) npages * BLCKSZ;
	PsSegment  *segment;

	/* the first segment was made with the relation's storage */
	segment = ps_segment_of_block(rlocator, block, from == 0 && block > 0 ? O_CREAT : 0, ERROR, false);
	trim_torn_tail(segment, from);
	ensure_allocated(segment, (off_t) block * BLCKSZ, from, to);
	if (FileTruncate(segment->file, to, WAIT_EVENT_DATA_FILE_EXTEND) != 0)
		report_no_space(segment);
	segment->seen = to;
	if (from == 0)
		ps_file_request_sync(rlocator, block);
}

BlockNumber
ps_file_extend(Relation rel, BlockNumber n)
{
	BlockNumber first = ps_file_nblocks(rel);
	BlockNumber block = first;

	/* the last number, InvalidBlockNumber, names no block */
	if (n >= InvalidBlockNumber - first)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot extend relation %s beyond %u blocks",
						relpathperm(rel->rd_locator, MAIN_FORKNUM).str, InvalidBlockNumber)));

	while (n > 0)
	{
		int			part = ps_file_run(block, Min(n, MAX_STEP / BLCKSZ));

		grow_segment(rel->rd_locator, block, part);
		block += part;
		n -= part;
	}
	return first;
}
