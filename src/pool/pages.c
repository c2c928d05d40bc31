/*
 * pages.c
 *		Lists of pages, made by a scan of the headers of all frames in use.
 *
 * A list names pages, not frames: by the time it is used a page may lie in
 * another frame, or in none.
 */
#include "postgres.h"

#include "pool/service.h"
#include "utils/memutils.h"

int
ps_tag_compare(const void *a, const void *b)
{
	const PsTag *x = a;
	const PsTag *y = b;

	if (x->rnode.spcNode != y->rnode.spcNode)
		return x->rnode.spcNode < y->rnode.spcNode ? -1 : 1;
	if (x->rnode.dbNode != y->rnode.dbNode)
		return x->rnode.dbNode < y->rnode.dbNode ? -1 : 1;
	if (x->rnode.relNode != y->rnode.relNode)
		return x->rnode.relNode < y->rnode.relNode ? -1 : 1;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return 0;
}

PsPageList
ps_pages_collect(PsPageFilter filter, void *arg)
{
	PsPageList	list = {NULL, 0};
	uint32		room = Min(ps_pool_nframes, 1024);

	list.tags = palloc(room * sizeof(PsTag));
	for (;;)
	{
		uint32		wanted = 0;
		uint32		used;

		list.n = 0;
		LWLockAcquire(ps_move_lock, LW_EXCLUSIVE);
		used = ps_frames_used();
		for (PsFrame frame = 0; frame < used; frame++)
		{
			PsFrameHeader *header = ps_frame(frame);
			uint32		state = pg_atomic_read_u32(&header->state);

			pg_read_barrier();
			if ((state & PS_TAGGED) && filter(header, state, arg))
			{
				if (wanted < room)
					list.tags[list.n++] = header->tag;
				wanted++;
			}
		}
		LWLockRelease(ps_move_lock);
		if (wanted <= room)
			break;

		/* no memory is asked for under the lock: make room, and look again */
		pfree(list.tags);
		room = Min(ps_pool_nframes, wanted + wanted / 4);
		list.tags = MemoryContextAllocHuge(CurrentMemoryContext, room * sizeof(PsTag));
	}
	if (list.n > 1)
		qsort(list.tags, list.n, sizeof(PsTag), ps_tag_compare);
	return list;
}

void
ps_pages_free(PsPageList *list)
{
	pfree(list->tags);
	list->tags = NULL;
	list->n = 0;
}

PsFrame
ps_page_pin_raw(const PsTag *tag)
{
	uint32		hash = ps_table_hash(tag);
	LWLock	   *lock = ps_table_lock(hash);
	PsFrame		frame;

	if (*ps_table_bucket(hash) == PS_NO_REF)
		return PS_NO_FRAME;
	LWLockAcquire(lock, LW_SHARED);
	frame = ps_table_find(tag, hash);
	if (frame != PS_NO_FRAME && !ps_frame_pin_if(frame, tag))
		frame = PS_NO_FRAME;
	LWLockRelease(lock);
	return frame;
}
