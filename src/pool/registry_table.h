/*
 * registry_table.h
 *		The registry's entries, found by the relation's number.
 *
 * The caller holds the registry's lock: shared to look, exclusively to change.
 */
#ifndef PAGESTORE_POOL_REGISTRY_TABLE_H
#define PAGESTORE_POOL_REGISTRY_TABLE_H

#include "postgres.h"
#include "port/atomics.h"
#include "server/compat.h"

typedef enum PsRegistryState
{
	PS_REGISTRY_NONE,			/* not in the registry */
	PS_REGISTRY_FRESH,			/* born in the pool; its page cache has not
								 * been dropped yet */
	PS_REGISTRY_POOL,
	PS_REGISTRY_LEAVING,		/* its frames are on their way to the file */
	PS_REGISTRY_HELD			/* its owner changes in a transaction still
								 * running (hold.c) */
} PsRegistryState;

/* What is counted for each relation in the registry, since it was entered or the last reset. */
typedef enum PsRelCounter
{
	PS_REL_READ_AHEAD,			/* pages read ahead */
	PS_REL_AHEAD_WASTED,		/* ... that left the pool unused */
	PS_REL_AROUND,				/* pages used from reads around the pool */
	PS_REL_EVICTIONS
} PsRelCounter;
#define PS_NRELCOUNTERS (PS_REL_EVICTIONS + 1)

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
