/*
 * batch.h
 *		Many dirty pages to disk, many writes at a time.
 */
#ifndef PAGESTORE_POOL_BATCH_H
#define PAGESTORE_POOL_BATCH_H

#include "pool/flush.h"

/*
 * As ps_flush_page() for each of them: sorted by relation and block, each once.
 * Uses the array up.  ereport(ERROR) as there, but after all pages whose first
 * try went well are written.
 */
extern void ps_flush_pages(PsTag *tags, uint32 n, PsPageFilter filter, void *arg,
						   PsFlushReason reason, bool wait);

#endif							/* PAGESTORE_POOL_BATCH_H */
