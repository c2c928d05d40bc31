/*
 * imports.h
 *		Functions of the server that other libraries call, bound to ours.
 */
#ifndef PAGESTORE_AM_IMPORTS_H
#define PAGESTORE_AM_IMPORTS_H

typedef void (*PsFunction) (void);

typedef struct PsImport
{
	const char *name;			/* a function that the server exports */
	PsFunction	ours;			/* of the same type; calls it in the end */
} PsImport;

/*
 * From now on calls of these functions by any library of this process and of
 * those forked from it, loaded already or later, reach ours; those by the
 * server itself and by this library do not.  The list must stay.  Once, in
 * _PG_init.  Logs which library could not be bound, if there is one.
 */
extern void ps_imports_bind(const PsImport *imports, int n);

#endif							/* PAGESTORE_AM_IMPORTS_H */
