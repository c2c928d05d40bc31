/*
 * vacuum_dead_15.c
 *		VACUUM's dead TIDs as PostgreSQL 15 has them: an array, in order.
 */
#include "postgres.h"

#include "am/vacuum_dead.h"
#include "commands/progress.h"
#include "pgstat.h"
#include "server/compat.h"
#include "utils/memutils.h"

/* Few enough for a CPU's cache. */
#define LITTLE_MEMORY	(INT64CONST(32) * 1024 * 1024)

struct PsDead
{
	VacDeadItems *items;
};

struct PsDeadIterator
{
	const VacDeadItems *items;
	int			index;
};

static int
capacity(const PsVacuum *v)
{
	int64		memory = maintenance_work_mem;
	int64		n;

	/* Without indexes a page is done before the next one is begun. */
	if (v->nindexes == 0)
		return MaxHeapTuplesPerPage;

	if (AmAutoVacuumWorkerProcess() && autovacuum_work_mem != -1)
		memory = autovacuum_work_mem;
	n = MAXDEADITEMS(Min(memory * 1024, (int64) MaxAllocSize));
	n = Min(n, INT_MAX);
	n = Min(n, (int64) v->pages * MaxHeapTuplesPerPage);
	return Max(n, MaxHeapTuplesPerPage);
}

void
ps_dead_begin(PsVacuum *v, bool parallel, int workers)
{
	int			n = capacity(v);

	v->dead = palloc(sizeof(PsDead));
	if (parallel)
		v->parallel = parallel_vacuum_init(v->rel, v->indexes, v->nindexes, workers, n,
										   v->verbose ? INFO : DEBUG2, v->strategy);

	/* Core may have found no index worth a worker. */
	if (v->parallel)
		v->dead->items = parallel_vacuum_get_dead_items(v->parallel);
	else
	{
		v->dead->items = palloc(vac_max_items_to_alloc_size(n));
		v->dead->items->max_items = n;
		v->dead->items->num_items = 0;
	}
}

void
ps_dead_end(PsVacuum *v)
{
	v->dead = NULL;
}

int64
ps_dead_capacity(const PsDead *dead)
{
	return dead->items->max_items;
}

bool
ps_dead_has_room(const PsDead *dead)
{
	return dead->items->max_items - dead->items->num_items >= MaxHeapTuplesPerPage;
}

void
ps_dead_add(PsDead *dead, BlockNumber block, OffsetNumber *offsets, int n)
{
	VacDeadItems *items = dead->items;

	Assert(items->num_items + n <= items->max_items);
	for (int i = 0; i < n; i++)
	{
		ItemPointer tid = &items->items[items->num_items++];

		ItemPointerSet(tid, block, offsets[i]);
	}
	pgstat_progress_update_param(PROGRESS_VACUUM_NUM_DEAD_TUPLES, items->num_items);
}

int64
ps_dead_count(const PsDead *dead)
{
	return dead->items->num_items;
}

bool
ps_dead_is_little(const PsDead *dead, int64 n)
{
	return n < MAXDEADITEMS(LITTLE_MEMORY);
}

void
ps_dead_reset(PsVacuum *v)
{
	v->dead->items->num_items = 0;
}

IndexBulkDeleteResult *
ps_dead_bulkdelete(PsDead *dead, IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	return vac_bulkdel_one_index(info, stats, dead->items);
}

PsDeadIterator *
ps_dead_iterate(PsDead *dead)
{
	PsDeadIterator *iterator = palloc(sizeof(PsDeadIterator));

	iterator->items = dead->items;
	iterator->index = 0;
	return iterator;
}

BlockNumber
ps_dead_next(PsDeadIterator *iterator, OffsetNumber *offsets, int *n)
{
	const VacDeadItems *items = iterator->items;
	BlockNumber block;
	int			found = 0;

	if (iterator->index == items->num_items)
		return InvalidBlockNumber;
	block = ItemPointerGetBlockNumber(&items->items[iterator->index]);
	for (; iterator->index < items->num_items; iterator->index++)
	{
		const ItemPointerData *tid = &items->items[iterator->index];

		if (ItemPointerGetBlockNumber(tid) != block)
			break;
		if (offsets)
			offsets[found++] = ItemPointerGetOffsetNumber(tid);
	}
	if (offsets)
		*n = found;
	return block;
}

void
ps_dead_iterate_end(PsDeadIterator *iterator)
{
	pfree(iterator);
}
