/*
 * admin.h
 *		What the entry of the extension calls of src/admin.
 */
#ifndef PAGESTORE_ADMIN_ADMIN_H
#define PAGESTORE_ADMIN_ADMIN_H

extern void ps_utility_init(void);	/* in _PG_init: hooks around commands on
									 * databases */
extern void ps_intercept_init(void);	/* in _PG_init: hooks around functions
										 * of contrib modules */

#endif							/* PAGESTORE_ADMIN_ADMIN_H */
