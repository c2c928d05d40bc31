/*
 * file.c
 *		Relation segments opened O_DIRECT: reading, writing, syncing.
 *
 * Descriptors are core's virtual ones (fd.c), so that they count against
 * max_files_per_process and may be closed and reopened behind our back.  A
 * process keeps those it used in a small hash.  Which of them have become
 * doubtful it reads in a shared ring of notices (ps_file_invalidate()); one
 * that has fallen behind by more than the ring drops them all.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_tablespace_d.h"
#include "common/relpath.h"
#include "debug/fault.h"
#include "io/internal.h"
#include "io/segment.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/backendid.h"
#include "storage/fd.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "storage/shmem.h"
#include "storage/sinval.h"
#include "storage/sinvaladt.h"
#include "storage/smgr.h"
#include "storage/spin.h"
#include "storage/sync.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define MAX_BUFFERED_TABLESPACES 64
#define MAX_OPEN_SEGMENTS 4096
#define NOTICES 256				/* power of two */

typedef struct PsFileShared
{
	pg_atomic_uint64 nnotices;	/* given so far; changed under the mutex */
	slock_t		mutex;			/* protects all below */
	RelFileNode notices[NOTICES];	/* the last of them, number i at i %
									 * NOTICES: whose files have become
									 * doubtful; an invalid oid stands for
									 * all */
	int			nbuffered;
	bool		all_buffered;	/* there were more than the list holds */
	Oid			buffered[MAX_BUFFERED_TABLESPACES]; /* tablespaces without
													 * O_DIRECT */
} PsFileShared;

static PsFileShared *shared;

/* ---- the cache of descriptors ---- */

static HTAB *segments;
static uint64 notices_seen;
static uint32 highest_segno;	/* of all opened so far */

Size
ps_file_shmem_size(void)
{
	return MAXALIGN(sizeof(PsFileShared));
}

void
ps_file_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pagestore files", ps_file_shmem_size(), &found);
	if (!found)
	{
		pg_atomic_init_u64(&shared->nnotices, 0);
		SpinLockInit(&shared->mutex);
		shared->nbuffered = 0;
		shared->all_buffered = false;
	}
}

void
ps_file_invalidate(RelFileNode rnode)
{
	uint64		n;

	SpinLockAcquire(&shared->mutex);
	n = pg_atomic_read_u64(&shared->nnotices);
	shared->notices[n % NOTICES] = rnode;
	pg_atomic_write_u64(&shared->nnotices, n + 1);
	SpinLockRelease(&shared->mutex);
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
	for (BackendId id = 1; id <= MaxBackends; id++)
	{
		PGPROC	   *proc = BackendIdGetProc(id);

		if (proc != NULL && proc != MyProc)
			(void) SendProcSignal(proc->pid, PROCSIG_CATCHUP_INTERRUPT, id);
	}
	ps_file_close_stale();
}

static void
close_segment(PsSegment *segment)
{
	FileClose(segment->file);
	hash_search(segments, &segment->key, HASH_REMOVE, NULL);
}

/* Does the notice speak of this relation? */
static bool
concerns(const RelFileNode *notice, const RelFileNode *rnode)
{
	return (!OidIsValid(notice->spcNode) || notice->spcNode == rnode->spcNode) &&
		(!OidIsValid(notice->dbNode) || notice->dbNode == rnode->dbNode) &&
		(!OidIsValid(notice->relNode) || notice->relNode == rnode->relNode);
}

static void
close_segments(const RelFileNode *notice)
{
	HASH_SEQ_STATUS status;
	PsSegment  *segment;

	hash_seq_init(&status, segments);
	while ((segment = hash_seq_search(&status)) != NULL)
		if (concerns(notice, &segment->key.rnode))
			close_segment(segment);
}

/* The same for one relation, without a look at all that is open. */
static void
close_relation(const RelFileNode *rnode)
{
	for (uint32 segno = 0; segno <= highest_segno; segno++)
	{
		PsSegmentKey key = {*rnode, segno};
		PsSegment  *segment = hash_search(segments, &key, HASH_FIND, NULL);

		if (segment)
			close_segment(segment);
	}
}

