/*
 * relcount.h
 *		What has been done with the pages of each relation, for the statistics
 *		views.
 *
 * Hits and reads are core's to count (pgstat_count_buffer_read()); here are
 * what happens with I/O only, and never on a hit.  A process gathers counts in
 * memory of its own and adds them to the relation's entry in the registry at
 * the end of each transaction, and after some thousands.  What is counted for a
 * relation that has no entry (it is gone, or the registry has no room) is
 * dropped.
 */
#ifndef PAGESTORE_POOL_RELCOUNT_H
#define PAGESTORE_POOL_RELCOUNT_H

#include "pool/registry.h"

/* Once, by a process that will count: what is gathered at its exit is not lost.  Throws FATAL. */
extern void ps_relcount_attach(void);

/*
 * Any locks may be held but spin locks: none is waited for.  Throws nothing.
 * Where it has no room (many relations at once, and the registry's lock can't
 * be had) the count is lost.
 */
extern void ps_relcount(const RelFileLocator *rlocator, PsRelCounter counter, uint32 n);

/* Add what is gathered to the registry's entries.  Takes its lock.  Throws nothing. */
extern void ps_relcount_flush(void);

#endif							/* PAGESTORE_POOL_RELCOUNT_H */
