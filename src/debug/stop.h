/*
 * stop.h
 *		Stop points: named places where a test parks a process, or makes it
 *		fail, sleep or die.
 *
 * PS_STOP("area-what-when") is nothing unless built with PAGESTORE_DEBUG=1.
 * In such a build it costs a load while no point is armed.  An armed point
 * acts when a process comes by:
 *
 *	wait	stay until the point is cleared; interrupts are served where the
 *			place allows it (no latch held, not in a critical section)
 *	error	ereport(ERROR)
 *	kill	SIGKILL to itself
 *	sleep	for some milliseconds, serving no interrupt
 *	yes		where the place asks a question (PS_ASK): answer that it is so
 *
 * Points are armed by SQL (extension pagestore_test), or for processes that
 * come before any SQL by the setting pagestore.debug_stops, 'name:action,...'.
 * pagestore.debug_stop_random makes every point, armed or not, sleep now and
 * then: for stress.
 */
#ifndef PAGESTORE_DEBUG_STOP_H
#define PAGESTORE_DEBUG_STOP_H

#include "postgres.h"
#include "port/atomics.h"

#ifdef PAGESTORE_DEBUG

extern pg_atomic_uint32 *ps_stops_armed;	/* NULL without shared memory */
extern int	ps_stop_random;		/* pagestore.debug_stop_random: chances in a
								 * thousand */
extern char *ps_debug_stops;	/* pagestore.debug_stops */

extern void ps_stop_reached(const char *name);
extern bool ps_stop_says_yes(const char *name);

/* What this process owes the others when it waits at a point and its postmaster dies: must return. */
extern void (*ps_stop_orphaned) (void);
#define PS_WHEN_ORPHANED(what) (ps_stop_orphaned = (what))

#define PS_STOP(name) \
	do { \
		if (unlikely(ps_stop_random > 0 || \
					 (ps_stops_armed != NULL && pg_atomic_read_u32(ps_stops_armed) > 0))) \
			ps_stop_reached(name); \
	} while (0)

/* Does a test want this to be so?  For what can't be brought about otherwise. */
#define PS_ASK(name) \
	(unlikely(ps_stops_armed != NULL && pg_atomic_read_u32(ps_stops_armed) > 0) && \
	 ps_stop_says_yes(name))

#else
#define PS_STOP(name) ((void) 0)
#define PS_ASK(name) false
#define PS_WHEN_ORPHANED(what) ((void) 0)
#endif

/* Set-up, from pagestore.c; nothing in normal builds.  Settings, then shared memory of stops and faults. */
extern void ps_debug_define_settings(void);
extern Size ps_debug_shmem_size(void);
extern void ps_debug_shmem_init(void);

#endif							/* PAGESTORE_DEBUG_STOP_H */
