/*
 * place.c
 *		Find a page with room for a row, and put it there.
 *
 * The order of search is heap's: the page of the last insert, the free space
 * map, the last page of the table, a new page.  Latches of two pages are taken
 * lower block first, or the second one is only tried; map pages are pinned
 * before any latch is taken, because that may read.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/visibilitymap.h"
#include "am/place.h"
#include "am/place_ahead.h"
#include "debug/stop.h"
#include "page/storage.h"
#include "page/view.h"
#include "storage/freespace.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "utils/rel.h"

/* Blocks added for each backend that waits to extend the table, and at most. */
#define EXTRA_BLOCKS_PER_WAITER 20
#define MAX_EXTRA_BLOCKS 512

typedef struct Search
{
	Relation	rel;
	Size		len;			/* of the tuple, aligned */
	Size		want;			/* free space to look for */
	uint32		options;
	PsPlace    *place;

	/* page of the old version, when there is one */
	PsPin	   *old;
	PsWrite    *old_guard;
	Buffer	   *old_vmbuf;
} Search;

static inline Size
page_room(const PsWrite *guard) PS_REQUIRES(guard)
{
	return PageGetHeapFreeSpace(guard->page);
}

/*
 * A page that can hold only a few more line pointers than rows counts as
 * empty, lest a large row in a table of low fillfactor always extend it.
 */
static Size
wanted_space(Relation rel, Size len)
{
	Size		nearly_empty = MaxHeapTupleSize - (MaxHeapTuplesPerPage / 8 * sizeof(ItemIdData));
	Size		want = len + RelationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR);

	return want > nearly_empty ? Max(len, nearly_empty) : want;
}

static BlockNumber
first_target(const Search *s)
{
	BlockNumber target = RelationGetTargetBlock(s->rel);

	if (target == InvalidBlockNumber && !(s->options & HEAP_INSERT_SKIP_FSM))
		target = GetPageWithFreeSpace(s->rel, s->want);
	if (target == InvalidBlockNumber)
	{
		BlockNumber nblocks = ps_nblocks(s->rel);

		if (nblocks > 0)
			target = nblocks - 1;
	}
	return target;
}

/* Is the search for a place beside an old version, and is the page at hand that very page? */
static inline bool
on_old_page(const Search *s)
{
	return s->old != NULL && !ps_pinned(&s->place->pin);
}

/* The guard of the page at hand. */
static inline PsWrite *
at_hand(const Search *s)
{
	return on_old_page(s) ? s->old_guard : &s->place->guard;
}

/* Does a change of this page touch the visibility map?  A frozen load sets bits for pages it fills. */
static inline bool
needs_vm(const char *page, uint32 options)
{
	return ps_page_all_visible(page) ||
		((options & HEAP_INSERT_FROZEN) && ps_page_nitems(page) == 0);
}

/* Pin the map pages that seem to be needed: a guess, as the pages are not latched. */
static void
pin_maps(const Search *s)
{
	PsPlace    *place = s->place;

	if (!on_old_page(s) && needs_vm(place->pin.page, s->options))
		visibilitymap_pin(s->rel, place->pin.block, &place->vmbuf);
	if (s->old != NULL && needs_vm(s->old->page, 0))
		visibilitymap_pin(s->rel, s->old->block, s->old_vmbuf);
}

/*
 * With the pages latched: do we have the map pages?  From here on a page or two
 * are held, as it comes: more than the analysis can follow.
 */
static bool
have_maps(const Search *s) PS_UNCHECKED
{
	const PsPlace *place = s->place;

	return (on_old_page(s) || !needs_vm(place->guard.page, s->options) ||
			visibilitymap_pin_ok(place->pin.block, place->vmbuf)) &&
		(s->old == NULL || !needs_vm(s->old_guard->page, 0) ||
		 visibilitymap_pin_ok(s->old->block, *s->old_vmbuf));
}

static void
unlatch(const Search *s) PS_UNCHECKED
{
	if (!on_old_page(s))
		ps_write_unlock(&s->place->guard);
	if (s->old != NULL)
		ps_write_unlock(s->old_guard);
}

/* Latch the pages, with their map pages pinned: one may become all visible before we have it. */
static void
latch(const Search *s) PS_UNCHECKED
{
	PsPlace    *place = s->place;

	for (;;)
	{
		bool		old_first;

		old_first = s->old != NULL && (on_old_page(s) || s->old->block < place->pin.block);
		pin_maps(s);
		if (old_first)
			ps_write_lock(s->rel, s->old, s->old_guard);
		if (!on_old_page(s))
			ps_write_lock(s->rel, &place->pin, &place->guard);
		if (s->old != NULL && !old_first)
			ps_write_lock(s->rel, s->old, s->old_guard);
		if (have_maps(s))
			return;
		unlatch(s);
	}
}

