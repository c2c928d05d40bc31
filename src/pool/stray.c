/*
 * stray.c
 *		Dirty shared buffers of pages that the pool owns: found, judged,
 *		reported, and never written over what the pool has.
 *
 * A relation that the pool owns has no dirty shared buffer of its main fork:
 * what there was went to the file when it passed the gate, and access methods
 * and checks go through guards.  Code that reads or changes a table behind its
 * access method makes one all the same (a "stray"): it sets a hint bit in the
 * old page that a shared buffer holds, or calls simple_heap_delete().  Core
 * would write that page over the pool's newer one in its own time, and may
 * have logged it already.
 *
 * The sentinel looks at a slice of the buffer headers at each of its ticks,
 * and at all of them when a checkpoint begins to wait for it, before it lets
 * that go, and before it stops.  What it finds is compared with the pool's
 * page, under the locks of both:
 *
 *	- the stray holds nothing that the page does not: it goes;
 *	- the page holds nothing that the stray does not, and what the stray adds
 *	  is new: whoever bypassed the access method began with the present page,
 *	  and the pool takes over what came of it, so that table and indexes agree;
 *	- both hold something: the pool's page stays, which is what everybody has
 *	  seen and committed to, and the stray is saved in a file.
 *
 * In each case the page that results is logged whole: what WAL has of the
 * stray (an image with its hint bits, changes of it) then ends, in recovery
 * and on standbys, with the right page.  It is left dirty in the pool, so that
 * it is also written over a stray that went to disk before we came.
 *
 * What this cannot do: core writes a buffer when it likes, within milliseconds
 * where a scan recycles a small ring of them.  A page that has left the pool
 * by then is read back as the stray left it.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/transam.h"
#include "access/visibilitymap.h"
#include "access/xloginsert.h"
#include "access/xlogutils.h"
#include "common/file_perm.h"
#include "common/relpath.h"
#include "debug/stop.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "pool/latch.h"
#include "pool/pin.h"
#include "pool/read.h"
#include "pool/registry.h"
#include "pool/sentinel_client.h"
#include "pool/stray.h"
#include "server/compat.h"
#include "server/wait.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "storage/fd.h"
#include "storage/shmem.h"
#include "storage/smgr.h"
#include "utils/wait_event.h"

#define SLICES 100				/* calls of ps_stray_check_some() for a round
								 * ... */
#define SLICE_MAX 8192			/* ... or more: a tenth of a millisecond each */
#define TRIES 100				/* to take over changes while the page can't
								 * be moved from under its readers */
#define SAVE_DIRECTORY "pagestore_stray"

typedef enum Verdict
{
	STRAY_NONE,					/* not dirty, or not ours, after all */
	STRAY_LATER,				/* can't be put right now */
	STRAY_STALE,				/* nothing new in it */
	STRAY_AHEAD,				/* all of the page, and more */
	STRAY_APART,				/* each has what the other has not */
	STRAY_UNKNOWN				/* the page can't be read */
} Verdict;

/* Guarded by the owner lock. */
typedef struct StrayShared
{
	TransactionId last_look;	/* next transaction id when the last complete
								 * look at all buffers began ... */
	TransactionId recent;		/* ... and the one before it: strays of older
								 * transactions have been found */
} StrayShared;

static StrayShared *stray;

bool		(*ps_pool_page_contains) (const char *a, const char *b);
bool		(*ps_pool_page_adds_only_since) (const char *a, const char *b, TransactionId xid);

Size
ps_stray_shmem_size(void)
{
	return sizeof(StrayShared);
}

void
ps_stray_shmem_init(void)
{
	bool		found;

	stray = ShmemInitStruct("pagestore strays", sizeof(StrayShared), &found);
	stray->last_look = stray->recent = InvalidTransactionId;
}

/* ---- what is left of it ---- */

/* The file's name is palloc'd. */
static char *
save(const PsTag *tag, const char *page)
{
	XLogRecPtr	lsn = PageGetLSN(unconstify(char *, page));
	char	   *name = psprintf(SAVE_DIRECTORY "/%u_%u_%u_%u_%X_%X", tag->rlocator.spcOid, tag->rlocator.dbOid,
								tag->rlocator.relNumber, tag->block, LSN_FORMAT_ARGS(lsn));
	int			fd;

	if (MakePGDirectory(SAVE_DIRECTORY) < 0 && errno != EEXIST)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create directory \"%s\": %m", SAVE_DIRECTORY)));
	fd = OpenTransientFile(name, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);
	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create file \"%s\": %m", name)));
	errno = 0;
	if (write(fd, page, BLCKSZ) != BLCKSZ)
	{
		if (errno == 0)
			errno = ENOSPC;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", name)));
	}
	if (pg_fsync(fd) != 0)
		ereport(data_sync_elevel(ERROR),
				(errcode_for_file_access(),
				 errmsg("could not fsync file \"%s\": %m", name)));
	CloseTransientFile(fd);
	fsync_fname(SAVE_DIRECTORY, true);
	return name;
}

