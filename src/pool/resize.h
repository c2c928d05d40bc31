/*
 * resize.h
 *		The pool gets the size that is set, while it is used.
 */
#ifndef PAGESTORE_POOL_RESIZE_H
#define PAGESTORE_POOL_RESIZE_H

/*
 * A step towards pagestore.pool_size, for the writer: some milliseconds, holds
 * nothing when it returns.  True if the next one is to follow at once; else
 * there is nothing to do, or nothing that can be done before others let go of
 * frames: it looks again when some time has passed.
 */
extern bool ps_resize_step(void);

#ifdef PAGESTORE_DEBUG
/*
 * Setting pagestore.debug_resize_random, registered in pagestore.c: if not 0 the
 * writer chooses sizes at random, each for so many milliseconds on average.
 */
extern int	ps_debug_resize_random;
#endif

#endif							/* PAGESTORE_POOL_RESIZE_H */
