/*
 * try.h
 *		Something that may fail, and whose failure is not the statement's.
 */
#ifndef PAGESTORE_ADMIN_TRY_H
#define PAGESTORE_ADMIN_TRY_H

#include "postgres.h"

/*
 * Call the function in a subtransaction of its own.  NULL, or the error with
 * which it ended and was rolled back, copied into CurrentMemoryContext, which
 * the function is called in, too.
 */
extern ErrorData *ps_try(void (*function) (void *arg), void *arg);

#endif							/* PAGESTORE_ADMIN_TRY_H */