static void
report(const PsTag *tag, Verdict verdict, const char *saved)
{
	RelPathStr	path = relpathperm(tag->rlocator, MAIN_FORKNUM);

	switch (verdict)
	{
		case STRAY_NONE:
		case STRAY_LATER:
			break;
		case STRAY_STALE:
			ereport(WARNING,
					(errmsg("dropped a changed shared buffer of block %u of pagestore relation \"%s\"",
							tag->block, path.str),
					 errdetail("The pool owns this page, and the buffer holds nothing that the pool's page does not: something has read the table through shared buffers and set hint bits."),
					 errhint("Look for an extension or a function that reads tables behind their access method.")));
			break;
		case STRAY_AHEAD:
			ereport(WARNING,
					(errmsg("took over changes from a shared buffer of block %u of pagestore relation \"%s\"",
							tag->block, path.str),
					 errdetail("The pool owns this page: something has changed the table behind its access method, beginning with the page as it was."),
					 errhint("Switch the table to heap before such an extension or function uses it again.")));
			break;
		case STRAY_APART:
		case STRAY_UNKNOWN:
			ereport(WARNING,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("dropped a changed shared buffer of block %u of pagestore relation \"%s\", and saved it as \"%s\"",
							tag->block, path.str, saved),
					 verdict == STRAY_APART ?
					 errdetail("The pool owns this page, which stays as it is.  The buffer holds an older page, or changes made behind the table's access method.") :
					 errdetail("The pool owns this page, and can't read it."),
					 errhint("Look for what uses the table behind its access method; reindex the table if it may have changed it.  pageinspect reads the saved page.")));
			break;
	}
}

/* ---- putting it right ---- */

/* Under its exclusive lock.  Whoever comes next reads the page anew, unless others hold pins. */
static void
forget_buffer(Buffer buffer)
{
	BufferDesc *desc = GetBufferDescriptor(buffer - 1);
	uint64		state = LockBufHdr(desc);
	uint64		unset = BM_DIRTY | BM_CHECKPOINT_NEEDED;

	if (BUF_STATE_GET_REFCOUNT(state) == 1)
		unset |= BM_VALID;
	UnlockBufHdrExt(desc, state, 0, unset, 0);
}

static bool
is_dirty(Buffer buffer)
{
	return (ps_buffer_state(GetBufferDescriptor(buffer - 1)) & BM_DIRTY) != 0;
}

/* The page will not be all-visible any more, and its map may say that it is. */
static void
clear_map(const PsTag *tag, bool permanent)
{
	Relation	rel = CreateFakeRelcacheEntry(tag->rlocator);
	Buffer		map = InvalidBuffer;

	if (visibilitymap_get_status(rel, tag->block, &map) != 0)
	{
		ps_map_clear(rel, tag->block, map, VISIBILITYMAP_VALID_BITS);
		if (permanent)
		{
			LockBuffer(map, BUFFER_LOCK_EXCLUSIVE);
			START_CRIT_SECTION();
			MarkBufferDirty(map);
			log_newpage_buffer(map, false);
			END_CRIT_SECTION();
			LockBuffer(map, BUFFER_LOCK_UNLOCK);
		}
	}
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	FreeFakeRelcacheEntry(rel);
}

/*
 * What the stray has and our page has not may have been vacuumed from ours,
 * and must not come back.  So one with an older LSN, which began with an older
 * page, is not taken over, and neither is one with rows that were made before
 * we last looked: an old page gets a new LSN when the image of it is logged
 * for a hint bit.
 */
static Verdict
judge(PsFrame frame, Buffer buffer, bool permanent)
{
	const char *ours = ps_frame_bytes(frame);
	const char *theirs = BufferGetPage(buffer);
	const char *why;
	OffsetNumber offset;

	/* core has looked at its header only */
	if (!ps_pool_page_check(theirs, &why, &offset))
		return STRAY_APART;
	if (ps_pool_page_contains(ours, theirs))
		return STRAY_STALE;
	if (permanent && PageGetLSN(unconstify(char *, theirs)) < PageGetLSN(unconstify(char *, ours)))
		return STRAY_APART;
	if (!ps_pool_page_contains(theirs, ours))
		return STRAY_APART;

	/* before the first looks are over nothing tells */
	if (!ps_pool_page_adds_only_since(theirs, ours, stray->recent))
		return STRAY_APART;
	return STRAY_AHEAD;
}

