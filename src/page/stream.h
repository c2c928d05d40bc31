/*
 * stream.h
 *		Pages in a known order, read ahead.
 *
 * A scan that knows which blocks come next gives a callback; the stream keeps
 * reads in flight ahead of it.  Adjacent blocks are read in one request.  With
 * PS_STREAM_AROUND_POOL and a relation larger than a quarter of the pool and
 * than what is free in it, runs of blocks are read in contiguous pieces into
 * the scan's own ring in huge pages (doc/architecture.md, Around the pool),
 * unless the table is read again and again and there is room (pool/pass.h);
 * pages resident in the pool are taken from there.  Shared buffers serve a scan
 * of a table larger than a quarter of them by core's bulk-read strategy, unless
 * its blocks lie apart.
 */
#ifndef PAGESTORE_PAGE_STREAM_H
#define PAGESTORE_PAGE_STREAM_H

#include "page/pin.h"

/* Next block of the scan, InvalidBlockNumber at the end.  Called ahead of use; must not touch pages. */
typedef BlockNumber (*PsStreamNext) (void *arg);

#define PS_STREAM_AROUND_POOL	1	/* MVCC and not serializable, or rows that
									 * nobody changes: private page images
									 * will do */

#define PS_STREAM_SCATTERED		2	/* blocks lie apart: in buffers by core's
									 * prefetching, as far as
									 * effective_io_concurrency says, and
									 * without its bulk-read strategy */

#define PS_STREAM_BACKWARD		4	/* the callback names blocks in descending
									 * order */

typedef struct PsStream PsStream;

/* Allocated in CurrentMemoryContext; freed by ps_stream_end() or, on error, by its context and resource owner. */
extern PsStream *ps_stream_begin(Relation rel, PsStreamNext next, void *arg, int flags);

/*
 * Never ask the callback for more than this many blocks ahead of the one
 * handed out last: it takes them from a supply that other processes share.
 */
extern void ps_stream_limit(PsStream *stream, BlockNumber blocks);

/*
 * Of the pages that this stream brings into the pool only so many are to be
 * there at a time, those read ahead among them; the others leave when they have
 * been used, if nobody else wants them.
 */
extern void ps_stream_let_stay(PsStream *stream, int pages);

/* Add to these counts, which live as long as the stream: EXPLAIN (IO), from server 19 on. */
extern void ps_stream_tell_io(PsStream *stream, IOStats *io);

/* Move *pin to the next page of the stream (unpinning what it held); false at the end, with *pin empty. */
extern bool ps_stream_next(PsStream *stream, PsPin *pin);

/* Forget what was read ahead; the next ps_stream_next() asks the callback afresh.  flags as in begin. */
extern void ps_stream_reset(PsStream *stream, int flags);
extern void ps_stream_end(PsStream *stream);

#endif							/* PAGESTORE_PAGE_STREAM_H */
