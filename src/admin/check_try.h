/*
 * check_try.h
 *		A part of a check that stops by an error at what is damaged.
 */
#ifndef PAGESTORE_ADMIN_CHECK_TRY_H
#define PAGESTORE_ADMIN_CHECK_TRY_H

#include "admin/check_found.h"

/*
 * Do the part, in a subtransaction of its own.  An error that tells of damage
 * becomes a finding, about what is named, and ends the part; any other is
 * thrown.  What the part keeps for later lies in the caller's memory context.
 */
extern void ps_check_try(PsCheck *check, const char *about, void (*part) (PsCheck *check, void *arg), void *arg);

#endif							/* PAGESTORE_ADMIN_CHECK_TRY_H */
