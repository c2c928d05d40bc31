/*
 * gate.h
 *		Where a relation passes from shared buffers into the pool
 *		(doc/architecture.md, One owner).
 */
#ifndef PAGESTORE_POOL_GATE_H
#define PAGESTORE_POOL_GATE_H

#include "postgres.h"
#include "server/compat.h"
#include "utils/rel.h"

/* Do shared buffers own it now?  In recovery, single-user mode, while WAL is skipped, and when held. */
extern bool ps_gate_uses_shared(Relation rel);

/*
 * The relation's pages are about to be used through the pool: on first use
 * since start, write out its dirty shared buffers and drop the page cache's
 * copies, then register it.  Cheap when passed before (remembered in rel).  No
 * latch may be held.  ereport(ERROR) on I/O errors.
 */
extern void ps_gate_pass(Relation rel);

/*
 * A relfilenode begins a life, and its file has been made: forget frames and
 * registration of an earlier one.  No lock of the pool is held.
 */
extern void ps_gate_new(RelFileLocator rlocator);

/*
 * A database's, or a tablespace's, files are gone, or about to go, or copied:
 * forget frames, registrations and descriptors.  Nobody uses its tables, or can
 * before they are gone.  Throws nothing.
 */
extern void ps_gate_end_database(Oid dboid);
extern void ps_gate_end_tablespace(Oid tablespace);

#endif							/* PAGESTORE_POOL_GATE_H */
