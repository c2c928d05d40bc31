/*
 * pass.c
 *		Passes over tables that are too large to come into the pool unasked.
 *
 * What a table that comes again would push out is known by a sample: when a
 * pass begins, some frames are marked IDLE and what they hold is noted.  At
 * the beginning of the next one a frame may be taken if it is still IDLE, or
 * if its page has given way to another meanwhile; but not if that one belongs
 * to a table that was let in by this rule, and is worth as much.
 */
#include "postgres.h"

#include "pool/frame.h"
#include "pool/pass.h"
#include "pool/pool.h"
#include "pool/stats.h"
#include "pool/table.h"
#include "storage/shmem.h"

#define PASSES 32				/* tables remembered */
#define SAMPLES 128				/* frames of a sample */

typedef struct Sample
{
	PsFrame		frame;
	uint32		page;			/* hash of its tag */
} Sample;

typedef struct Pass
{
	RelFileLocator rlocator;	/* relNumber InvalidOid: none */
	uint64		number;			/* of its beginning */
	uint64		evictions;		/* of the pool's life, then */
	BlockNumber nblocks;		/* of the table, then */
	BlockNumber seen;			/* pages read so far */
	uint32		room;			/* pages that may still come in */
	int64		frames;			/* with so many all of it would have been
								 * there; 0: it has not come again */
	bool		let_in;			/* some have, in this pass or one before */
	uint32		nsamples;
	Sample		samples[SAMPLES];
} Pass;

typedef struct Passes
{
	PsLock		lock;			/* guards all below */
	uint64		number;			/* of the last pass begun */
	Pass		passes[PASSES];
} Passes;

static Passes *shared;

Size
ps_passes_shmem_size(void)
{
	return sizeof(Passes);
}

void
ps_passes_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pagestore passes", sizeof(Passes), &found);
	memset(shared, 0, sizeof(Passes));
	ps_lock_init(&shared->lock, ps_tranche(PS_TRANCHE_PASS));
}

/* The table's last pass; NULL if none is remembered. */
static Pass *
pass_of(RelFileLocator rlocator) PS_REQUIRES(shared->lock)
{
	for (int i = 0; i < PASSES; i++)
		if (RelFileLocatorEquals(shared->passes[i].rlocator, rlocator))
			return &shared->passes[i];
	return NULL;
}

/* In place of the one that began longest ago. */
static Pass *
new_pass(RelFileLocator rlocator) PS_REQUIRES(shared->lock)
{
	Pass	   *oldest = &shared->passes[0];

	for (int i = 1; i < PASSES; i++)
		if (shared->passes[i].number < oldest->number)
			oldest = &shared->passes[i];
	oldest->rlocator = rlocator;
	oldest->let_in = false;
	return oldest;
}

/* The page in the frame has come since the last pass: is it as good as one of this table? */
static bool
comes_again(const Pass *pass, const PsTag *tag) PS_REQUIRES(shared->lock)
{
	const Pass *other;

	if (RelFileLocatorEquals(tag->rlocator, pass->rlocator))
		return true;
	other = pass_of(tag->rlocator);
	return other != NULL && other->let_in;
}

/* Nobody has had any use for the frame since the sample was taken. */
static bool
is_to_be_had(const Pass *pass, const Sample *sample) PS_REQUIRES(shared->lock)
{
	uint32		state;
	PsTag		tag;

	if (!ps_frame_glance(sample->frame, &state, &tag) || PS_PINS(state) > 0)
		return false;			/* free ones are counted apart */
	if (ps_tag_hash(&tag) == sample->page)
		return (state & PS_IDLE) != 0;
	return !comes_again(pass, &tag);
}

/* Frames that the table may have: free ones, and by what has become of the sample. */
static uint32
frames_to_be_had(const Pass *pass) PS_REQUIRES(shared->lock)
{
	uint32		n = 0;

	for (uint32 i = 0; i < pass->nsamples; i++)
		if (is_to_be_had(pass, &pass->samples[i]))
			n++;
	return ps_frames_free() +
		(pass->nsamples > 0 ? (uint64) ps_frames_used() * n / pass->nsamples : 0);
}

/* As many as there are, and for the pages that are not here. */
static int64
frames_for_all(RelFileLocator rlocator, BlockNumber nblocks)
{
	return (int64) ps_frames_total() + nblocks - Min(ps_table_pages_of(&rlocator), nblocks);
}

/* One frame out of each of as many equal parts of those in use, another one each time. */
static void
take_sample(Pass *pass) PS_REQUIRES(shared->lock)
{
	uint64		used = ps_frames_used();

	pass->nsamples = Min(used, SAMPLES);
	for (uint32 i = 0; i < pass->nsamples; i++)
	{
		uint64		first = used * i / pass->nsamples;
		uint64		end = used * (i + 1) / pass->nsamples;
		PsTag		draw = {pass->rlocator, (BlockNumber) (pass->number + i)};
		PsFrame		frame = first + ps_tag_hash(&draw) % (end - first);
		uint32		state;
		PsTag		tag;

		ps_frame_mark_idle(frame);
		pass->samples[i].frame = frame;
		pass->samples[i].page = ps_frame_glance(frame, &state, &tag) ? ps_tag_hash(&tag) : 0;
	}
}

bool
ps_pass_join(RelFileLocator rlocator, BlockNumber nblocks, int64 *frames)
{
	uint64		evictions = ps_counter_sum(PS_COUNT_EVICTIONS);
	Pass	   *pass;
	bool		admits;

	ps_lock_exclusive(&shared->lock);
	pass = pass_of(rlocator);
	if (pass == NULL || pass->seen >= pass->nblocks)
	{
		uint32		room = 0;
		int64		for_all = 0;

		if (pass == NULL)
			pass = new_pass(rlocator);
		else if (evictions - pass->evictions <= (uint64) ps_frames_total() * 3 / 2)
		{
			room = frames_to_be_had(pass);
			for_all = frames_for_all(rlocator, nblocks);
		}
		else
			pass->let_in = false;
		pass->number = ++shared->number;
		pass->evictions = evictions;
		pass->nblocks = nblocks;
		pass->seen = 0;
		pass->room = room;
		pass->frames = for_all;
		take_sample(pass);
	}
	admits = pass->room > 0;
	*frames = pass->frames;
	ps_unlock(&shared->lock);
	return admits;
}

bool
ps_pass_brought_in(RelFileLocator rlocator, uint32 npages)
{
	bool		admits = false;
	Pass	   *pass;

	ps_lock_exclusive(&shared->lock);
	pass = pass_of(rlocator);
	if (pass != NULL)
	{
		pass->room -= Min(pass->room, npages);
		pass->let_in |= npages > 0;
		admits = pass->room > 0;
	}
	ps_unlock(&shared->lock);
	return admits;
}

void
ps_pass_count(RelFileLocator rlocator, uint32 npages)
{
	Pass	   *pass;

	ps_lock_exclusive(&shared->lock);
	pass = pass_of(rlocator);
	if (pass != NULL)
		pass->seen += Min(npages, PG_UINT32_MAX - pass->seen);
	ps_unlock(&shared->lock);
}
