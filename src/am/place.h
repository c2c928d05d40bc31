/*
 * place.h
 *		Find a page with room for a row, and put it there.
 */
#ifndef PAGESTORE_AM_PLACE_H
#define PAGESTORE_AM_PLACE_H

#include "page/guard.h"

/* A page chosen to take a row.  Don't move it: the guard points at the pin. */
typedef struct PsPlace
{
	PsPin		pin;
	PsWrite		guard;
	Buffer		vmbuf;			/* its map page, pinned where the page's bits
								 * may have to change */
} PsPlace;

static inline void
ps_place_init(PsPlace *place)
{
	place->pin = PS_NO_PIN;
	place->vmbuf = InvalidBuffer;
}

/*
 * Latch a page with room for len bytes beyond the fillfactor's reserve;
 * options are HEAP_INSERT_*.  place->vmbuf may hold a map page from before.
 * No latch may be held.  ereport(ERROR): ERRCODE_PROGRAM_LIMIT_EXCEEDED when
 * no page could ever hold it; I/O.
 */
extern void ps_place_find(Relation rel, Size len, uint32 options, PsPlace *place)
			PS_ACQUIRE(place->guard);

/*
 * The same for a new version of a row on another page, pinned in *old and not
 * latched: both come back latched, in an order free of deadlocks, with
 * *old_vmbuf pinned where needed.  False: room turned up on the old page, and
 * place holds no page.
 */
extern bool ps_place_find_beside(Relation rel, Size len, PsPin *old, PsWrite *old_guard,
								 Buffer *old_vmbuf, PsPlace *place) PS_ACQUIRE(old_guard);

/*
 * The same for a row whose page is latched, without letting go of that latch:
 * the page of the last insert, if it is at hand at once.  False: it is not, and
 * place holds no page.
 */
extern bool ps_place_try_beside(Relation rel, Size len, PsPin *old, PsWrite *old_guard,
								Buffer *old_vmbuf, PsPlace *place) PS_REQUIRES(old_guard);

/* Unlatch and unpin the page; the map page stays pinned. */
extern void ps_place_leave(PsPlace *place) PS_RELEASE(place->guard);

/*
 * Put the tuple on the page (critical section, page marked dirty): sets
 * t_self, and t_ctid of the stored row unless that holds a speculative token.
 */
extern void ps_place_put(PsWrite *guard, HeapTuple tuple, bool speculative) PS_REQUIRES(guard);

#endif							/* PAGESTORE_AM_PLACE_H */