static void
initialize_page(PsWrite *guard) PS_REQUIRES(guard)
{
	ps_mark_dirty(guard);
	PageInit(guard->page, BLCKSZ, 0);
}

/* Latch the block and look whether there is room; *room is what there is. */
static bool
try_block(const Search *s, BlockNumber block, Size *room)
{
	PsPlace    *place = s->place;
	PsWrite    *guard;

	if (s->old == NULL || s->old->block != block)
		place->pin = ps_pin(s->rel, block);
	latch(s);

	guard = at_hand(s);
	ps_write_held(guard);
	if (PageIsNew(guard->page))
		initialize_page(guard);
	*room = page_room(guard);
	if (*room >= s->want)
		return true;

	unlatch(s);
	ps_unpin(&place->pin);
	return false;
}

/*
 * Others wait to extend the table as well: add pages for them too and put
 * those into the free space map.  They stay all zero until used, as after a
 * crash.  Extension lock held.
 */
static void
add_extra_blocks(Relation rel)
{
	int			waiters = RelationExtensionLockWaiterCount(rel);
	int			n = Min(MAX_EXTRA_BLOCKS, waiters * EXTRA_BLOCKS_PER_WAITER);
	BlockNumber first = InvalidBlockNumber;
	BlockNumber last = InvalidBlockNumber;

	if (n <= 0)
		return;
	while (n-- > 0)
	{
		PsPin		pin;
		PsWrite		guard;

		ps_extend(rel, &pin, &guard);
		last = pin.block;
		if (first == InvalidBlockNumber)
			first = last;
		ps_write_unlock(&guard);
		ps_unpin(&pin);
		RecordPageWithFreeSpace(rel, last, BLCKSZ - SizeOfPageHeaderData);
	}
	FreeSpaceMapVacuumRange(rel, first, last + 1);
}

/*
 * Take the extension lock, which ps_extend() then takes once more.  When we
 * had to wait for it, others may have made room: their block is returned, and
 * the lock not kept.
 */
static BlockNumber
lock_extension(const Search *s)
{
	Relation	rel = s->rel;
	BlockNumber block;

	if (s->options & HEAP_INSERT_SKIP_FSM)
	{
		LockRelationForExtension(rel, ExclusiveLock);
		return InvalidBlockNumber;
	}
	if (ConditionalLockRelationForExtension(rel, ExclusiveLock))
		return InvalidBlockNumber;

	LockRelationForExtension(rel, ExclusiveLock);
	block = GetPageWithFreeSpace(rel, s->want);
	if (block != InvalidBlockNumber)
		UnlockRelationForExtension(rel, ExclusiveLock);
	else
		add_extra_blocks(rel);
	return block;
}

/*
 * Add a page and latch it, with the old one.  Returns InvalidBlockNumber when
 * done, or the block to look at next: one that others added, or ours, which
 * others filled while we let go of it.
 */
static BlockNumber
extend(const Search *s) PS_UNCHECKED
{
	PsPlace    *place = s->place;
	bool		need_lock = !RELATION_IS_LOCAL(s->rel);
	BlockNumber block;

	/* before the lock: see ps_extend() */
	(void) ps_origin(s->rel);
	if (need_lock)
	{
		block = lock_extension(s);
		if (block != InvalidBlockNumber)
			return block;
	}

	ps_extend(s->rel, &place->pin, &place->guard);
	if (!PageIsNew(place->guard.page))
		elog(ERROR, "page %u of relation \"%s\" should be empty but is not",
			 place->pin.block, RelationGetRelationName(s->rel));
	initialize_page(&place->guard);
	PS_STOP("place-page-added");
	if (need_lock)
		UnlockRelationForExtension(s->rel, ExclusiveLock);

	/*
	 * The new page has the higher number: its latch is ours already, so only
	 * try the other.
	 */
	if (s->old != NULL && !ps_write_trylock(s->rel, s->old, s->old_guard))
	{
		ps_write_unlock(&place->guard);
		latch(s);
	}
	else if (!have_maps(s))
	{
		unlatch(s);
		latch(s);
	}

	if (page_room(&place->guard) >= s->len)
		return InvalidBlockNumber;
	block = place->pin.block;
	unlatch(s);
	ps_unpin(&place->pin);
	return block;
}

