/*
 * segment.h
 *		An open segment of a relation's main fork: internal to src/io.
 */
#ifndef PAGESTORE_IO_SEGMENT_H
#define PAGESTORE_IO_SEGMENT_H

#include "io/file.h"
#include "storage/fd.h"

typedef struct PsSegmentKey
{
	RelFileNode rnode;
	uint32		segno;
} PsSegmentKey;

/* One a process and segment; closed when its relation is invalidated. */
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

/* The segment, opened if need be (flags: more open(2) flags); NULL with errno. */
extern PsSegment *ps_segment_open(RelFileNode rnode, uint32 segno, int flags);

/* The segment that holds a block; ereport(elevel), ERROR or above, on failure.  NULL only if missing_ok. */
extern PsSegment *ps_segment_of_block(RelFileNode rnode, BlockNumber block, int flags, int elevel, bool missing_ok);

static inline off_t
ps_segment_offset(BlockNumber block)
{
	return (off_t) (block % RELSEG_SIZE) * BLCKSZ;
}

#endif							/* PAGESTORE_IO_SEGMENT_H */