static void
heed_notices(void)
{
	const RelFileNode all = {InvalidOid, InvalidOid, InvalidOid};
	RelFileNode fresh[NOTICES];
	uint64		given;
	int			n = 0;

	SpinLockAcquire(&shared->mutex);
	given = pg_atomic_read_u64(&shared->nnotices);
	if (given - notices_seen <= NOTICES)
		while (notices_seen + n < given)
		{
			fresh[n] = shared->notices[(notices_seen + n) % NOTICES];
			n++;
		}
	else
		fresh[n++] = all;
	SpinLockRelease(&shared->mutex);

	notices_seen = given;
	for (int i = 0; i < n && hash_get_num_entries(segments) > 0; i++)
		if (OidIsValid(fresh[i].relNode))
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
		notices_seen = pg_atomic_read_u64(&shared->nnotices);
	}
	if (unlikely(notices_seen != pg_atomic_read_u64(&shared->nnotices)))
		heed_notices();
	if (unlikely(hash_get_num_entries(segments) >= MAX_OPEN_SEGMENTS))
		close_segments(&(RelFileNode) {InvalidOid, InvalidOid, InvalidOid});
}

/* Only what is stale is closed, and no caller of this file lets invalidations in while it uses a descriptor. */
static void
at_invalidation(Datum arg, int cache, uint32 hash)
{
	if (segments != NULL)
		ps_file_close_stale();
}

/* mutex held */
static bool
is_listed(Oid tablespace)
{
	if (shared->all_buffered)
		return true;
	for (int i = 0; i < shared->nbuffered; i++)
		if (shared->buffered[i] == tablespace)
			return true;
	return false;
}

static bool
tablespace_is_buffered(Oid tablespace)
{
	bool		result;

	SpinLockAcquire(&shared->mutex);
	result = is_listed(tablespace);
	SpinLockRelease(&shared->mutex);
	return result;
}

/* A file refused O_DIRECT: from now on every process opens the tablespace's files buffered. */
static void
refuses_direct(Oid tablespace, const char *path)
{
	bool		is_news;
	bool		too_many = false;

	SpinLockAcquire(&shared->mutex);
	is_news = !is_listed(tablespace);
	if (is_news && shared->nbuffered == MAX_BUFFERED_TABLESPACES)
		shared->all_buffered = too_many = true;
	else if (is_news)
		shared->buffered[shared->nbuffered++] = tablespace;
	SpinLockRelease(&shared->mutex);

	if (!is_news)
		return;
	ps_file_invalidate((RelFileNode) {tablespace, InvalidOid, InvalidOid});
	ereport(LOG,
			(errmsg("file system of tablespace %u refuses direct I/O: using buffered I/O there",
					tablespace),
			 errdetail("The file was \"%s\".", path)));
	if (too_many)
		ereport(LOG,
				(errmsg("more than %d tablespaces refuse direct I/O: using buffered I/O in all",
						MAX_BUFFERED_TABLESPACES)));
}

static File
open_file(const char *path, RelFileNode rnode, int flags, bool *direct)
{
	File		file;

	*direct = !tablespace_is_buffered(rnode.spcNode);
	if (*direct)
	{
		errno = ps_fault(PS_FAULT_OPEN, rnode, NULL);
		file = errno != 0 ? -1 : PathNameOpenFile(path, O_RDWR | PG_BINARY | PG_O_DIRECT | flags);
		if (file >= 0 || errno != EINVAL)
			return file;
		refuses_direct(rnode.spcNode, path);
		*direct = false;
	}
	return PathNameOpenFile(path, O_RDWR | PG_BINARY | flags);
}

static char *
segment_path(RelFileNode rnode, uint32 segno)
{
	char	   *base = relpathperm(rnode, MAIN_FORKNUM);
	char	   *path;

	if (segno == 0)
		return base;
	path = psprintf("%s.%u", base, segno);
	pfree(base);
	return path;
}

PsSegment *
ps_segment_open(RelFileNode rnode, uint32 segno, int flags)
{
	PsSegmentKey key = {rnode, segno};
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
		close_segment(segment);
	}

	path = segment_path(rnode, segno);
	file = open_file(path, rnode, flags, &direct);
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
ps_segment_of_block(RelFileNode rnode, BlockNumber block, int flags, int elevel, bool missing_ok)
{
	PsSegment  *segment = ps_segment_open(rnode, block / RELSEG_SIZE, flags);

	if (segment == NULL && !(missing_ok && errno == ENOENT))
	{
		int			save_errno = errno;
		char	   *path = segment_path(rnode, block / RELSEG_SIZE);

		errno = save_errno;
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" (target block %u): %m", path, block)));
	}
	return segment;
}

