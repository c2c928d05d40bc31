/*
 * pin.c
 *		Pins: the shared count, this process's counts, and their resource owners.
 *
 * The shared count of a frame counts processes (and I/Os, and workers passing
 * by); a process that has pinned a frame once pins it again without touching
 * shared memory. Each pin of a process is noted with the resource owner it was
 * taken under and ends with that owner at the latest (invariant I7).
 */
#include "postgres.h"

#include <sys/mman.h>

#include "common/hashfn.h"
#include "pool/service.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

uint32	   *ps_pin_counts;

typedef struct OwnedPin
{
	ResourceOwner owner;
	PsFrame		frame;
} OwnedPin;

/*
 * The notes: a short array, newest last, searched from its end, since pins
 * mostly end in the reverse order of their beginning; what overflows goes to a
 * hash table.
 */
#define RECENT 64
static OwnedPin recent[RECENT];
static int	nrecent;

typedef struct OldPins
{
	OwnedPin	key;			/* padding zeroed: hashed by member */
	uint32		count;
	char		status;
} OldPins;

#define SH_PREFIX oldpins
#define SH_ELEMENT_TYPE OldPins
#define SH_KEY_TYPE OwnedPin
#define SH_KEY key
#define SH_HASH_KEY(tb, k) hash_combine(murmurhash32((k).frame), (uint32) ((uintptr_t) (k).owner >> 4))
#define SH_EQUAL(tb, a, b) ((a).owner == (b).owner && (a).frame == (b).frame)
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

static oldpins_hash * old = NULL;

/* ---- the shared count ---- */

bool
ps_frame_pin_if(PsFrame frame, const PsTag *tag)
{
	uint32		was;

	if (!ps_state_pin(frame, 0, &was))
		return false;
	if (tag == NULL || ps_tag_equal(&ps_frame(frame)->tag, tag))
		return true;
	ps_frame_unpin_raw(frame);
	return false;
}

void
ps_frame_unpin_raw(PsFrame frame)
{
	uint32		was = pg_atomic_fetch_sub_u32(&ps_frame(frame)->state, 1);

	Assert(PS_PINS(was) > 0);

	/* Nobody can pin a ghost anew, so the last one to go is alone with it. */
	if (unlikely((was & PS_GHOST) && PS_PINS(was) == 1))
		ps_frame_bury(frame);
}

/* ---- notes of this process's pins ---- */

/* Move the older half of the array to the hash table. */
static void
make_room(void)
{
	int			half = RECENT / 2;

	if (old == NULL)
		old = oldpins_create(TopMemoryContext, RECENT * 4, NULL);

	/* from the end down: an out-of-memory error then leaves both consistent */
	for (int i = half; i-- > 0;)
	{
		bool		found;
		OldPins    *entry = oldpins_insert(old, recent[i], &found);

		if (!found)
			entry->count = 0;
		entry->count++;
		recent[i] = recent[--nrecent];
	}
}

void
ps_pin_reserve(void)
{
	if (unlikely(ps_my_counters == NULL))
		ps_pool_attach();
	if (unlikely(nrecent == RECENT))
		make_room();
}

void
ps_pin_remember(PsFrame frame)
{
	Assert(nrecent < RECENT);
	Assert(frame < ps_pool_nframes);
	recent[nrecent].owner = CurrentResourceOwner;
	recent[nrecent].frame = frame;
	nrecent++;
	if (ps_pin_counts[frame]++ == 0)
		ps_protect_allow(frame);
	Assert(PS_PINS(pg_atomic_read_u32(&ps_frame(frame)->state)) > 0);
}

/* Where is a note of this frame, by this owner or (NULL) by any?  -1: not in the array. */
static int
find_recent(PsFrame frame, ResourceOwner owner)
{
	for (int i = nrecent; i-- > 0;)
		if (recent[i].frame == frame && (owner == NULL || recent[i].owner == owner))
			return i;
	return -1;
}

static OldPins *
find_old(PsFrame frame, ResourceOwner owner)
{
	oldpins_iterator it;
	OldPins    *entry;

	if (old == NULL || old->members == 0)
		return NULL;
	if (owner != NULL)
	{
		OwnedPin	key = {owner, frame};

		return oldpins_lookup(old, key);
	}
	oldpins_start_iterate(old, &it);
	while ((entry = oldpins_iterate(old, &it)) != NULL)
		if (entry->key.frame == frame)
			return entry;
	return NULL;
}

/*
 * A pin belongs to the owner it was taken under, but a slot may be cleared
 * under another: the current owner's note first, then anybody's.
 */
