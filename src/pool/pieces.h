/*
 * pieces.h
 *		Sequence counters of pieces, which tell whether one of their pages was
 *		written to disk.
 *
 * A piece is PS_PIECE_PAGES adjacent blocks of a relation.  For reads around
 * the pool: note the counter, which must be even, then read; at use look the
 * page up in the pool first, then compare the counter.
 */
#ifndef PAGESTORE_POOL_PIECES_H
#define PAGESTORE_POOL_PIECES_H

#include "pool/tag.h"

#define PS_PIECE_PAGES 64

/* The counter of the piece that holds the block: odd while one of its pages is being written. */
extern uint32 ps_piece_sequence(RelFileLocator rlocator, BlockNumber block);

/*
 * Around every write to disk of a run of adjacent pages, which may span
 * pieces; in pairs, also when the write fails.
 */
extern void ps_piece_write_begin(RelFileLocator rlocator, BlockNumber block, int npages);
extern void ps_piece_write_end(RelFileLocator rlocator, BlockNumber block, int npages);

extern Size ps_pieces_shmem_size(void);
extern void ps_pieces_shmem_init(void);

#endif							/* PAGESTORE_POOL_PIECES_H */
