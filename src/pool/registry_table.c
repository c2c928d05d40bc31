/*
 * registry_table.c
 *		The registry's entries, found by the relation's number.
 *
 * A hash table with chains, in room that is address space until it is used:
 * shared memory comes zeroed, a link of zero is none, and entries are taken
 * from the first on.  Core's shared hash tables use all of their memory from
 * the start on newer servers (19).
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "pool/registry_table.h"
#include "storage/shmem.h"

#define ENTRIES 1048576			/* 60 MB of address space; power of two */

typedef uint32 Link;			/* an entry's index + 1; 0: none */

struct PsRegistryTable
{
	/* all under the registry's lock */
	uint32		count;
	uint32		taken;			/* entries from the first on that have been in
								 * use */
	Link		unused;			/* those of them that are in use no more */
	Link		heads[ENTRIES];
	PsRegistryEntry entries[ENTRIES];
};

Size
ps_registry_table_shmem_size(void)
{
	return sizeof(PsRegistryTable);
}

PsRegistryTable *
ps_registry_table_shmem_init(void)
{
	bool		found;

	return ShmemInitStruct("pagestore gate's registry", sizeof(PsRegistryTable), &found);
}

static inline bool
is_in_use(const PsRegistryEntry *entry)
{
	return OidIsValid(entry->rlocator.relNumber);
}

static inline PsRegistryEntry *
entry_at(PsRegistryTable *table, Link link)
{
	return link == 0 ? NULL : &table->entries[link - 1];
}

static inline Link
link_of_entry(const PsRegistryTable *table, const PsRegistryEntry *entry)
{
	return entry - table->entries + 1;
}

static Link *
head_of(PsRegistryTable *table, const RelFileLocator *rlocator)
{
	return &table->heads[hash_bytes((const unsigned char *) rlocator, sizeof(RelFileLocator)) % ENTRIES];
}

PsRegistryEntry *
ps_registry_table_find(PsRegistryTable *table, const RelFileLocator *rlocator)
{
	PsRegistryEntry *entry = entry_at(table, *head_of(table, rlocator));

	while (entry != NULL && !RelFileLocatorEquals(entry->rlocator, *rlocator))
		entry = entry_at(table, entry->next);
	return entry;
}

/* One that is not in use; NULL: there is none. */
static PsRegistryEntry *
unused_entry(PsRegistryTable *table)
{
	PsRegistryEntry *entry = entry_at(table, table->unused);

	if (entry != NULL)
		table->unused = entry->next;
	else if (table->taken < ENTRIES)
		entry = &table->entries[table->taken++];
	return entry;
}

PsRegistryEntry *
ps_registry_table_enter(PsRegistryTable *table, const RelFileLocator *rlocator)
{
	PsRegistryEntry *entry = ps_registry_table_find(table, rlocator);
	Link	   *head = head_of(table, rlocator);

	if (entry != NULL || (entry = unused_entry(table)) == NULL)
		return entry;
	Assert(!is_in_use(entry) && OidIsValid(rlocator->relNumber));
	entry->rlocator = *rlocator;
	entry->state = PS_REGISTRY_NONE;
	for (int i = 0; i < PS_NRELCOUNTERS; i++)
		pg_atomic_init_u64(&entry->counts[i], 0);
	entry->next = *head;
	*head = link_of_entry(table, entry);
	table->count++;
	return entry;
}

void
ps_registry_table_remove(PsRegistryTable *table, PsRegistryEntry *entry)
{
	Link		this = link_of_entry(table, entry);
	Link	   *link = head_of(table, &entry->rlocator);

	Assert(is_in_use(entry));
	while (*link != this)
	{
		Assert(*link != 0);
		link = &entry_at(table, *link)->next;
	}
	*link = entry->next;
	entry->rlocator.relNumber = InvalidOid;
	entry->next = table->unused;
	table->unused = this;
	table->count--;
}

PsRegistryEntry *
ps_registry_table_next(PsRegistryTable *table, PsRegistryEntry *entry)
{
	PsRegistryEntry *const end = table->entries + table->taken;

	for (entry = entry == NULL ? table->entries : entry + 1; entry < end; entry++)
		if (is_in_use(entry))
			return entry;
	return NULL;
}

uint32
ps_registry_table_count(const PsRegistryTable *table)
{
	return table->count;
}
