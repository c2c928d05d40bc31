/*
 * release.c
 *		Memory of frames that the pool has given up, back to the system.
 */
#include "postgres.h"

#include <sys/mman.h>
#include <unistd.h>

#include "debug/stop.h"
#include "pool/frame.h"
#include "pool/protect.h"
#include "pool/release.h"
#include "storage/fd.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23	/* Linux 5.14 */
#endif

static Size size_known = 0;		/* of a page of memory; 0: not asked for yet */

/* Of the mapping that the frames lie in, as the kernel has it; 0 if it does not tell. */
static Size
kernel_page_size(void)
{
	FILE	   *file = AllocateFile("/proc/self/smaps", "r");
	char		line[MAXPGPATH];
	bool		here = false;
	Size		size = 0;

	if (file == NULL)
		return 0;
	while (size == 0 && fgets(line, sizeof(line), file) != NULL)
	{
		unsigned long start,
					end,
					kilobytes;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = (uintptr_t) ps_pool_bytes >= start && (uintptr_t) ps_pool_bytes < end;
		else if (here && sscanf(line, "KernelPageSize: %lu kB", &kilobytes) == 1)
			size = kilobytes * 1024;
	}
	FreeFile(file);
	return size;
}

static Size
page_size(void)
{
	if (PS_ASK("resize-huge-pages"))
		return PS_HUGE_PAGE;
	if (size_known == 0)
		size_known = kernel_page_size();
	if (size_known == 0)
		size_known = sysconf(_SC_PAGESIZE);
	return size_known;
}

void
ps_frames_page_forget(void)
{
	size_known = 0;
}

uint32
ps_frames_a_page(void)
{
	return Max(page_size() / BLCKSZ, 1);
}

/* In units of pages, frames begin where a page does; huge ones of unusual size may not. */
static bool
is_aligned(void)
{
	return (uintptr_t) ps_pool_bytes % page_size() == 0;
}

/* Only then is there a safe way to have huge pages again; Linux 5.14. */
static bool
can_populate(void)
{
	return madvise(ps_pool_bytes, 0, MADV_POPULATE_WRITE) == 0;
}

static void
log_once(const char *message)
{
	static bool logged = false;
	int			error = errno;

	if (logged)
		return;
	logged = true;
	errno = error;
	ereport(LOG,
			(errmsg("memory of pagestore's pool could not be given back: %s", message)));
}

/* What does not fill a page of memory stays. */
static void
give_back_memory(PsFrame first, PsFrame end)
{
	uint32		unit = ps_frames_a_page();

	/* nobody has anything behind the last frame in use */
	if (end == ps_frames_used())
		end = Min((uint64) (end + unit - 1) / unit * unit, ps_frames_max / unit * unit);
	first = (first + unit - 1) / unit * unit;
	if (first >= end)
		return;
	if (!is_aligned())
	{
		log_once("it lies in huge pages that frames are not aligned to");
		return;
	}
	if (unit > 1 && !can_populate())
	{
		log_once("this kernel can't reserve huge pages again");
		return;
	}
	for (PsFrame frame = first; frame < end; frame++)
		ps_protect_allow(frame);
	if (madvise(ps_frame_bytes(first), (Size) (end - first) * BLCKSZ, MADV_REMOVE) != 0)
		log_once(strerror(errno));
	for (PsFrame frame = first; frame < end; frame++)
		ps_protect_forbid(frame);
}

static void
release_run(PsFrame first, PsFrame end)
{
	if (first == end)
		return;
	give_back_memory(first, end);
	for (PsFrame frame = first; frame < end; frame++)
		ps_frame_set_released(frame);
}

/* Are all of them retired, and some not released? */
static bool
is_to_go(PsFrame first, PsFrame end)
{
	uint32		all = PS_RETIRED | PS_RELEASED;

	for (PsFrame frame = first; frame < end; frame++)
		all &= ps_frame_state(frame);
	return all == PS_RETIRED;
}

void
ps_frames_release(PsFrame first, PsFrame end)
{
	uint32		unit = ps_frames_a_page();
	PsFrame		run = first;
	PsFrame		next;

	Assert(first >= ps_frames_total() && end <= ps_frames_used());
	for (PsFrame frame = first; frame < end; frame = next)
	{
		next = Min(end, (frame / unit + 1) * unit);
		if (!is_to_go(frame, next))
		{
			release_run(run, frame);
			run = next;
		}
	}
	release_run(run, Max(run, end));
}

bool
ps_frames_populate(PsFrame first, PsFrame end)
{
	uint32		unit = ps_frames_a_page();
	PsFrame		unused = (Max(first, ps_frames_used()) + unit - 1) / unit * unit;

	/*
	 * small pages come as they are touched; huge ones that could not be given
	 * back are there
	 */
	if (unit == 1 || first >= end || !can_populate())
		return true;
	if (!PS_ASK("resize-no-memory") &&
		madvise(ps_frame_bytes(first), (Size) (end - first) * BLCKSZ, MADV_POPULATE_WRITE) == 0)
		return true;

	/* what was had of it goes back */
	if (unused < end)
		(void) madvise(ps_frame_bytes(unused), (Size) (end - unused) * BLCKSZ, MADV_REMOVE);
	return false;
}
