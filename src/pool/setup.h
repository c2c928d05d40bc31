/*
 * setup.h
 *		The pool's set-up: called from pagestore.c.
 */
#ifndef PAGESTORE_POOL_SETUP_H
#define PAGESTORE_POOL_SETUP_H

#include "postgres.h"

/* In _PG_init: callbacks and background workers. */
extern void ps_pool_init(void);

/*
 * Shared memory of all parts.  The settings are known by then.  init runs in
 * the postmaster, at each start and restart after a crash, and in single-user
 * mode, under AddinShmemInitLock.
 */
extern Size ps_pool_shmem_size(void);
extern void ps_pool_shmem_init(void);

#endif							/* PAGESTORE_POOL_SETUP_H */