/* Both locked exclusively; *saved is the name of the file if there is one. */
static Verdict
put_right(const PsRelKey *key, const PsTag *tag, PsFrame *frame, Buffer buffer, char **saved)
{
	static int	tries = 0;
	const char *theirs = BufferGetPage(buffer);
	Verdict		verdict = judge(*frame, buffer, key->permanent);

	Assert(ps_lock_is_held(ps_owner_lock));
	Assert(ps_pool_holds_latch(*frame, LW_EXCLUSIVE));
	Assert(BufferIsLockedByMeInMode(buffer, BUFFER_LOCK_EXCLUSIVE));
	if (verdict == STRAY_AHEAD && !ps_pool_make_movable(frame, true))
	{
		if (++tries < TRIES)
			return STRAY_LATER;
		verdict = STRAY_APART;
	}
	tries = 0;
	if (verdict == STRAY_APART)
		*saved = save(tag, theirs);
	if (verdict == STRAY_AHEAD && !PageIsAllVisible(unconstify(char *, theirs)))
		clear_map(tag, key->permanent);

	START_CRIT_SECTION();
	if (key->permanent || verdict == STRAY_AHEAD)
		ps_pool_mark_dirty(*frame);
	if (verdict == STRAY_AHEAD)
		memcpy(ps_frame_bytes(*frame), theirs, BLCKSZ);
	if (key->permanent)
		log_newpage(unconstify(RelFileLocator *, &key->rlocator), MAIN_FORKNUM, tag->block,
					ps_frame_bytes(*frame), true);
	END_CRIT_SECTION();
	forget_buffer(buffer);
	return verdict;
}

/*
 * The page that could not be read last time: an error there leaves the stray
 * as it is, and us to come again.
 */
static PsTag unreadable;

/* The buffer is pinned, and the owner lock held. */
static Verdict
settle_pinned(const PsRelKey *key, const PsTag *tag, Buffer buffer, char **saved)
{
	Verdict		verdict = STRAY_UNKNOWN;
	PsFrame		frame = PS_NO_FRAME;

	if (!ps_tag_equal(&unreadable, tag))
	{
		unreadable = *tag;
		frame = ps_pool_pin(key, tag->block, PS_FETCH_READ, NULL);
		memset(&unreadable, 0, sizeof(unreadable));
		PS_STOP("stray-before-latch");
		ps_pool_latch(&frame, LW_EXCLUSIVE);
	}
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (!is_dirty(buffer))
		verdict = STRAY_NONE;	/* core was faster */
	else if (frame != PS_NO_FRAME)
		verdict = put_right(key, tag, &frame, buffer, saved);
	else
	{
		*saved = save(tag, BufferGetPage(buffer));
		forget_buffer(buffer);
		memset(&unreadable, 0, sizeof(unreadable));
	}
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	if (frame != PS_NO_FRAME)
	{
		ps_pool_unlatch(frame);
		ps_pool_unpin(frame);
	}
	return verdict;
}

/*
 * owned: the caller knows that the pool owns the page; else the registry is
 * asked.  A relation that leaves the pool is taken out of the registry first
 * and then waits for the owner lock, so that the answer stays true here.
 */
static bool
settle_stray(int id, const PsTag *tag, bool owned)
{
	Buffer		buffer = id + 1;
	uint64		state = ps_buffer_state(GetBufferDescriptor(id));
	PsRelKey	key = {tag->rlocator, (state & BM_PERMANENT) != 0};
	Verdict		verdict = STRAY_NONE;
	char	   *saved = NULL;

	ps_lock_exclusive(ps_owner_lock);
	if ((owned || ps_registry_pool_owns(tag->rlocator)) &&
		ReadRecentBuffer(tag->rlocator, MAIN_FORKNUM, tag->block, buffer))
	{
		verdict = settle_pinned(&key, tag, buffer, &saved);
		ReleaseBuffer(buffer);
	}
	ps_unlock(ps_owner_lock);
	report(tag, verdict, saved);
	if (saved != NULL)
		pfree(saved);
	return verdict != STRAY_LATER;
}

/* ---- the look ---- */

/* A glance without locks: what it misses is new, what it finds is asked again. */
static bool
is_dirty_main(int id, PsTag *tag)
{
	BufferDesc *desc = GetBufferDescriptor(id);
	const uint64 wanted = BM_DIRTY | BM_VALID | BM_TAG_VALID;

	if ((ps_buffer_state(desc) & wanted) != wanted)
		return false;
	pg_read_barrier();
	tag->rlocator = BufTagGetRelFileLocator(&desc->tag);
	tag->block = desc->tag.blockNum;
	return BufTagGetForkNum(&desc->tag) == MAIN_FORKNUM && tag->rlocator.relNumber >= FirstNormalObjectId;
}

