/*
 * relation.h
 *		Frames of whole relations and databases: write out, forget, keep from
 *		being written.
 *
 * Callers hold a lock that keeps everyone else from using the relation
 * (AccessExclusiveLock, or nobody is connected to the database), so that its
 * pages neither come nor change frames meanwhile; they hold no lock of the
 * pool.  The writer's moves are kept off here.  Forgetting waits out reads and
 * writes in flight, and throws nothing; a frame that somebody pins becomes a
 * ghost.
 */
#ifndef PAGESTORE_POOL_RELATION_H
#define PAGESTORE_POOL_RELATION_H

#include "pool/tag.h"

/*
 * Write all dirty frames and request their sync; none is dropped.  Any lock
 * that keeps its file will do.  Serves interrupts; ereport(ERROR) as
 * ps_flush_frame().
 */
extern void ps_pool_flush_relation(RelFileLocator rlocator);

/* Forget frames from first_block on, dirty or not. */
extern void ps_pool_discard_relation(RelFileLocator rlocator, BlockNumber first_block);

/* The same, knowing where the relation ends. */
extern void ps_pool_discard_blocks(RelFileLocator rlocator, BlockNumber first, BlockNumber end);

/* Forget all frames of relations whose files are still there.  Reorders the array. */
extern void ps_pool_discard_relations(RelFileLocator *rlocators, int n);

/* Forget all frames of a database, or a tablespace. */
extern void ps_pool_discard_database(Oid dboid);
extern void ps_pool_discard_tablespace(Oid tablespace);

/*
 * For truncation: pages from first to end are not written from here on
 * (NOWRITE); writes of them in flight have ended when it returns.  permit
 * takes it back.
 */
extern void ps_pool_forbid_writes(RelFileLocator rlocator, BlockNumber first, BlockNumber end);
extern void ps_pool_permit_writes(RelFileLocator rlocator, BlockNumber first, BlockNumber end);

#endif							/* PAGESTORE_POOL_RELATION_H */