int
ps_file_fd(RelFileNode rnode, BlockNumber block, off_t *offset, bool missing_ok)
{
	PsSegment  *segment = ps_segment_of_block(rnode, block, 0, ERROR, missing_ok);

	if (segment == NULL)
	{
		errno = ENOENT;
		return -1;
	}
	*offset = ps_segment_offset(block);
	return FileGetRawDesc(segment->file);
}

/* ---- reading and writing ---- */

/* A vector being worked off: transfers may be short. */
typedef struct Vector
{
	struct iovec iov[PS_IO_MAX_PAGES];
	int			niov;
	int			first;			/* what is left begins here */
} Vector;

static void
vector_set(Vector *vector, const struct iovec *iov, int niov)
{
	Assert(niov > 0 && niov <= PS_IO_MAX_PAGES);
	for (int i = 0; i < niov; i++)
		Assert((uintptr_t) iov[i].iov_base % PS_IO_ALIGN == 0 && iov[i].iov_len % PS_IO_ALIGN == 0);
	memcpy(vector->iov, iov, niov * sizeof(struct iovec));
	vector->niov = niov;
	vector->first = 0;
}

static void
vector_advance(Vector *vector, size_t bytes)
{
	while (bytes > 0)
	{
		struct iovec *head = &vector->iov[vector->first];
		size_t		part = Min(bytes, head->iov_len);

		head->iov_base = (char *) head->iov_base + part;
		head->iov_len -= part;
		bytes -= part;
		if (head->iov_len == 0)
			vector->first++;
	}
}

/* One transfer of what is left, or of less; a fault that a test has put in strikes here. */
static ssize_t
transfer(const Vector *rest, PsFaultOp op, RelFileNode rnode, int fd, off_t offset)
{
	const struct iovec *iov = &rest->iov[rest->first];
	int			niov = rest->niov - rest->first;
	struct iovec part = *iov;
	Size		bytes = SIZE_MAX;
	ssize_t		n;

	errno = ps_fault(op, rnode, &bytes);
	if (errno != 0)
		return -1;
	if (bytes < part.iov_len)
	{
		part.iov_len = bytes;
		iov = &part;
		niov = 1;
	}

	pgstat_report_wait_start(op == PS_FAULT_READ ? WAIT_EVENT_DATA_FILE_READ : WAIT_EVENT_DATA_FILE_WRITE);
	n = op == PS_FAULT_READ ? preadv(fd, iov, niov, offset) : pwritev(fd, iov, niov, offset);
	pgstat_report_wait_end();
	return n;
}

