/*
 * xact.h
 *		Ends of transactions: frames of files about to go are forgotten.
 */
#ifndef PAGESTORE_POOL_XACT_H
#define PAGESTORE_POOL_XACT_H

/* Register what is to be done at them, in _PG_init. */
extern void ps_xact_init(void);

#endif							/* PAGESTORE_POOL_XACT_H */
