/*
 * registry.h
 *		The registry of relations that have passed the gate.
 *
 * In shared memory, for all processes: nothing of theirs is dirty in shared
 * buffers, and only they can have frames.  All functions take the registry's
 * lock, and no other unless stated; no lock of the pool may be held but the
 * owner lock.
 */
#ifndef PAGESTORE_POOL_REGISTRY_H
#define PAGESTORE_POOL_REGISTRY_H

#include "postgres.h"
#include "debug/lock.h"
#include "pool/registry_table.h"

extern PsRegistryState ps_registry_state(RelFileLocator rlocator);

/* FRESH or POOL from here on.  Where there is no room the registry is incomplete, which is logged once. */
extern void ps_registry_enter(RelFileLocator rlocator, PsRegistryState state);

/* Further relations are served without being in it. */
extern bool ps_registry_is_incomplete(void);

/*
 * Does the pool own it?  May the pool have frames of it?  As far as the
 * registry knows: true is certain of the one, false of the other.  What was
 * entered as FRESH in this transaction is the pool's for certain, room or not,
 * until it is held.
 */
extern bool ps_registry_pool_owns(RelFileLocator rlocator);
extern bool ps_registry_may_have_frames(RelFileLocator rlocator);

/*
 * What a process remembers of the registry is good as long as the generation
 * stands: it moves when a number that may be remembered is taken out and lives
 * on.  No lock.
 */
extern pg_atomic_uint64 *ps_registry_generation;

/*
 * A mark for all processes that a running transaction has the relation in
 * shared buffers: nothing of it is in the pool, whose entry ends.  False: there
 * is no room.  Release takes the mark away and nothing else.  Neither throws.
 */
extern bool ps_registry_hold(RelFileLocator rlocator);
extern bool ps_registry_is_held(RelFileLocator rlocator);
extern void ps_registry_release(RelFileLocator rlocator);

/*
 * Held exclusively by whoever acts on who owns a page, from the question to
 * the end of what follows.  Taken before latches and content locks of buffers,
 * by processes that hold neither.
 */
extern PsLock *ps_owner_lock;

/*
 * These wait for the owner lock, so that nobody acts on the old answer when
 * they return, and frames can be forgotten for good.  begin_leaving: the entry
 * stays, but nobody brings a page of it into the pool on its own.  Neither
 * throws.
 */
extern void ps_registry_begin_leaving(RelFileLocator rlocator);
extern void ps_registry_forget(const RelFileLocator *rlocators, int n);

/* Nobody is connected to the database: waits for nobody. */
extern void ps_registry_forget_database(Oid dboid);

extern void ps_registry_at_xact_end(void);

/* ---- statistics (relcount.h) ---- */

typedef struct PsRelDelta
{
	RelFileLocator rlocator;
	uint32		n[PS_NRELCOUNTERS];
} PsRelDelta;

/*
 * Add to the counts of those that have an entry.  wait is false: other locks
 * may be held, and the answer is false, with nothing done, if the lock can't
 * be had at once.
 */
extern bool ps_registry_add(const PsRelDelta *deltas, int n, bool wait);

/* A relation's counts; zeroes if it has no entry. */
extern void ps_registry_counts(RelFileLocator rlocator, uint64 counts[PS_NRELCOUNTERS]);

/* All of them back to zero. */
extern void ps_registry_reset_counts(void);

extern Size ps_registry_shmem_size(void);
extern void ps_registry_shmem_init(void);

#endif							/* PAGESTORE_POOL_REGISTRY_H */
