/*
 * vacuum_dead_17.c
 *		VACUUM's dead TIDs as PostgreSQL 17 and later have them: a TidStore.
 */
#include "postgres.h"

#include "access/tidstore.h"
#include "am/vacuum_dead.h"
#include "commands/progress.h"
#include "pgstat.h"
#include "server/compat.h"

/* Little enough for a CPU's cache. */
#define LITTLE_MEMORY	((size_t) 32 * 1024 * 1024)

struct PsDead
{
	TidStore   *store;
	VacDeadItemsInfo *info;		/* shared with the workers, if there are any */
};

struct PsDeadIterator
{
	TidStoreIter *iterator;
};

static int
work_memory(void)
{
	return AmAutoVacuumWorkerProcess() && autovacuum_work_mem != -1 ?
		autovacuum_work_mem : maintenance_work_mem;
}

void
ps_dead_begin(PsVacuum *v, bool parallel, int workers)
{
	PsDead	   *dead = palloc0(sizeof(PsDead));

	v->dead = dead;
	if (parallel)
		v->parallel = parallel_vacuum_init(v->rel, v->indexes, v->nindexes, workers, work_memory(),
										   v->verbose ? INFO : DEBUG2, v->strategy);

	/* Core may have found no index worth a worker. */
	if (v->parallel)
		dead->store = parallel_vacuum_get_dead_items(v->parallel, &dead->info);
	else
	{
		dead->info = palloc(sizeof(VacDeadItemsInfo));
		dead->info->max_bytes = work_memory() * (size_t) 1024;
		dead->info->num_items = 0;
		dead->store = TidStoreCreateLocal(dead->info->max_bytes, true);
	}
}

void
ps_dead_end(PsVacuum *v)
{
	v->dead_bytes += TidStoreMemoryUsage(v->dead->store);
	v->dead_limit = v->dead->info->max_bytes;

	/* a shared one has ended with the workers */
	if (v->dead->store && !v->parallel)
		TidStoreDestroy(v->dead->store);
	v->dead = NULL;
}

int64
ps_dead_capacity(const PsDead *dead)
{
	return dead->info->max_bytes;
}

bool
ps_dead_has_room(const PsDead *dead)
{
	return dead->info->num_items == 0 || TidStoreMemoryUsage(dead->store) <= dead->info->max_bytes;
}

void
ps_dead_add(PsDead *dead, BlockNumber block, OffsetNumber *offsets, int n)
{
	const int	params[] = {PROGRESS_VACUUM_NUM_DEAD_ITEM_IDS, PROGRESS_VACUUM_DEAD_TUPLE_BYTES};
	int64		values[lengthof(params)];

	TidStoreSetBlockOffsets(dead->store, block, offsets, n);
	dead->info->num_items += n;
	values[0] = dead->info->num_items;
	values[1] = TidStoreMemoryUsage(dead->store);
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

int64
ps_dead_count(const PsDead *dead)
{
	return dead->info->num_items;
}

bool
ps_dead_is_little(const PsDead *dead, int64 n)
{
	return TidStoreMemoryUsage(dead->store) < LITTLE_MEMORY;
}

void
ps_dead_reset(PsVacuum *v)
{
	PsDead	   *dead = v->dead;

	v->dead_resets++;
	v->dead_bytes += TidStoreMemoryUsage(dead->store);
	if (v->parallel)
	{
		parallel_vacuum_reset_dead_items(v->parallel);
		dead->store = parallel_vacuum_get_dead_items(v->parallel, &dead->info);
		return;
	}
	TidStoreDestroy(dead->store);
	dead->store = TidStoreCreateLocal(dead->info->max_bytes, true);
	dead->info->num_items = 0;
}

IndexBulkDeleteResult *
ps_dead_bulkdelete(PsDead *dead, IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	return vac_bulkdel_one_index(info, stats, dead->store, dead->info);
}

PsDeadIterator *
ps_dead_iterate(PsDead *dead)
{
	PsDeadIterator *iterator = palloc(sizeof(PsDeadIterator));

	iterator->iterator = TidStoreBeginIterate(dead->store);
	return iterator;
}

BlockNumber
ps_dead_next(PsDeadIterator *iterator, OffsetNumber *offsets, int *n)
{
	TidStoreIterResult *result = TidStoreIterateNext(iterator->iterator);

	if (result == NULL)
		return InvalidBlockNumber;
	if (offsets)
	{
		*n = TidStoreGetBlockOffsets(result, offsets, MaxHeapTuplesPerPage);
		Assert(*n <= MaxHeapTuplesPerPage);
	}
	return result->blkno;
}

void
ps_dead_iterate_end(PsDeadIterator *iterator)
{
	TidStoreEndIterate(iterator->iterator);
	pfree(iterator);
}
