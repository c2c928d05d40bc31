/*
 * policy_list.h
 *		Doubly linked lists of frames, for the replacement policies.
 *
 * One array of links serves any number of lists; a frame is in one list or
 * none.  All access is under the policy's own lock.
 */
#ifndef PAGESTORE_POOL_POLICY_LIST_H
#define PAGESTORE_POOL_POLICY_LIST_H

#include "pool/policy.h"

/* Per frame; the policy's lock. */
typedef struct PsLink
{
	PsFrame		newer;
	PsFrame		older;
} PsLink;

typedef struct PsList
{
	PsFrame		newest;
	PsFrame		oldest;
} PsList;

#define PS_EMPTY_LIST ((PsList) {PS_NO_FRAME, PS_NO_FRAME})

static inline bool
ps_list_is_empty(const PsList *list)
{
	return list->oldest == PS_NO_FRAME;
}

static inline void
ps_list_push(PsList *list, PsLink *links, PsFrame frame)
{
	links[frame].newer = PS_NO_FRAME;
	links[frame].older = list->newest;
	if (list->newest != PS_NO_FRAME)
		links[list->newest].newer = frame;
	else
		list->oldest = frame;
	list->newest = frame;
}

static inline void
ps_list_remove(PsList *list, PsLink *links, PsFrame frame)
{
	PsLink		link = links[frame];

	if (link.newer != PS_NO_FRAME)
		links[link.newer].older = link.older;
	else
	{
		Assert(list->newest == frame);
		list->newest = link.older;
	}
	if (link.older != PS_NO_FRAME)
		links[link.older].newer = link.newer;
	else
	{
		Assert(list->oldest == frame);
		list->oldest = link.newer;
	}
}

/* new, in no list, takes the place of old. */
static inline void
ps_list_replace(PsList *list, PsLink *links, PsFrame old, PsFrame new)
{
	PsLink		link = links[old];

	links[new] = link;
	if (link.newer != PS_NO_FRAME)
		links[link.newer].older = new;
	else
		list->newest = new;
	if (link.older != PS_NO_FRAME)
		links[link.older].newer = new;
	else
		list->oldest = new;
}

/* All of from becomes the oldest part of list; from is empty then. */
static inline void
ps_list_prepend_oldest(PsList *list, PsList *from, PsLink *links)
{
	if (ps_list_is_empty(from))
		return;
	if (ps_list_is_empty(list))
		*list = *from;
	else
	{
		links[list->oldest].older = from->newest;
		links[from->newest].newer = list->oldest;
		list->oldest = from->oldest;
	}
	*from = PS_EMPTY_LIST;
}

/*
 * Up to max frames that have not been used (their policy word is 0), in the
 * order from old to new, beginning with this one (PS_NO_FRAME: none), among
 * the next PS_LIST_LOOK_AHEAD of the list.
 */
#define PS_LIST_LOOK_AHEAD 4096

static inline uint32
ps_list_unused(const PsLink *links, PsFrame frame, PsFrame *frames, uint32 max)
{
	uint32		n = 0;

	for (uint32 steps = 0; frame != PS_NO_FRAME && steps < PS_LIST_LOOK_AHEAD && n < max; steps++)
	{
		if (pg_atomic_read_u32(&ps_frame(frame)->policy) == 0)
			frames[n++] = frame;
		frame = links[frame].newer;
	}
	return n;
}

#endif							/* PAGESTORE_POOL_POLICY_LIST_H */
