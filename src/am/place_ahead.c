/*
 * place_ahead.c
 *		Reading ahead the pages that the next rows will go to.
 *
 * A search of the free space map goes on where the last one ended, so that
 * whoever puts many rows into a table's free room gets its pages in the order
 * of the map: the next ones with enough space.  They are looked for here
 * without moving the map's own pointer, which all processes share.  The first
 * is only foreseen; if it comes, reading ahead begins, and goes twice as far
 * with each page that was foreseen.  It ends with the transaction: one that
 * puts a row or two somewhere reads nothing ahead.  While all pages are found
 * in memory nobody looks.
 */
#include "postgres.h"

#include "access/xact.h"
#include "am/place_ahead.h"
#include "executor/instrument.h"
#include "page/origin.h"
#include "page/pin.h"
#include "page/storage.h"
#include "pgstat.h"
#include "server/compat.h"
#include "storage/freespace.h"

#define DEPTH_MAX 64			/* most pages foreseen */
#define LOOK_PER_PAGE 32		/* most blocks looked at for each of them */

/* The table that this process last needed room in, and by which transaction. */
static RelFileLocator table;
static TransactionId during = InvalidTransactionId;
static BlockNumber current = InvalidBlockNumber;	/* the block its rows go
													 * to */
static BlockNumber foreseen[DEPTH_MAX]; /* blocks after that, in order */
static int	nforeseen;
static int	depth;				/* how many there should be; 1: to be read
								 * when they come */
static BlockNumber looked;		/* so far into the map */
static int64 reads;				/* this process's, when the block came */

/* Did it come as foreseen, by us or through another process, which passed some on to itself? */
static bool
comes_as_foreseen(Relation rel, BlockNumber block)
{
	return RelFileLocatorEquals(table, rel->rd_locator) && nforeseen > 0 &&
		TransactionIdEquals(during, GetTopTransactionIdIfAny()) &&
		block >= foreseen[0] && block <= foreseen[nforeseen - 1];
}

static void
pass_block(BlockNumber block)
{
	int			passed = 0;

	while (passed < nforeseen && foreseen[passed] <= block)
		passed++;
	nforeseen -= passed;
	memmove(foreseen, foreseen + passed, nforeseen * sizeof(foreseen[0]));
}

static void
begin_at(Relation rel, BlockNumber block)
{
	table = rel->rd_locator;
	during = GetTopTransactionIdIfAny();
	nforeseen = 0;
	depth = 1;
	looked = block + 1;
}

/* The statistics of the table do not count these looks at its map: heap has none. */
static void
foresee(Relation rel, Size want)
{
	BlockNumber nblocks = ps_nblocks(rel);
	int			looks = LOOK_PER_PAGE * (depth - nforeseen);
	bool		counts = pgstat_should_count_relation(rel);
	PgStat_TableCounts saved;

	if (counts)
		saved = ps_table_counts(rel);
	for (; nforeseen < depth && looks > 0 && looked < nblocks; looks--, looked++)
		if (GetRecordedFreeSpace(rel, looked) >= want)
			foreseen[nforeseen++] = looked;
	if (counts)
		ps_table_counts(rel) = saved;
}

static void
look_into_map(Relation rel, Size want)
{
	int			first = nforeseen;

	foresee(rel, want);
	if (depth > 1)
		(void) ps_prefetch(rel, &foreseen[first], nforeseen - first);
}

void
ps_place_ahead(Relation rel, BlockNumber block, Size want)
{
	bool		reading = reads != pgBufferUsage.shared_blks_read;

	if (block == current && RelFileLocatorEquals(table, rel->rd_locator))
		return;
	reads = pgBufferUsage.shared_blks_read;
	if (comes_as_foreseen(rel, block))
		depth = Min(depth * 2, Min(DEPTH_MAX, Max((int) ps_cache_size(PS_POOL) / 16, 1)));
	else
		begin_at(rel, block);
	current = block;
	pass_block(block);

	/* not for each page, so that adjacent ones are asked for together */
	if (reading && nforeseen <= depth / 2)
		look_into_map(rel, want);
}
