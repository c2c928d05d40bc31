/*
 * admin.h
 *		What the extension's entry point calls in src/admin.
 */
#ifndef PAGESTORE_ADMIN_ADMIN_H
#define PAGESTORE_ADMIN_ADMIN_H

#include "nodes/parsenodes.h"

extern void ps_utility_init(void);	/* in _PG_init: hooks around commands on
									 * databases */
extern void ps_intercept_init(void);	/* in _PG_init: hooks around functions
										 * of contrib modules */

/* ---- ownership.c: a relation's file and its owner, when the catalog changes ---- */

extern void ps_ownership_init(void);	/* in _PG_init */

/*
 * Put right what this transaction has changed in the catalog so far.  May wait
 * for locks and write; ereport(ERROR) then, or if a table is in use.
 */
extern void ps_settle_ownership(void);

/* ---- extension.c: tables of other extensions ---- */

extern void ps_extension_init(void);	/* in _PG_init */

/* Run CREATE EXTENSION or ALTER EXTENSION: tables are heap unless named otherwise. */
extern void ps_run_extension_script(void (*run) (void *arg), void *arg);
extern void ps_extension_after_set(const VariableSetStmt *stmt);

/* The table is to become pagestore: by force with a WARNING if it belongs to an extension, else with ereport(ERROR). */
extern void ps_extension_check_switch(Oid relid, bool force);

#endif							/* PAGESTORE_ADMIN_ADMIN_H */
