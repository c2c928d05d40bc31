/*
 * refuse.h
 *		A library has called a function of the server that goes past the access
 *		method: the error that it gets.
 */
#ifndef PAGESTORE_AM_REFUSE_H
#define PAGESTORE_AM_REFUSE_H

#include "am/imports.h"
#include "utils/rel.h"

/* ereport(ERROR) if the pool has the table.  The library is told by an address in it. */
extern void ps_refuse_call(Relation rel, const char *function, const void *caller);

/*
 * Does autoprewarm read a table that the pool has?  Its list may have pages
 * that shared buffers owned once.  Read from the file while the pool writes
 * them, they may be torn, and that error would keep the worker from all that
 * comes after; so it gets none of them, and goes on.
 */
extern bool ps_is_autoprewarm_of(Relation rel);

/* A guard has its function's type, and a parameter "rel". */
#define PS_GUARD(type, function, parameters, arguments) \
	static type \
	guarded_##function parameters \
	{ \
		ps_refuse_call(rel, #function, __builtin_return_address(0)); \
		return function arguments; \
	}
#define PS_GUARD_BY_NAME(type, name, parameters, arguments) PS_GUARD(type, name, parameters, arguments)

#define PS_IMPORT(function) {#function, (PsFunction) guarded_##function}
#define PS_IMPORT_BY_NAME(name) PS_IMPORT(name)

#endif							/* PAGESTORE_AM_REFUSE_H */
