/*
 * check_toast.h
 *		Values in the TOAST table, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_TOAST_H
#define PAGESTORE_ADMIN_CHECK_TOAST_H

#include "admin/check_found.h"

/* Open the TOAST table, if there is one: values are looked up there from now on. */
extern void ps_check_toast_begin(PsCheck *check);
extern void ps_check_toast_end(PsCheck *check);

/* Look up one; no latch held.  Throws what core does for a damaged TOAST table. */
extern void ps_check_toast(PsCheck *check, const PsToasted *toasted);

#endif							/* PAGESTORE_ADMIN_CHECK_TOAST_H */