static void
set_length(Search *s, Size len)
{
	s->len = MAXALIGN(len);
	if (s->len > MaxHeapTupleSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row is too big: size %zu, maximum size %zu",
						s->len, MaxHeapTupleSize)));
	s->want = wanted_space(s->rel, s->len);
}

static void
find_page(Search *s, Size len)
{
	BlockNumber target;

	set_length(s, len);
	target = first_target(s);
	for (;;)
	{
		while (target != InvalidBlockNumber)
		{
			Size		room;

			if (!(s->options & HEAP_INSERT_SKIP_FSM))
				ps_place_ahead(s->rel, target, s->want);
			if (try_block(s, target, &room))
			{
				RelationSetTargetBlock(s->rel, target);
				return;
			}
			if (s->options & HEAP_INSERT_SKIP_FSM)
				break;
			target = RecordAndGetPageWithFreeSpace(s->rel, target, room, s->want);
		}

		target = extend(s);
		if (target == InvalidBlockNumber)
		{
			RelationSetTargetBlock(s->rel, s->place->pin.block);
			return;
		}
	}
}

void
ps_place_find(Relation rel, Size len, uint32 options, PsPlace *place)
{
	Search		s = {.rel = rel,.options = options,.place = place};

	Assert(!ps_pinned(&place->pin));
	find_page(&s, len);
	ps_write_held(&place->guard);
}

bool
ps_place_find_beside(Relation rel, Size len, PsPin *old, PsWrite *old_guard,
					 Buffer *old_vmbuf, PsPlace *place)
{
	Search		s = {
		.rel = rel,.place = place,
		.old = old,.old_guard = old_guard,.old_vmbuf = old_vmbuf
	};

	Assert(!ps_pinned(&place->pin));
	find_page(&s, len);
	ps_write_held(old_guard);
	return ps_pinned(&place->pin);
}

/* The new page may come before the old one in the order of latches. */
bool
ps_place_try_beside(Relation rel, Size len, PsPin *old, PsWrite *old_guard,
					Buffer *old_vmbuf, PsPlace *place) PS_UNCHECKED
{
	BlockNumber target = RelationGetTargetBlock(rel);
	Search		s = {
		.rel = rel,.place = place,
		.old = old,.old_guard = old_guard,.old_vmbuf = old_vmbuf
	};

	Assert(!ps_pinned(&place->pin));
	set_length(&s, len);
	if (target == InvalidBlockNumber || target == old->block ||
		!ps_pin_resident(rel, old, target, &place->pin))
		return false;
	PS_STOP("place-beside");
	if (ps_write_trylock(rel, &place->pin, &place->guard))
	{
		if (page_room(&place->guard) >= s.want && have_maps(&s))
		{
			ps_pin_count(rel, &place->pin);
			return true;
		}
		ps_write_unlock(&place->guard);
	}
	ps_unpin(&place->pin);
	return false;
}

void
ps_place_leave(PsPlace *place)
{
	ps_write_unlock(&place->guard);
	ps_unpin(&place->pin);
}

void
ps_place_put(PsWrite *guard, HeapTuple tuple, bool speculative)
{
	OffsetNumber offset;

	Assert(!speculative || HeapTupleHeaderIsSpeculative(tuple->t_data));
	Assert(!(tuple->t_data->t_infomask & HEAP_XMAX_COMMITTED) ||
		   !(tuple->t_data->t_infomask & HEAP_XMAX_IS_MULTI));

	offset = PageAddItem(guard->page, (void *) tuple->t_data, tuple->t_len,
						 InvalidOffsetNumber, false, true);
	if (offset == InvalidOffsetNumber)
		elog(PANIC, "failed to add tuple to page");

	ItemPointerSet(&tuple->t_self, guard->pin->block, offset);
	if (!speculative)
	{
		ItemId		item = PageGetItemId(guard->page, offset);

		((HeapTupleHeader) PageGetItem(guard->page, item))->t_ctid = tuple->t_self;
	}

	/*
	 * Once the inserter is over for all, the page may be visible to all, or
	 * the row dead.
	 */
	if (PS_INSERTS_PRUNABLE && !HeapTupleHeaderXminFrozen(tuple->t_data))
		PageSetPrunable(guard->page, HeapTupleHeaderGetRawXmin(tuple->t_data));
}
