/*
 * analyze_blocks_15.c
 *		Knowing the blocks that PostgreSQL 15's ANALYZE is going to sample.
 *
 * Core's acquire_sample_rows() tells an access method one block at a time, and
 * prefetches the next ones into the kernel's page cache, where they are of no
 * use to us.  Its choice can be known, though: it takes the table's size from
 * us, at once draws the sampler's seed from the backend's random generator,
 * reports how many blocks it wants as its progress, and begins the scan.  So
 * the generator's state at the first of these gives the seed.  Should that
 * ever be wrong, the scan notices at the first block.
 */
#include "postgres.h"

#include "am/analyze_blocks.h"
#include "commands/progress.h"
#include "common/pg_prng.h"
#include "page/origin.h"
#include "storage/bufmgr.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/sampling.h"

/* ANALYZE has asked for a table's size and not yet begun to scan it. */
typedef struct Upcoming
{
	Oid			table;			/* invalid: it has not */
	BlockNumber nblocks;
	pg_prng_state prng;
	int			prefetch;		/* maintenance_io_concurrency, to be restored */
} Upcoming;

static Upcoming upcoming;

static inline int64
progress(int param)
{
	return MyBEEntry->st_progress_param[param];
}

/* Is this backend's ANALYZE at the point where it chooses the blocks of this table? */
static bool
about_to_choose(Oid table)
{
	if (!MyBEEntry || !pgstat_track_activities ||
		MyBEEntry->st_progress_command != PROGRESS_COMMAND_ANALYZE)
		return false;
	if (progress(PROGRESS_ANALYZE_BLOCKS_TOTAL) != 0)
		return false;
	switch (progress(PROGRESS_ANALYZE_PHASE))
	{
		case PROGRESS_ANALYZE_PHASE_ACQUIRE_SAMPLE_ROWS:
			return MyBEEntry->st_progress_command_target == table;
		case PROGRESS_ANALYZE_PHASE_ACQUIRE_SAMPLE_ROWS_INH:
			return progress(PROGRESS_ANALYZE_CURRENT_CHILD_TABLE_RELID) == table;
		default:
			return false;
	}
}

/* Undone with ANALYZE's own level of settings at the latest, even by an error. */
static void
set_prefetch(int blocks)
{
	char		value[12];

	snprintf(value, sizeof(value), "%d", blocks);
	(void) set_config_option("maintenance_io_concurrency", value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
ps_analyze_sized(Relation rel, BlockNumber nblocks)
{
	if (!about_to_choose(RelationGetRelid(rel)) || ps_origin(rel) != PS_POOL)
		return;
	upcoming.table = RelationGetRelid(rel);
	upcoming.nblocks = nblocks;
	upcoming.prng = pg_global_prng_state;
	upcoming.prefetch = maintenance_io_concurrency;
	set_prefetch(0);
}

static BlockSampler
sampler_of(Relation rel)
{
	pg_prng_state prng = upcoming.prng;
	bool		ours = upcoming.table == RelationGetRelid(rel);
	BlockSampler blocks;

	upcoming.table = InvalidOid;
	if (!ours)
		return NULL;
	set_prefetch(upcoming.prefetch);

	blocks = palloc(sizeof(BlockSamplerData));
	(void) BlockSampler_Init(blocks, upcoming.nblocks,
							 (int) progress(PROGRESS_ANALYZE_BLOCKS_TOTAL),
							 pg_prng_uint32(&prng));
	return blocks;
}

void
ps_analyze_begin(PsScanDesc *scan)
{
	scan->sampled = sampler_of(scan->base.rs_rd);
}

/* ---- the blocks ---- */

static BlockNumber
next_sampled(void *arg)
{
	BlockSampler sampler = ((PsScanDesc *) arg)->sampled;

	return BlockSampler_HasMore(sampler) ? BlockSampler_Next(sampler) : InvalidBlockNumber;
}

/* The next page by the stream, as long as it and the sampler agree. */
static bool
follow_sampler(PsScanDesc *scan, BlockNumber block)
{
	if (!scan->sampled)
		return false;
	if (!scan->stream)
		scan->stream = ps_stream_begin(scan->base.rs_rd, next_sampled, scan, 0);
	if (ps_stream_next(scan->stream, &scan->pin) && scan->pin.block == block)
		return true;

	ps_stream_end(scan->stream);
	scan->stream = NULL;
	scan->sampled = NULL;
	return false;
}

static bool
next_analyzed_block(TableScanDesc base, BlockNumber blockno, BufferAccessStrategy strategy)
{
	PsScanDesc *scan = (PsScanDesc *) base;

	if (!follow_sampler(scan, blockno))
	{
		ps_unpin(&scan->pin);
		scan->pin = ps_pin(base->rs_rd, blockno);
	}
	scan->current = PS_NOT_JUDGED;
	return true;
}

void
ps_analyze_callbacks(TableAmRoutine *routine)
{
	routine->scan_analyze_next_block = next_analyzed_block;
}
