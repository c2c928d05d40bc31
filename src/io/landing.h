/*
 * landing.h
 *		Writes that may still land although their process has gone.
 *
 * The kernel goes on with what a killed process has given it, and the exit of
 * that process does not wait for it.  Recovery must: a page image from before
 * the crash that arrived after recovery had written the page would undo what
 * it did.  So each ring for writes holds a lock that the kernel lets go of
 * when the ring's last write has ended, and a server that starts waits for
 * that.
 */
#ifndef PAGESTORE_IO_LANDING_H
#define PAGESTORE_IO_LANDING_H

#include "postgres.h"

/*
 * At every start, and restart after a crash, when no process of the server is
 * left: wait until all earlier writes have landed; logged if that takes long.
 */
extern void ps_landing_await(void);

/*
 * An open file with the lock, to be registered with a ring and closed; -1 with
 * errno where there are no such locks: then no write may outlive its process.
 */
extern int	ps_landing_hold(void);

#endif							/* PAGESTORE_IO_LANDING_H */
