/*
 * vm.h
 *		Set visibility map bits for a page of ours.
 *
 * Core's visibilitymap_set() wants the table page as a Buffer; clearing,
 * testing and counting are core's own (access/visibilitymap.h).
 */
#ifndef PAGESTORE_ROW_VM_H
#define PAGESTORE_ROW_VM_H

#include "access/visibilitymap.h"
#include "page/guard.h"

/*
 * Set VM bits (VISIBILITYMAP_*) for the guard's page, with WAL
 * (XLOG_HEAP2_VISIBLE).  vmbuf is pinned for the page by visibilitymap_pin(),
 * not locked.  The page's PD_ALL_VISIBLE is set already, and the page marked
 * dirty if that changed it.  cutoff_xid: newest xid a standby must not show as
 * running.
 */
extern void ps_vm_set(PsWrite *guard, Buffer vmbuf, TransactionId cutoff_xid, uint8 flags)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_VM_H */
