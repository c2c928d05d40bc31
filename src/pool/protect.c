/*
 * protect.c
 *		A process can touch a frame only while it may.
 *
 * The postmaster takes all access to the frames away from itself; every child
 * inherits that.  A process gives itself access to single frames, counted, for
 * as long as it holds pins on them or moves their bytes.  So a use after unpin
 * is a segmentation fault at the very place, or a report by whoever watches
 * (debug/memory.h).
 */
#include "postgres.h"

#include <sys/mman.h>
#include <unistd.h>

#include "pool/pool.h"
#include "pool/protect.h"
#include "storage/ipc.h"

bool		ps_debug_protect_frames;

static uint16 *allowed;			/* this process's count for each frame */

static inline bool
is_on(void)
{
	return PS_MEMORY_WATCHED || ps_debug_protect_frames;
}

static void
set_access(PsFrame frame, bool may)
{
	char	   *bytes = ps_frame_bytes(frame);

	if (ps_debug_protect_frames &&
		mprotect(bytes, BLCKSZ, may ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
		elog(PANIC, "pagestore: could not change the protection of frame %u: %m", frame);
	if (may)
		ps_memory_open(bytes, BLCKSZ);
	else
		ps_memory_close(bytes, BLCKSZ);
}

/* What is mapped at these addresses next is another's. */
static void
open_all(int code, Datum arg)
{
	ps_memory_open(ps_pool_bytes, (Size) ps_frames_max * BLCKSZ);
}

void
ps_protect_init(void)
{
	if (PS_MEMORY_WATCHED)
	{
		ps_memory_close(ps_pool_bytes, (Size) ps_frames_max * BLCKSZ);
		on_shmem_exit(open_all, 0);
	}
	if (!ps_debug_protect_frames)
		return;

	/* A huge page has one protection: the first frame alone is refused there. */
	if (mprotect(ps_pool_bytes, BLCKSZ, PROT_NONE) != 0 ||
		mprotect(ps_pool_bytes, (Size) ps_frames_max * BLCKSZ, PROT_NONE) != 0)
		ereport(FATAL,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("could not protect the frames of pagestore's pool: %m"),
				 errhint("pagestore.debug_protect_frames needs huge_pages = off.")));
}

void
ps_protect_attach(void)
{
	if (!is_on() || allowed != NULL)
		return;
	allowed = mmap(NULL, (Size) ps_frames_max * sizeof(uint16), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (allowed == MAP_FAILED)
	{
		allowed = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not map memory for pagestore: %m")));
	}
}

void
ps_protect_count(PsFrame frame, int change)
{
	ps_protect_attach();
	Assert(change > 0 || allowed[frame] > 0);
	if (allowed[frame] == 0)
		set_access(frame, true);
	allowed[frame] += change;
	if (allowed[frame] == 0)
		set_access(frame, false);
}

#ifdef PAGESTORE_DEBUG
void
ps_frame_spoil(PsFrame frame)
{
	ps_protect_allow(frame);
	ps_memory_spoil(ps_frame_bytes(frame), BLCKSZ);
	ps_protect_forbid(frame);
}

bool
ps_frame_is_spoiled(PsFrame frame)
{
	bool		is_spoiled;

	ps_protect_allow(frame);
	is_spoiled = ps_memory_is_spoiled(ps_frame_bytes(frame), BLCKSZ);
	ps_protect_forbid(frame);
	return is_spoiled;
}
#endif

/* The kernel is asked to read the bytes: it says EFAULT where we would be killed. */
bool
ps_frame_can_touch(PsFrame frame)
{
	int			ends[2];
	ssize_t		rc;
	int			error;

	if (!ps_memory_is_open(ps_frame_bytes(frame)))
		return false;
	if (pipe(ends) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create a pipe: %m")));
	rc = write(ends[1], ps_frame_bytes(frame), 1);
	error = errno;
	close(ends[0]);
	close(ends[1]);
	if (rc == 1)
		return true;
	if (error == EFAULT)
		return false;
	errno = error;
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not write to a pipe: %m")));
}