static bool
check_range(int from, int to)
{
	RelFileLocator other = {0}; /* the last one that is not ours: they come in
								 * rows */
	bool		done = true;
	PsTag		tag;

	for (int id = from; id < to; id++)
	{
		if (!is_dirty_main(id, &tag) || RelFileLocatorEquals(tag.rlocator, other))
			continue;
		if (!ps_registry_pool_owns(tag.rlocator))
			other = tag.rlocator;
		else if (!settle_stray(id, &tag, false))
			done = false;
	}
	return done;
}

/* A look at all buffers is over; began: the next transaction id at its beginning. */
static void
end_look(TransactionId began)
{
	ps_lock_exclusive(ps_owner_lock);
	stray->recent = stray->last_look;
	stray->last_look = began;
	ps_unlock(ps_owner_lock);
}

bool
ps_stray_check_all(void)
{
	TransactionId began = ReadNextTransactionId();
	bool		done = check_range(0, NBuffers);

	if (done)
		end_look(began);
	return done;
}

void
ps_stray_check_some(void)
{
	static int	next = 0;
	static TransactionId began;
	int			slice = Min((NBuffers + SLICES - 1) / SLICES, SLICE_MAX);
	int			to = Min(next + slice, NBuffers);

	if (next == 0)
		began = ReadNextTransactionId();
	(void) check_range(next, to);
	next = to == NBuffers ? 0 : to;
	if (next == 0)
		end_look(began);
}

/* ---- one relation ---- */

/*
 * Its dirty buffers one after another: by looking up its blocks if they are
 * few compared with the buffers, else by all headers.  Where there are many
 * small tables the cost of the first access to each must not depend on
 * shared_buffers.  Core drops buffers by the same rule and share.
 */
typedef struct Search
{
	RelFileLocator rlocator;
	bool		by_block;
	uint32		next;			/* block or buffer */
	uint32		end;
} Search;

#define LOOKUP_SHARE 32

static Search
search_for(RelFileLocator rlocator)
{
	SMgrRelation smgr = smgropen(rlocator, INVALID_PROC_NUMBER);
	BlockNumber nblocks = smgrexists(smgr, MAIN_FORKNUM) ? smgrnblocks(smgr, MAIN_FORKNUM) : 0;
	Search		search = {rlocator, nblocks < NBuffers / LOOKUP_SHARE};

	search.end = search.by_block ? nblocks : NBuffers;
	return search;
}

/* The buffer of the block, or -1. */
static int
find_buffer(RelFileLocator rlocator, BlockNumber block)
{
	BufferTag	tag;
	uint32		hash;
	LWLock	   *lock;
	int			id;

	InitBufferTag(&tag, &rlocator, MAIN_FORKNUM, block);
	hash = BufTableHashCode(&tag);
	lock = BufMappingPartitionLock(hash);
	LWLockAcquire(lock, LW_SHARED);
	id = BufTableLookup(&tag, hash);
	LWLockRelease(lock);
	return id;
}

static bool
next_dirty(Search *search, int *id, PsTag *tag)
{
	while (search->next < search->end)
	{
		*id = search->by_block ? find_buffer(search->rlocator, search->next) : search->next;
		search->next++;
		if (*id >= 0 && is_dirty_main(*id, tag) && RelFileLocatorEquals(tag->rlocator, search->rlocator))
			return true;
	}
	return false;
}

void
ps_stray_pass(Relation rel)
{
	PsRelKey	key = {rel->rd_locator, RelationIsPermanent(rel)};
	Search		search = search_for(key.rlocator);
	bool		flush = false;
	PsTag		tag;
	int			id;

	while (next_dirty(&search, &id, &tag))
	{
		/* it has passed before, and its entry was pushed out since */
		if (ps_pool_resident(&key, tag.block))
		{
			ps_sentinel_wait_ready();
			(void) settle_stray(id, &tag, true);
		}
		else
			flush = true;
	}
	if (flush)
		FlushRelationBuffers(rel);
}

void
ps_stray_leave(RelFileLocator rlocator)
{
	Search		search = search_for(rlocator);
	PsTag		tag;
	int			id;

	while (next_dirty(&search, &id, &tag))
	{
		ps_sentinel_wait_ready();
		while (!settle_stray(id, &tag, true))
		{
			CHECK_FOR_INTERRUPTS();
			pgstat_report_wait_start(ps_wait_event(PS_WAIT_STRAY));
			pg_usleep(1000L);
			pgstat_report_wait_end();
		}
	}
}
