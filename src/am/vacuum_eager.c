/*
 * vacuum_eager.c
 *		All-visible pages that a normal VACUUM looks at, to freeze them before an
 *		aggressive one must.
 */
#include "postgres.h"

#include "access/multixact.h"
#include "access/transam.h"
#include "access/visibilitymap.h"
#include "am/vacuum_eager.h"
#include "common/pg_prng.h"
#include "server/compat.h"

#define REGION		((BlockNumber) 4096)

/* Of the pages that are visible and not frozen, the most that one run freezes this way. */
#define MOST_FROZEN	0.2

/*
 * Pages are chosen ahead of their use, and the limits count what became of
 * them: a few more than the limits say may be looked at.
 */
struct PsEager
{
	BlockNumber next_region;	/* its first block; invalid: no eager scanning
								 * (any more) */
	BlockNumber failures_allowed;	/* in each region */
	BlockNumber failures_left;	/* in this one */
	BlockNumber most_frozen;
	BlockNumber to_freeze;		/* as many as are left of these */
	BlockNumber scanned;

	/* chosen and not yet looked at: a ring, whose room is a power of 2 */
	BlockNumber *chosen;
	uint32		room;
	uint32		first;			/* these two wrap around */
	uint32		end;
};

/* Rows older than the limits are frozen, others seldom: is there any that old? */
static bool
has_old_rows(const PsVacuum *v)
{
	const struct VacuumCutoffs *c = &v->cutoffs;

	return (TransactionIdIsNormal(c->relfrozenxid) && TransactionIdPrecedes(c->relfrozenxid, c->FreezeLimit)) ||
		(MultiXactIdIsValid(c->relminmxid) && MultiXactIdPrecedes(c->relminmxid, c->MultiXactCutoff));
}

void
ps_eager_begin(PsVacuum *v, double failure_rate)
{
	PsEager    *e = palloc0(sizeof(PsEager));
	BlockNumber visible,
				frozen;
	BlockNumber start;

	Assert(failure_rate >= 0 && failure_rate <= 1);
	v->eager = e;
	e->next_region = InvalidBlockNumber;
	if (failure_rate == 0 || v->aggressive || v->pages < 2 * REGION || !has_old_rows(v))
		return;
	visibilitymap_count(v->rel, &visible, &frozen);
	e->most_frozen = e->to_freeze = (BlockNumber) (MOST_FROZEN * (visible - Min(frozen, visible)));
	if (e->to_freeze == 0)
		return;

	/*
	 * Another start each time, lest the same pages be looked at in vain again
	 * and again.
	 */
	start = pg_prng_uint32(&pg_global_prng_state) % REGION;
	e->next_region = start;
	e->failures_allowed = failure_rate * REGION;
	e->failures_left = e->failures_allowed * (1 - (double) start / REGION);
	e->room = 64;
	e->chosen = palloc(e->room * sizeof(BlockNumber));
}

void
ps_eager_reach(PsVacuum *v, BlockNumber block)
{
	PsEager    *e = v->eager;

	if (block < e->next_region)
		return;
	e->failures_left = e->failures_allowed;
	e->next_region += REGION;
}

/* Twice the room; what is in the ring stays in order. */
static void
grow_ring(PsEager *e)
{
	uint32		n = e->end - e->first;
	BlockNumber *larger = palloc(2 * e->room * sizeof(BlockNumber));

	for (uint32 i = 0; i < n; i++)
		larger[i] = e->chosen[(e->first + i) & (e->room - 1)];
	pfree(e->chosen);
	e->chosen = larger;
	e->room *= 2;
	e->first = 0;
	e->end = n;
}

bool
ps_eager_choose(PsVacuum *v, BlockNumber block)
{
	PsEager    *e = v->eager;

	if (e->failures_left == 0)
		return false;
	if (e->end - e->first == e->room)
		grow_ring(e);
	Assert(e->end == e->first || e->chosen[(e->end - 1) & (e->room - 1)] < block);
	e->chosen[e->end++ & (e->room - 1)] = block;
	return true;
}

bool
ps_eager_chosen(PsVacuum *v, BlockNumber block)
{
	PsEager    *e = v->eager;

	if (e->end == e->first || e->chosen[e->first & (e->room - 1)] != block)
		return false;
	e->first++;
	e->scanned++;
	return true;
}

void
ps_eager_done(PsVacuum *v, bool frozen)
{
	PsEager    *e = v->eager;

	if (!frozen)
	{
		if (e->failures_left > 0)
			e->failures_left--;
		return;
	}
	if (e->to_freeze > 0)
		e->to_freeze--;
	if (e->to_freeze > 0 || e->failures_allowed == 0)
		return;
	ereport(v->verbose ? INFO : DEBUG2,
			(errmsg("disabling eager scanning after freezing %u eagerly scanned blocks of relation \"%s.%s.%s\"",
					e->most_frozen, v->database, v->schema, v->name)));
	e->failures_left = e->failures_allowed = 0;
	e->next_region = InvalidBlockNumber;
}

BlockNumber
ps_eager_scanned(const PsVacuum *v)
{
	return v->eager->scanned;
}
