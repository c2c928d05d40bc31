/*
 * file.h
 *		A relation's main fork as files opened O_DIRECT.
 *
 * The files and their 1 GB segments are core's own (storage/smgr/md.c); only
 * the way in is ours.  All block numbers are relation-wide; a request never
 * crosses a segment (callers split with ps_file_run()).  Buffers, lengths and
 * offsets are multiples of PS_IO_ALIGN.
 */
#ifndef PAGESTORE_IO_FILE_H
#define PAGESTORE_IO_FILE_H

#include "postgres.h"
#include "io/request.h"
#include "server/compat.h"
#include "storage/block.h"
#include "utils/rel.h"

/* Pages from block to the end of its segment, at most wanted. */
static inline int
ps_file_run(BlockNumber block, int wanted)
{
	BlockNumber left = RELSEG_SIZE - block % RELSEG_SIZE;

	return Min(left, (BlockNumber) wanted);
}

/*
 * Descriptor of a block's segment.  Returns -1 with errno ENOENT when it is
 * not there and missing_ok; other failures ereport(ERROR).  The descriptor
 * belongs to a backend-local cache (VFDs): use it at once.  Where the file
 * system refuses O_DIRECT the file is opened buffered, which is logged once
 * for each tablespace.
 */
extern int	ps_file_fd(RelFileLocator rlocator, BlockNumber block, bool missing_ok);

/*
 * Read npages pages (one segment) into iov, synchronously; short reads are
 * continued.  Returns the number of whole pages read: fewer than npages only
 * at the end of the file.  ereport(ERROR) on I/O errors.
 */
extern int	ps_file_read(RelFileLocator rlocator, BlockNumber block, int npages,
						 struct iovec *iov, int niov);

/*
 * Write npages pages (one segment) from iov, synchronously; short writes are
 * continued.  Returns false, having written nothing, when the file is gone
 * (missing, unlinked: link count 0, or its tablespace is dropped) or the block
 * lies past its end; ereport(elevel), ERROR or above, on I/O errors and when
 * the file's directory is missing, which may return.  The caller asks for the
 * fsync.  Never extends a file.
 */
extern bool ps_file_write(RelFileLocator rlocator, BlockNumber block, int npages,
						  struct iovec *iov, int niov, int elevel);

/*
 * Descriptor for writes of blocks first to last of one segment, to be used at
 * once; -1 where not all of them are to be written, whatever the cause, which
 * ps_file_write() tells.
 */
extern int	ps_file_fd_for_writes(RelFileLocator rlocator, BlockNumber first, BlockNumber last);

/*
 * Ask the checkpointer to fsync the segment of block at its next checkpoint.
 * Where it takes no more requests it is done here, at once: a failure is
 * data_sync_elevel(ERROR), a missing file is fine.
 */
extern void ps_file_request_sync(RelFileLocator rlocator, BlockNumber block);

/* Number of blocks by the file's size (core's md.c rules over segments). */
extern BlockNumber ps_file_nblocks(Relation rel);

/* Drop clean pages of the relation's files from the kernel's page cache. */
extern void ps_file_drop_page_cache(RelFileLocator rlocator);

#endif							/* PAGESTORE_IO_FILE_H */
