/*
 * registry_table.h
 *		The registry's entries, found by the relation's number.
 *
 * The caller holds the registry's lock: shared to look, exclusively to change.
 */
#ifndef PAGESTORE_POOL_REGISTRY_TABLE_H
#define PAGESTORE_POOL_REGISTRY_TABLE_H

#include "pool/registry.h"

typedef struct PsRegistryEntry
{
	RelFileLocator rlocator;	/* its number is invalid: not in use */
	PsRegistryState state;
	pg_atomic_uint64 counts[PS_NRELCOUNTERS];	/* under the lock, shared */
	uint32		next;			/* in its bucket, or of those not in use */
} PsRegistryEntry;

typedef struct PsRegistryTable PsRegistryTable;

extern Size ps_registry_table_shmem_size(void);
extern PsRegistryTable *ps_registry_table_shmem_init(void);

/* NULL: it is not there; of enter, there is no room.  A new entry has state NONE and counts of zero. */
extern PsRegistryEntry *ps_registry_table_find(PsRegistryTable *table, const RelFileLocator *rlocator);
extern PsRegistryEntry *ps_registry_table_enter(PsRegistryTable *table, const RelFileLocator *rlocator);
extern void ps_registry_table_remove(PsRegistryTable *table, PsRegistryEntry *entry);

/*
 * All entries, in no order: the first one after this, which may have been
 * removed, or after NULL; NULL after the last.
 */
extern PsRegistryEntry *ps_registry_table_next(PsRegistryTable *table, PsRegistryEntry *entry);

extern uint32 ps_registry_table_count(const PsRegistryTable *table);

#endif							/* PAGESTORE_POOL_REGISTRY_TABLE_H */
