/*
 * fault.h
 *		I/O faults put in on purpose, by operation, file and count.
 *
 * The I/O layer asks before each operation of a relation's file.  Faults are
 * set by SQL (extension pagestore_test) in builds with PAGESTORE_DEBUG=1; in
 * others the question is a constant.
 */
#ifndef PAGESTORE_DEBUG_FAULT_H
#define PAGESTORE_DEBUG_FAULT_H

#include "postgres.h"
#include "port/atomics.h"
#include "server/compat.h"

typedef enum PsFaultOp
{
	PS_FAULT_OPEN,
	PS_FAULT_READ,				/* synchronous, or the result of an
								 * asynchronous one */
	PS_FAULT_WRITE,
	PS_FAULT_FSYNC,				/* by us; core's are not met */
	PS_FAULT_EXTEND,			/* allocation of space */
	PS_FAULT_SUBMIT				/* of asynchronous requests */
} PsFaultOp;
#define PS_NFAULT_OPS (PS_FAULT_SUBMIT + 1)

#ifdef PAGESTORE_DEBUG

extern pg_atomic_uint32 *ps_faults_armed;
extern int	ps_fault_reached(PsFaultOp op, RelFileLocator rlocator, Size *bytes);

/*
 * What is to happen to this operation: 0 (it goes on) or an errno to fail
 * with.  *bytes, if bytes is not NULL, is cut to what is to be transferred (a
 * short transfer).  May sleep (a late one).
 */
static inline int
ps_fault(PsFaultOp op, RelFileLocator rlocator, Size *bytes)
{
	if (likely(ps_faults_armed == NULL || pg_atomic_read_u32(ps_faults_armed) == 0))
		return 0;
	return ps_fault_reached(op, rlocator, bytes);
}

extern Size ps_fault_shmem_size(void);
extern void ps_fault_shmem_init(void);

#else
#define ps_fault(op, rlocator, bytes) 0
#endif

#endif							/* PAGESTORE_DEBUG_FAULT_H */
