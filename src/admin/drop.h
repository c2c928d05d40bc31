/*
 * drop.h
 *		The access method does not take its tables along when it is dropped.
 */
#ifndef PAGESTORE_ADMIN_DROP_H
#define PAGESTORE_ADMIN_DROP_H

#include "postgres.h"

extern void ps_drop_init(void); /* in _PG_init: after it no access method of
								 * ours is dropped that has tables */

/* Call before each command that may drop one: what was dropped before it in the transaction does not count. */
extern void ps_drop_command_begins(void);

#endif							/* PAGESTORE_ADMIN_DROP_H */
