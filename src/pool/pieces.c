/*
 * pieces.c
 *		Sequence counters of pieces.
 */
#include "postgres.h"

#include "pool/pieces.h"
#include "port/atomics.h"
#include "storage/shmem.h"

#define PIECES 4096				/* counters; power of two */

/*
 * Writes in flight in the low 16 bits, writes begun and ended above: so the
 * count moves at each of both, and "in flight" is known whatever the number of
 * processes that write.  Atomics.
 */
static pg_atomic_uint64 *pieces;
#define PIECE_WRITER UINT64CONST(1)
#define PIECE_WRITERS UINT64CONST(0xFFFF)
#define PIECE_EVENT (UINT64CONST(1) << 16)

Size
ps_pieces_shmem_size(void)
{
	return PIECES * sizeof(pg_atomic_uint64);
}

void
ps_pieces_shmem_init(void)
{
	bool		found;

	pieces = ShmemInitStruct("pagestore pieces", ps_pieces_shmem_size(), &found);
	for (int i = 0; i < PIECES; i++)
		pg_atomic_init_u64(&pieces[i], 0);
}

static inline pg_atomic_uint64 *
piece_counter(RelFileLocator rlocator, BlockNumber block)
{
	PsTag		tag = {rlocator, block / PS_PIECE_PAGES};

	return &pieces[ps_tag_hash(&tag) % PIECES];
}

/* Counters of every piece of a run; two pieces may share one, which then counts twice. */
static void
piece_count(RelFileLocator rlocator, BlockNumber block, int npages, int64 change)
{
	BlockNumber first = block / PS_PIECE_PAGES;
	BlockNumber last = (block + npages - 1) / PS_PIECE_PAGES;

	for (BlockNumber piece = first; piece <= last; piece++)
		pg_atomic_fetch_add_u64(piece_counter(rlocator, piece * PS_PIECE_PAGES), change);
}

void
ps_piece_write_begin(RelFileLocator rlocator, BlockNumber block, int npages)
{
	piece_count(rlocator, block, npages, PIECE_EVENT + PIECE_WRITER);
}

void
ps_piece_write_end(RelFileLocator rlocator, BlockNumber block, int npages)
{
	Assert((pg_atomic_read_u64(piece_counter(rlocator, block)) & PIECE_WRITERS) > 0);
	piece_count(rlocator, block, npages, (int64) PIECE_EVENT - (int64) PIECE_WRITER);
}

uint32
ps_piece_sequence(RelFileLocator rlocator, BlockNumber block)
{
	uint64		value;

	/* orders the caller's reads of pages around this look, on either side */
	pg_memory_barrier();
	value = pg_atomic_read_u64(piece_counter(rlocator, block));
	pg_memory_barrier();
	return ((uint32) (value / PIECE_EVENT) << 1) | ((value & PIECE_WRITERS) != 0);
}
