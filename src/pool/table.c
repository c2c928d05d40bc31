/*
 * table.c
 *		The page table: which frame holds a page.
 *
 * A hash table of chains through PsFrameHeader.next, its buckets guarded by
 * partition locks.  Everything that changes a chain holds the partition
 * exclusively.  A reader may also walk without the lock: links are single
 * words and frames never go away, so the walk at worst strays into another
 * chain or ends early. Its answer is a guess: pin the frame and compare tags
 * to know; "not found" is to be asked again under the lock.
 *
 * Beside it stands how many pages each relation has in the table.  Relations
 * may share a counter: the count is an upper bound, and none is none.
 */
#include "postgres.h"

#include "pool/table.h"
#include "port/pg_bitutils.h"
#include "storage/shmem.h"

#define PARTITIONS 256			/* power of two */

typedef struct TableShared
{
	PsLockPadded locks[PARTITIONS];
	PsRef		heads[FLEXIBLE_ARRAY_MEMBER];	/* each under its partition's
												 * lock */
} TableShared;

static TableShared *table;
static pg_atomic_uint32 *pages_of;	/* by a hash of the relation; atomics */
PsRef	   *ps_table_heads;
uint32		ps_table_mask;

/* About two buckets per frame, never fewer than partitions: a bucket has one lock. */
static uint32
bucket_count(void)
{
	return Max((uint32) PARTITIONS, pg_nextpower2_32(ps_frames_max) * 2);
}

/* A byte per frame: counters are shared only where there are very many relations. */
static uint32
counter_count(void)
{
	return Max(1024, pg_nextpower2_32(ps_frames_max) / sizeof(pg_atomic_uint32));
}

static Size
heads_size(void)
{
	return add_size(offsetof(TableShared, heads),
					mul_size(bucket_count(), sizeof(PsRef)));
}

static Size
pages_of_size(void)
{
	return mul_size(counter_count(), sizeof(pg_atomic_uint32));
}

Size
ps_table_shmem_size(void)
{
	return add_size(heads_size(), pages_of_size());
}

/* Shared memory comes zeroed: empty chains, counts of none, and no page touched at start. */
void
ps_table_shmem_init(void)
{
	bool		found;

	table = ShmemInitStruct("pagestore page table", heads_size(), &found);
	pages_of = ShmemInitStruct("pagestore pages by relation", pages_of_size(), &found);
	ps_table_heads = table->heads;
	ps_table_mask = bucket_count() - 1;
	for (int i = 0; i < PARTITIONS; i++)
		ps_lock_init(&table->locks[i].lock, ps_tranche(PS_TRANCHE_TABLE));
}

PsLock *
ps_table_lock(uint32 hash)
{
	return &table->locks[hash % PARTITIONS].lock;
}

static pg_atomic_uint32 *
counter_of(const RelFileLocator *rlocator)
{
	PsTag		tag = {*rlocator, 0};

	return &pages_of[ps_tag_hash(&tag) & (counter_count() - 1)];
}

uint32
ps_table_pages_of(const RelFileLocator *rlocator)
{
	return pg_atomic_read_u32(counter_of(rlocator));
}

/* An unlocked walk that finds nothing in a bucket that is not empty has to look again under the lock. */
bool
ps_table_has(const PsTag *tag, uint32 hash)
{
	bool		found;

	if (*ps_table_bucket(hash) == PS_NO_REF)
		return false;
	if (ps_table_find(tag, hash) != PS_NO_FRAME)
		return true;
	ps_lock_shared(ps_table_lock(hash));
	found = ps_table_find(tag, hash) != PS_NO_FRAME;
	ps_unlock(ps_table_lock(hash));
	return found;
}

void
ps_table_insert(PsFrame frame, uint32 hash)
{
	volatile PsRef *bucket = ps_table_bucket(hash);

	Assert(ps_lock_is_exclusive(ps_table_lock(hash)));
	Assert(ps_table_find(&ps_frame(frame)->tag, hash) == PS_NO_FRAME);
	pg_atomic_fetch_add_u32(counter_of(&ps_frame(frame)->tag.rlocator), 1);
	ps_frame(frame)->next = *bucket;
	pg_write_barrier();
	*bucket = ps_ref(frame);
}

/* The link that names the frame in its chain. */
static volatile PsRef *
link_to(PsFrame frame, uint32 hash)
{
	volatile PsRef *link = ps_table_bucket(hash);

	Assert(ps_lock_is_exclusive(ps_table_lock(hash)));
	while (*link != ps_ref(frame))
	{
		/*
		 * the caller saw it TAGGED under the lock: anything else is lost
		 * memory
		 */
		if (*link == PS_NO_REF)
			elog(PANIC, "pagestore: frame %u is not in the page table", frame);
		link = &ps_frame(ps_deref(*link))->next;
	}
	return link;
}

void
ps_table_remove(PsFrame frame, uint32 hash)
{
	volatile PsRef *link = link_to(frame, hash);

	*link = ps_frame(frame)->next;
	Assert(ps_table_pages_of(&ps_frame(frame)->tag.rlocator) > 0);
	pg_atomic_fetch_sub_u32(counter_of(&ps_frame(frame)->tag.rlocator), 1);
}

void
ps_table_replace(PsFrame old, PsFrame new, uint32 hash)
{
	volatile PsRef *link = link_to(old, hash);

	Assert(ps_tag_equal(&ps_frame(old)->tag, &ps_frame(new)->tag));
	ps_frame(new)->next = ps_frame(old)->next;
	pg_write_barrier();
	*link = ps_ref(new);
}
