/*
 * pages.c
 *		Lists of pages, made by a scan of the headers of all frames in use.
 */
#include "postgres.h"

#include "pool/frame.h"
#include "pool/pages.h"
#include "utils/memutils.h"

PsPageList
ps_pagelist_collect(PsPageFilter filter, void *arg)
{
	PsPageList	list = {NULL, 0};
	uint32		room = Min(ps_frames_max, 1024);

	list.tags = palloc(room * sizeof(PsTag));
	for (;;)
	{
		uint32		wanted = 0;
		uint32		used;

		list.n = 0;
		ps_lock_exclusive(&ps_pool->move_lock);
		used = ps_frames_used();
		for (PsFrame frame = 0; frame < used; frame++)
		{
			uint32		state;
			PsTag		tag;

			if (ps_frame_glance(frame, &state, &tag) && filter(ps_frame(frame), state, arg))
			{
				if (wanted < room)
					list.tags[list.n++] = tag;
				wanted++;
			}
		}
		ps_unlock(&ps_pool->move_lock);
		if (wanted <= room)
			break;

		/* no memory is asked for under the lock: make room, and look again */
		pfree(list.tags);
		room = Min(ps_frames_max, wanted + wanted / 4);
		list.tags = MemoryContextAllocHuge(CurrentMemoryContext, room * sizeof(PsTag));
	}
	if (list.n > 1)
		qsort(list.tags, list.n, sizeof(PsTag), ps_tag_compare);
	return list;
}

void
ps_pagelist_free(PsPageList *list)
{
	pfree(list->tags);
	list->tags = NULL;
	list->n = 0;
}
