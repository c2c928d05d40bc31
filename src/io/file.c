/*
 * file.c
 *		A relation's main fork: reading, writing, syncing.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_tablespace_d.h"
#include "common/relpath.h"
#include "debug/fault.h"
#include "io/file.h"
#include "io/segment.h"
#include "io/transfer.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/smgr.h"
#include "storage/sync.h"
#include "utils/wait_event.h"

int
ps_file_fd(RelFileLocator rlocator, BlockNumber block, bool missing_ok)
{
	PsSegment  *segment = ps_segment_of_block(rlocator, block, 0, ERROR, missing_ok);

	if (segment == NULL)
	{
		errno = ENOENT;
		return -1;
	}
	return FileGetRawDesc(segment->file);
}

/* ---- reading and writing ---- */

int
ps_file_read(RelFileLocator rlocator, BlockNumber block, int npages,
			 struct iovec *iov, int niov)
{
	for (;;)
	{
		PsSegment  *segment = ps_segment_of_block(rlocator, block, 0, ERROR, false);
		ssize_t		n;

		Assert(ps_file_run(block, npages) == npages);
		n = ps_transfer_read(rlocator, FileGetRawDesc(segment->file), ps_segment_offset(block), iov, niov);
		if (n >= 0)
			return n / BLCKSZ;
		if (ps_segment_refuses_direct(segment, n))
			continue;
		errno = -n;
		ereport(ERROR,
				(errcode_for_file_access(),
				 npages == 1 ?
				 errmsg("could not read block %u in file \"%s\": %m",
						block, FilePathName(segment->file)) :
				 errmsg("could not read blocks %u to %u in file \"%s\": %m",
						block, block + npages - 1, FilePathName(segment->file))));
	}
}

/*
 * Is the file there, linked, and does it reach beyond the request?  1 or 0; -1
 * with errno if that can't be told.
 */
static int
segment_holds(PsSegment *segment, off_t end)
{
	struct stat st;

	if (fstat(FileGetRawDesc(segment->file), &st) != 0)
		return -1;
	if (st.st_nlink == 0)
	{
		ps_segment_close(segment);
		return 0;
	}
	return st.st_size >= end;
}

int
ps_file_fd_for_writes(RelFileLocator rlocator, BlockNumber first, BlockNumber last)
{
	PsSegment  *segment = ps_segment_open(rlocator, first / RELSEG_SIZE, 0);

	Assert(last / RELSEG_SIZE == first / RELSEG_SIZE);
	if (segment == NULL || segment_holds(segment, ps_segment_offset(last) + BLCKSZ) <= 0)
		return -1;
	return FileGetRawDesc(segment->file);
}

/* A tablespace without its link has been dropped, and was empty. */
static bool
tablespace_is_gone(Oid tablespace)
{
	char		link[MAXPGPATH];
	struct stat st;

	if (tablespace == DEFAULTTABLESPACE_OID || tablespace == GLOBALTABLESPACE_OID)
		return false;
	snprintf(link, sizeof(link), "pg_tblspc/%u", tablespace);
	return lstat(link, &st) != 0 && errno == ENOENT;
}

/*
 * A segment could not be found: is it gone?  Its directory must be at hand to
 * tell: a directory that is missing may be unmounted or renamed, and return.
 * (Nobody removes one that has files with pages still to be written.)
 */
static bool
segment_is_gone(RelFileLocator rlocator, uint32 segno)
{
	char	   *path;
	char	   *directory;
	int			fd;
	struct stat st;
	bool		gone;

	if (tablespace_is_gone(rlocator.spcOid))
		return true;

	path = ps_segment_path(rlocator, segno);
	directory = GetDatabasePath(rlocator.dbOid, rlocator.spcOid);
	fd = OpenTransientFile(directory, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open directory \"%s\": %m", directory),
				 errdetail("Pages of file \"%s\" wait to be written there.", path)));
	gone = fstatat(fd, last_dir_separator(path) + 1, &st, 0) != 0 && errno == ENOENT;
	CloseTransientFile(fd);
	pfree(directory);
	pfree(path);
	return gone;
}

bool
ps_file_write(RelFileLocator rlocator, BlockNumber block, int npages,
			  struct iovec *iov, int niov, int elevel)
{
	for (;;)
	{
		PsSegment  *segment = ps_segment_of_block(rlocator, block, 0, elevel, true);
		off_t		offset = ps_segment_offset(block);
		int			holds;
		ssize_t		n;

		Assert(elevel >= ERROR);
		Assert(ps_file_run(block, npages) == npages);
		if (segment == NULL)
		{
			if (segment_is_gone(rlocator, block / RELSEG_SIZE))
				return false;
			continue;
		}
		holds = segment_holds(segment, offset + (off_t) npages * BLCKSZ);
		if (holds < 0)
			ereport(elevel,
					(errcode_for_file_access(),
					 errmsg("could not stat file \"%s\": %m", FilePathName(segment->file))));
		if (holds == 0)
			return false;
		n = ps_transfer_write(rlocator, FileGetRawDesc(segment->file), offset, iov, niov);
		if (n >= 0)
			return true;
		if (ps_segment_refuses_direct(segment, n))
			continue;
		errno = -n;
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not write blocks %u to %u in file \"%s\": %m",
						block, block + npages - 1, FilePathName(segment->file)),
				 n == -ENOSPC ? errhint("Check free disk space.") : 0));
	}
}

/* ---- syncing ---- */

static void
sync_now(RelFileLocator rlocator, BlockNumber block)
{
	PsSegment  *segment = ps_segment_of_block(rlocator, block, 0, data_sync_elevel(ERROR), true);

	if (segment == NULL)
		return;
	errno = ps_fault(PS_FAULT_FSYNC, rlocator, NULL);
	if (errno != 0 || FileSync(segment->file, WAIT_EVENT_DATA_FILE_SYNC) < 0)
		ereport(data_sync_elevel(ERROR),
				(errcode_for_file_access(),
				 errmsg("could not fsync file \"%s\": %m", FilePathName(segment->file))));
}

void
ps_file_request_sync(RelFileLocator rlocator, BlockNumber block)
{
	FileTag		tag;

	/* the tag is a hash key: no stray bytes in its padding */
	memset(&tag, 0, sizeof(tag));
	tag.handler = SYNC_HANDLER_MD;
	tag.forknum = MAIN_FORKNUM;
	tag.rlocator = rlocator;
	tag.segno = block / RELSEG_SIZE;
	if (!RegisterSyncRequest(&tag, SYNC_REQUEST, false))
		sync_now(rlocator, block);
}

/* ---- the whole relation ---- */

BlockNumber
ps_file_nblocks(Relation rel)
{
	return smgrnblocks(RelationGetSmgr(rel), MAIN_FORKNUM);
}

void
ps_file_drop_page_cache(RelFileLocator rlocator)
{
	PsSegment  *segment;

	for (uint32 segno = 0; (segment = ps_segment_open(rlocator, segno, 0)) != NULL; segno++)
		(void) posix_fadvise(FileGetRawDesc(segment->file), 0, 0, POSIX_FADV_DONTNEED);
}