static bool
find_note(PsFrame frame, int *index, OldPins **entry)
{
	*entry = NULL;
	if ((*index = find_recent(frame, CurrentResourceOwner)) >= 0)
		return true;
	if ((*entry = find_old(frame, CurrentResourceOwner)) != NULL)
		return true;
	if ((*index = find_recent(frame, NULL)) >= 0)
		return true;
	return (*entry = find_old(frame, NULL)) != NULL;
}

static void
drop_old(OldPins *entry)
{
	if (--entry->count == 0)
		oldpins_delete_item(old, entry);
}

/* One pin of this process less; its note is gone. */
static inline void
uncount(PsFrame frame)
{
	Assert(ps_pin_counts[frame] > 0);
	if (--ps_pin_counts[frame] > 0)
		return;
	Assert(!LWLockHeldByMe(&ps_frame(frame)->latch));
	ps_protect_forbid(frame);
	ps_frame_unpin_raw(frame);
}

void
ps_pool_unpin(PsFrame frame)
{
	int			index = nrecent - 1;
	OldPins    *entry = NULL;

	if (unlikely(index < 0 || recent[index].frame != frame ||
				 recent[index].owner != CurrentResourceOwner))
	{
		if (!find_note(frame, &index, &entry))
			elog(ERROR, "pagestore: frame %u is not pinned by this process", frame);
	}
	if (entry != NULL)
		drop_old(entry);
	else
		recent[index] = recent[--nrecent];
	uncount(frame);
}

void
ps_pool_pin_again(PsFrame frame)
{
	ps_pin_reserve();
	Assert(ps_pin_counts[frame] > 0);
	ps_pin_remember(frame);
}

ResourceOwner
ps_pin_owner(PsFrame frame)
{
	int			index;
	OldPins    *entry;

	if (!find_note(frame, &index, &entry))
		elog(ERROR, "pagestore: frame %u is not pinned by this process", frame);
	return entry != NULL ? entry->key.owner : recent[index].owner;
}

/* ---- the end of owners ---- */

static void
leaked(PsFrame frame)
{
	const PsFrameHeader *header = ps_frame(frame);

	elog(WARNING, "pagestore: pin leak: frame %u (relation %u/%u/%u, block %u)",
		 frame, header->tag.rnode.spcNode, header->tag.rnode.dbNode,
		 header->tag.rnode.relNode, header->tag.block);
}

static void
release_owner(ResourceReleasePhase phase, bool isCommit, bool isTopLevel, void *arg)
{
	ResourceOwner owner = CurrentResourceOwner;

	if (phase != RESOURCE_RELEASE_BEFORE_LOCKS)
		return;

	for (int i = nrecent; i-- > 0;)
	{
		PsFrame		frame = recent[i].frame;

		if (recent[i].owner != owner)
			continue;
		if (isCommit)
			leaked(frame);

		/* keep the order of the rest: what follows i has been looked at */
		memmove(&recent[i], &recent[i + 1], (nrecent - i - 1) * sizeof(OwnedPin));
		nrecent--;
		uncount(frame);
	}

	if (old != NULL && old->members > 0)
	{
		oldpins_iterator it;
		OldPins    *entry;

		oldpins_start_iterate(old, &it);
		while ((entry = oldpins_iterate(old, &it)) != NULL)
		{
			PsFrame		frame = entry->key.frame;
			uint32		count = entry->count;

			if (entry->key.owner != owner)
				continue;
			if (isCommit)
				leaked(frame);
			oldpins_delete_item(old, entry);
			while (count-- > 0)
				uncount(frame);
		}
	}
}

/* Backstop for a process that ends without ending its owners: each note is a pin. */
static void
release_all(int code, Datum arg)
{
	while (nrecent > 0)
		uncount(recent[--nrecent].frame);

	if (old != NULL)
	{
		oldpins_iterator it;
		OldPins    *entry;

		oldpins_start_iterate(old, &it);
		while ((entry = oldpins_iterate(old, &it)) != NULL)
			while (entry->count-- > 0)
				uncount(entry->key.frame);
		old = NULL;
	}
}

/* Counts of zero cost no memory: pages of the array come with their first use. */
void
ps_pin_attach(void)
{
	void	   *counts;

	ps_protect_attach();
	counts = mmap(NULL, (Size) ps_pool_nframes * sizeof(uint32), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (counts == MAP_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not map memory for pagestore: %m")));
	ps_pin_counts = counts;
	on_shmem_exit(release_all, 0);
}

void
ps_pool_init_hooks(void)
{
	RegisterResourceReleaseCallback(release_owner, NULL);
	ps_xact_init();
}