ssize_t
ps_file_read_raw(RelFileNode rnode, int fd, off_t offset, const struct iovec *iov, int niov)
{
	Vector		rest;
	ssize_t		done = 0;

	vector_set(&rest, iov, niov);
	while (rest.first < rest.niov)
	{
		ssize_t		n = transfer(&rest, PS_FAULT_READ, rnode, fd, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += n;

		/* A direct read ends at an odd byte only where the file does. */
		if (n % PS_IO_ALIGN != 0)
			break;
		vector_advance(&rest, n);
	}
	return done;
}

int
ps_file_read(RelFileNode rnode, BlockNumber block, int npages,
			 struct iovec *iov, int niov)
{
	for (;;)
	{
		PsSegment  *segment = ps_segment_of_block(rnode, block, 0, ERROR, false);
		ssize_t		n;

		Assert(ps_file_run(block, npages) == npages);
		n = ps_file_read_raw(rnode, FileGetRawDesc(segment->file), ps_segment_offset(block), iov, niov);
		if (n >= 0)
			return n / BLCKSZ;
		if (n == -EINVAL && segment->direct)
		{
			refuses_direct(rnode.spcNode, FilePathName(segment->file));
			close_segment(segment);
			continue;
		}
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

/* The file is there, linked, and reaches beyond the request. */
static bool
segment_holds(PsSegment *segment, off_t end)
{
	struct stat st;

	if (fstat(FileGetRawDesc(segment->file), &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", FilePathName(segment->file))));
	if (st.st_nlink == 0)
	{
		close_segment(segment);
		return false;
	}
	return st.st_size >= end;
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
segment_is_gone(RelFileNode rnode, uint32 segno)
{
	char	   *path;
	char	   *directory;
	int			fd;
	struct stat st;
	bool		gone;

	if (tablespace_is_gone(rnode.spcNode))
		return true;

	path = segment_path(rnode, segno);
	directory = GetDatabasePath(rnode.dbNode, rnode.spcNode);
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

static ssize_t
write_vector(RelFileNode rnode, int fd, off_t offset, const struct iovec *iov, int niov)
{
	Vector		rest;
	ssize_t		done = 0;

	vector_set(&rest, iov, niov);
	while (rest.first < rest.niov)
	{
		ssize_t		n = transfer(&rest, PS_FAULT_WRITE, rnode, fd, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOSPC;
		done += n;
		vector_advance(&rest, n);
	}
	return done;
}

bool
ps_file_write(RelFileNode rnode, BlockNumber block, int npages,
			  struct iovec *iov, int niov, int elevel)
{
	for (;;)
	{
		PsSegment  *segment = ps_segment_of_block(rnode, block, 0, elevel, true);
		off_t		offset = ps_segment_offset(block);
		ssize_t		n;

		Assert(elevel >= ERROR);
		Assert(ps_file_run(block, npages) == npages);
		if (segment == NULL)
		{
			if (segment_is_gone(rnode, block / RELSEG_SIZE))
				return false;
			continue;
		}
		if (!segment_holds(segment, offset + (off_t) npages * BLCKSZ))
			return false;
		n = write_vector(rnode, FileGetRawDesc(segment->file), offset, iov, niov);
		if (n >= 0)
			return true;
		if (n == -EINVAL && segment->direct)
		{
			refuses_direct(rnode.spcNode, FilePathName(segment->file));
			close_segment(segment);
			continue;
		}
		errno = -n;
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not write blocks %u to %u in file \"%s\": %m",
						block, block + npages - 1, FilePathName(segment->file)),
				 n == -ENOSPC ? errhint("Check free disk space.") : 0));
	}
}

/* ---- syncing ---- */

void
ps_file_request_sync(RelFileNode rnode, BlockNumber block)
{
	FileTag		tag;

	/* the tag is a hash key: no stray bytes in its padding */
	memset(&tag, 0, sizeof(tag));
	tag.handler = SYNC_HANDLER_MD;
	tag.forknum = MAIN_FORKNUM;
	tag.rnode = rnode;
	tag.segno = block / RELSEG_SIZE;
	if (!RegisterSyncRequest(&tag, SYNC_REQUEST, false))
		ps_file_sync_now(rnode, block);
}

void
ps_file_sync_now(RelFileNode rnode, BlockNumber block)
{
	PsSegment  *segment = ps_segment_of_block(rnode, block, 0, data_sync_elevel(ERROR), true);

	if (segment == NULL)
		return;
	errno = ps_fault(PS_FAULT_FSYNC, rnode, NULL);
	if (errno != 0 || FileSync(segment->file, WAIT_EVENT_DATA_FILE_SYNC) < 0)
		ereport(data_sync_elevel(ERROR),
				(errcode_for_file_access(),
				 errmsg("could not fsync file \"%s\": %m", FilePathName(segment->file))));
}

/* ---- the whole relation ---- */

BlockNumber
ps_file_nblocks(Relation rel)
{
	return smgrnblocks(RelationGetSmgr(rel), MAIN_FORKNUM);
}

void
ps_file_drop_page_cache(RelFileNode rnode)
{
	PsSegment  *segment;

	for (uint32 segno = 0; (segment = ps_segment_open(rnode, segno, 0)) != NULL; segno++)
		(void) posix_fadvise(FileGetRawDesc(segment->file), 0, 0, POSIX_FADV_DONTNEED);
}

/* ---- set-up of the io layer ---- */

Size
ps_io_shmem_size(void)
{
	return add_size(ps_file_shmem_size(), ps_aio_shmem_size());
}

void
ps_io_init_hooks(void)
{
	CacheRegisterSyscacheCallback(DATABASEOID, at_invalidation, (Datum) 0);
}

void
ps_io_shmem_init(bool found)
{
	ps_file_shmem_init();
	ps_aio_shmem_init();
}
