/*
 * segment.c
 *		Open segments of main forks.
 *
 * Descriptors are core's virtual ones (fd.c), so that they count against
 * max_files_per_process and may be closed and reopened behind our back.  A
 * process keeps those it used in a small hash.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/relpath.h"
#include "debug/fault.h"
#include "io/direct.h"
#include "io/notice.h"
#include "io/segment.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "server/compat.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "storage/sinval.h"
#include "storage/sinvaladt.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"

#define MAX_OPEN_SEGMENTS 4096

static const RelFileLocator all_relations = {InvalidOid, InvalidOid, InvalidOid};

static HTAB *segments;
static uint32 highest_segno;	/* of all opened so far */

/* ---- closing ---- */

void
ps_segment_close(PsSegment *segment)
{
	FileClose(segment->file);
	hash_search(segments, &segment->key, HASH_REMOVE, NULL);
}

static void
close_segments(const RelFileLocator *notice)
{
	HASH_SEQ_STATUS status;
	PsSegment  *segment;

	hash_seq_init(&status, segments);
	while ((segment = hash_seq_search(&status)) != NULL)
		if (ps_notice_concerns(notice, &segment->key.rlocator))
			ps_segment_close(segment);
}

/* The same for one relation, without a look at all that is open. */
static void
close_relation(const RelFileLocator *rlocator)
{
	for (uint32 segno = 0; segno <= highest_segno; segno++)
	{
		PsSegmentKey key = {*rlocator, segno};
		PsSegment  *segment = hash_search(segments, &key, HASH_FIND, NULL);

		if (segment)
			ps_segment_close(segment);
	}
}

static void
heed_notices(void)
{
	RelFileLocator fresh[PS_NOTICES];
	int			n = ps_notice_take(fresh);

	for (int i = 0; i < n && hash_get_num_entries(segments) > 0; i++)
		if (OidIsValid(fresh[i].relNumber))
			close_relation(&fresh[i]);
		else
			close_segments(&fresh[i]);
}

void
ps_file_close_stale(void)
{
	if (segments == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(PsSegmentKey),.entrysize = sizeof(PsSegment),
		.hcxt = TopMemoryContext};

		segments = hash_create("pagestore segments", 64, &ctl,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		ps_notice_skip();
	}
	if (unlikely(ps_notice_pending()))
		heed_notices();
	if (unlikely(hash_get_num_entries(segments) >= MAX_OPEN_SEGMENTS))
		close_segments(&all_relations);
}

/* Only what is stale is closed, and no caller of this file lets invalidations in while it uses a descriptor. */
static void
at_invalidation(Datum arg, int cache, uint32 hash)
{
	if (segments != NULL)
		ps_file_close_stale();
}

void
ps_segment_init_hooks(void)
{
	CacheRegisterSyscacheCallback(DATABASEOID, at_invalidation, (Datum) 0);
}

/*
 * Nothing wakes an idle process on behalf of an extension, but core wakes one
 * that is far behind with its cache invalidations.  So all are told that they
 * are, and find a message about pg_database, of no row, at which
 * at_invalidation() is called.
 */
void
ps_file_wake_idle(void)
{
	SharedInvalidationMessage message;

	memset(&message, 0, sizeof(message));
	message.cc.id = DATABASEOID;
	SendSharedInvalidMessages(&message, 1);
	for (ProcNumber id = PS_FIRST_PROC_NUMBER; id < PS_FIRST_PROC_NUMBER + MaxBackends; id++)
	{
		PGPROC	   *proc = ProcNumberGetProc(id);

		if (proc != NULL && proc != MyProc)
			(void) SendProcSignal(proc->pid, PROCSIG_CATCHUP_INTERRUPT, id);
	}
	ps_file_close_stale();
}

/* ---- opening ---- */

bool
ps_segment_refuses_direct(PsSegment *segment, ssize_t result)
{
	if (result != -EINVAL || !segment->direct)
		return false;
	ps_direct_refused(segment->key.rlocator.spcOid, FilePathName(segment->file));
	ps_segment_close(segment);
	return true;
}

static File
open_file(const char *path, RelFileLocator rlocator, int flags, bool *direct)
{
	File		file;

	*direct = ps_direct_works(rlocator.spcOid);
	if (*direct)
	{
		errno = ps_fault(PS_FAULT_OPEN, rlocator, NULL);
		file = errno != 0 ? -1 : PathNameOpenFile(path, O_RDWR | PG_BINARY | PG_O_DIRECT | flags);
		if (file >= 0 || errno != EINVAL)
			return file;
		ps_direct_refused(rlocator.spcOid, path);
		*direct = false;
	}
	return PathNameOpenFile(path, O_RDWR | PG_BINARY | flags);
}

char *
ps_segment_path(RelFileLocator rlocator, uint32 segno)
{
	RelPathStr	base = relpathperm(rlocator, MAIN_FORKNUM);

	return segno == 0 ? pstrdup(base.str) : psprintf("%s.%u", base.str, segno);
}

bool
ps_segments_size(RelFileLocator rlocator, BlockNumber *nblocks)
{
	RelPathStr	base = relpathperm(rlocator, MAIN_FORKNUM);
	char		path[MAXPGPATH];
	uint64		bytes = 0;
	uint32		segno = 0;
	struct stat st;

	strlcpy(path, base.str, sizeof(path));
	while (stat(path, &st) == 0)
	{
		bytes += st.st_size;
		snprintf(path, sizeof(path), "%s.%u", base.str, ++segno);
	}
	*nblocks = bytes / BLCKSZ;
	return segno > 0 && errno == ENOENT;
}

PsSegment *
ps_segment_open(RelFileLocator rlocator, uint32 segno, int flags)
{
	PsSegmentKey key = {rlocator, segno};
	PsSegment  *segment;
	char	   *path;
	bool		direct;
	File		file;
	int			save_errno;

	ps_file_close_stale();
	segment = hash_search(segments, &key, HASH_FIND, NULL);
	if (segment)
	{
		/*
		 * What we do with the descriptor fd.c does not see: reading nothing
		 * tells it that the file is in use, and opens it again should it have
		 * been closed for want of descriptors.
		 */
		if (FileRead(segment->file, NULL, 0, 0, WAIT_EVENT_DATA_FILE_READ) == 0)
			return segment;
		ps_segment_close(segment);
	}

	path = ps_segment_path(rlocator, segno);
	file = open_file(path, rlocator, flags, &direct);
	save_errno = errno;
	pfree(path);
	if (file < 0)
	{
		errno = save_errno;
		return NULL;
	}
	segment = hash_search(segments, &key, HASH_ENTER, NULL);
	highest_segno = Max(highest_segno, segno);
	segment->file = file;
	segment->direct = direct;
	segment->allocated = 0;
	segment->seen = 0;
	return segment;
}

PsSegment *
ps_segment_of_block(RelFileLocator rlocator, BlockNumber block, int flags, int elevel, bool missing_ok)
{
	PsSegment  *segment = ps_segment_open(rlocator, block / RELSEG_SIZE, flags);

	if (segment == NULL && !(missing_ok && errno == ENOENT))
	{
		int			save_errno = errno;
		char	   *path = ps_segment_path(rlocator, block / RELSEG_SIZE);

		errno = save_errno;
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" (target block %u): %m", path, block)));
	}
	return segment;
}
