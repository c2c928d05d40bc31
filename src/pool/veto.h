/*
 * veto.h
 *		A page that makes any checkpoint fail: for the sentinel alone.
 */
#ifndef PAGESTORE_POOL_VETO_H
#define PAGESTORE_POOL_VETO_H

/* Name of the file that is not there: global/1_init.  No relation has this number. */
#define PS_VETO_RELFILENODE 1

/* Take the buffer, once per process; kept pinned from then on.  ereport(ERROR). */
extern void ps_veto_prepare(void);

/* From here on no checkpoint that has still to write shared buffers succeeds.  Does not fail. */
extern void ps_veto_raise(void);

/*
 * From here on checkpoints may succeed.  False, and nothing done, while one is
 * running into the veto at this moment: to be tried again.
 */
extern bool ps_veto_lift(void);

/* Give the buffer up, before the process's exit. */
extern void ps_veto_end(void);

#endif							/* PAGESTORE_POOL_VETO_H */
