/*
 * segment.h
 *		Open segments of main forks: this process's cache of descriptors.
 */
#ifndef PAGESTORE_IO_SEGMENT_H
#define PAGESTORE_IO_SEGMENT_H

#include "postgres.h"
#include "server/compat.h"
#include "storage/block.h"
#include "storage/fd.h"

typedef struct PsSegmentKey
{
	RelFileLocator rlocator;
	uint32		segno;
} PsSegmentKey;

/* One per process and segment; closed when its relation is invalidated. */
typedef struct PsSegment
{
	PsSegmentKey key;
	File		file;			/* open when ps_segment_open() returns it; use
								 * its descriptor at once */
	bool		direct;			/* opened O_DIRECT */
	off_t		allocated;		/* disk space is known to be allocated up to
								 * here */
	off_t		seen;			/* size when we grew it last: smaller since
								 * means truncated */
} PsSegment;

/*
 * The segment, opened if need be (flags: more open(2) flags); NULL with errno.
 * O_DIRECT, unless the file system refuses that.  The descriptor may be closed
 * by the next call that opens a file.
 */
extern PsSegment *ps_segment_open(RelFileLocator rlocator, uint32 segno, int flags);

/* The segment that holds a block; ereport(elevel), ERROR or above, on failure.  NULL only if missing_ok. */
extern PsSegment *ps_segment_of_block(RelFileLocator rlocator, BlockNumber block, int flags, int elevel, bool missing_ok);

extern void ps_segment_close(PsSegment *segment);

/*
 * An aligned transfer has ended with result: did the file system refuse
 * O_DIRECT?  Then the segment is closed, and will be opened buffered.
 */
extern bool ps_segment_refuses_direct(PsSegment *segment, ssize_t result);

/*
 * Blocks of the main fork, by the sizes of its files.  False if it has none or
 * they can't be looked at.  Opens nothing, and does not throw.
 */
extern bool ps_segments_size(RelFileLocator rlocator, BlockNumber *nblocks);

/* The path of a segment, palloc'd. */
extern char *ps_segment_path(RelFileLocator rlocator, uint32 segno);

static inline off_t
ps_segment_offset(BlockNumber block)
{
	return (off_t) (block % RELSEG_SIZE) * BLCKSZ;
}

/*
 * Close what this process has open of files that were invalidated.  Any use of
 * a file does it; a worker that idles calls it now and then, so as not to hold
 * on to the space of dropped files.
 */
extern void ps_file_close_stale(void);

/*
 * After files with contents have been unlinked: have idle processes close what
 * they have of files that were invalidated, so that the space comes back soon.
 */
extern void ps_file_wake_idle(void);

/* In _PG_init. */
extern void ps_segment_init_hooks(void);

#endif							/* PAGESTORE_IO_SEGMENT_H */
