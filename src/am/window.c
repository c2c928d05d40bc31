/*
 * window.c
 *		How far a scan that knows its pages to come reads ahead of their use.
 */
#include "postgres.h"

#include "am/window.h"

#define IDLE_MAX 4				/* rest after so many looks ahead that found
								 * nothing to read */

void
ps_window_pass(PsWindow *w, uint32 key)
{
	while (w->count > 0 && w->keys[w->first] <= key)
	{
		w->first = (w->first + 1) % PS_WINDOW_MAX;
		w->count--;
	}
}

void
ps_window_push(PsWindow *w, uint32 key, BlockNumber block)
{
	Assert(w->count < PS_WINDOW_MAX && w->nfound < PS_WINDOW_MAX);
	w->keys[(w->first + w->count++) % PS_WINDOW_MAX] = key;
	w->found[w->nfound++] = block;
}

bool
ps_window_wants(PsWindow *w)
{
	if (w->count > w->depth / 2)
		return false;
	w->nfound = 0;				/* left by a look that has failed */
	w->depth = Min(w->depth == 0 ? 2 : w->depth * 2,
				   Min(PS_WINDOW_MAX, Max((int) ps_cache_size(PS_POOL) / 16, 1)));
	return true;
}

bool
ps_window_rests(PsWindow *w, bool missed)
{
	if (w->idle < IDLE_MAX)
		return false;
	if (!missed)
		return true;
	w->idle = 0;
	w->count = 0;
	return false;
}

void
ps_window_done(PsWindow *w, Relation rel)
{
	if (w->nfound == 0)
		return;
	w->idle = ps_prefetch(rel, w->found, w->nfound) > 0 ? 0 : w->idle + 1;
	w->nfound = 0;
}
