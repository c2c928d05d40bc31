/*
 * workers.h
 *		The pool's two background workers, sentinel and writer: registration,
 *		and what both have in common.
 */
#ifndef PAGESTORE_POOL_WORKERS_H
#define PAGESTORE_POOL_WORKERS_H

#include "postgres.h"
#include "postmaster/bgworker.h"

/*
 * The sentinel got a worker slot; else none will come before a restart.  Set in
 * the postmaster, inherited by every process.
 */
extern bool ps_sentinel_registered;

/*
 * A worker of ours, for RegisterBackgroundWorker() and its like: by the name
 * of its main function, connected to shared memory and a database.  It starts
 * when recovery is over: until then the pool is closed.
 */
extern BackgroundWorker ps_worker_of(const char *name, const char *function);

/* Register both, in _PG_init; a WARNING where there is no slot. */
extern void ps_workers_register(void);

/* The beginning of a worker: signals, connection, resource owner, memory; then the pool may be used. */
extern void ps_worker_begin(void);

/* In PG_CATCH(): report the error, release everything. */
extern void ps_worker_recover(void);

/* Sleep, or until the latch is set: then true.  Serves interrupts; exits when the postmaster is gone. */
extern bool ps_worker_sleep(long milliseconds);

/*
 * A second, or until shutdown: a full or failing disk stays so for a while,
 * and the log is not to be filled.
 */
extern void ps_worker_rest(void);

#endif							/* PAGESTORE_POOL_WORKERS_H */
