/*
 * sentinel_client.h
 *		What other processes ask of the sentinel: to change pages, and to have
 *		unlogged ones written.
 *
 * Whoever may dirty frames is attached: counted, from its first change to its
 * exit, so that at shutdown the sentinel knows when the last one has gone.
 */
#ifndef PAGESTORE_POOL_SENTINEL_CLIENT_H
#define PAGESTORE_POOL_SENTINEL_CLIENT_H

#include "postgres.h"

extern bool ps_sentinel_attached;	/* this process is counted */

/* For the inlines below. */
extern void ps_sentinel_attach(void);
extern bool ps_sentinel_try_attach(void);

/*
 * Waits until changes are allowed (the sentinel is there) and attaches this
 * process; called before any change, with no latch held.  Serves interrupts.
 * ereport(ERROR) during shutdown, or if there is no sentinel: at once when none
 * can come, else after half a minute.
 */
static inline void
ps_sentinel_wait_ready(void)
{
	if (unlikely(!ps_sentinel_attached))
		ps_sentinel_attach();
}

/* The same for a change that can be left undone: false where the other would wait or fail.  Latches may be held. */
static inline bool
ps_sentinel_is_ready(void)
{
	return likely(ps_sentinel_attached) || ps_sentinel_try_attach();
}

/*
 * While any process wants it, checkpoints write the pages of unlogged tables
 * too: around commands that copy or remove a database's files.  The exit of
 * the process ends its wish.
 */
extern void ps_sentinel_want_unlogged(bool want);

/*
 * A checkpoint is about to be asked for: the sentinel looks for it now and for
 * the next second often, however idle the server has been.
 */
extern void ps_sentinel_wake(void);

/* A walsender is attached only while it is in a transaction. */
extern void ps_sentinel_at_xact_end(void);

/* ---- for the sentinel alone ---- */

/* Changes are allowed from here on; the caller is the sentinel.  A full barrier. */
extern void ps_sentinel_open(void);

/* No process is attached, and none will be again; false, and nothing done, while one is. */
extern bool ps_sentinel_close(void);

/* Does any process want unlogged pages written? */
extern bool ps_sentinel_writes_unlogged(void);

/*
 * Write a WAL record that says nothing.  Each checkpoint is known by its redo
 * pointer: one that fails leaves no record behind, so that the next one's might
 * be the same if nobody writes WAL until then.
 */
extern void ps_sentinel_move_insert_position(void);

extern Size ps_sentinel_shmem_size(void);
extern void ps_sentinel_shmem_init(void);

#endif							/* PAGESTORE_POOL_SENTINEL_CLIENT_H */
