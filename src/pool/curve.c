/*
 * curve.c
 *		What was used lately, and how much of it pools of other sizes would
 *		have had.
 *
 * The list by last use is cut into zones: pages in the first one would be in
 * the smallest pool, those in the second one in the next larger one, and so on.
 * Each page knows its zone, and each zone that is full the last page in it.
 *
 *	newest									 oldest
 *	  p  p  p | p  p  p | p  p  p | ... | p  p
 *			^		  ^			^		  last[] of the zones that are full
 *	  zone 0	zone 1	  zone 2	...
 *
 * A page that is used goes to the front, and the last page of each zone before
 * its old place goes on into the next one: so a use costs no more steps than
 * there are zones, however long the list is.
 *
 * Nothing here compares numbers of sampled with numbers of all accesses.  What
 * a pool of another size would have hit is the difference of two sums of found
 * pages, times what a page of the sample stands for.  So it does not matter
 * whether the few pages that are used most are in the sample, or that a use is
 * left out where many processes are at one page: those are found in the first
 * zone, which is in both sums.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pool/curve.h"
#include "pool/frame.h"
#include "pool/pool.h"
#include "pool/stats.h"
#include "storage/shmem.h"

#define SAMPLED_LEAST 256		/* pages of the sample in the pool: from so
								 * many to less than twice as many */
#define PAGES_MOST (2 * SAMPLED_LEAST * 16)
#define BUCKETS 4096			/* power of two */
#define NONE PG_UINT16_MAX		/* no page */

#define MEMORY_TURNS 256		/* accesses for each page of the memory before
								 * counts are halved */
#define LOOK_EACH 256			/* uses of the sample until it is looked
								 * whether there were that many */

static const int eighths[PS_CURVE_SIZES] = PS_CURVE_EIGHTHS;

typedef struct SampledPage
{
	uint32		hash;			/* of its tag; taken for the page */
	uint16		newer;
	uint16		older;
	uint16		next;			/* in its bucket */
	uint8		zone;
} SampledPage;

/* Pages that all processes have counted, since the start. */
typedef struct Sums
{
	int64		pool_accesses;
	int64		pool_reads;
	int64		shared_accesses;
	int64		shared_reads;
	int64		shared_evicting;
} Sums;

typedef struct Curve
{
	PsLock		lock;			/* guards all below */

	/* what has been counted lately is what goes beyond the base */
	uint32		frames;			/* of the pool, while that was counted */
	Sums		base;
	int64		found[PS_CURVE_SIZES];	/* recent hits, by zone */
	uint32		uses;			/* of the sample */

	uint32		n;				/* pages in the list */
	uint16		newest;
	uint16		oldest;
	uint16		last[PS_CURVE_SIZES];	/* of each zone that is full */
	uint16		heads[BUCKETS];
	SampledPage pages[PAGES_MOST];
} Curve;

static Curve *curve;

/* Fixed at start. */
uint32		ps_curve_mask;
static int	shift;				/* a page of the sample stands for 1 << shift */
static int64 sizes[PS_CURVE_SIZES]; /* frames of the pools that are looked at */
static uint32 ends[PS_CURVE_SIZES]; /* pages in each zone and those before */

Size
ps_curve_shmem_size(void)
{
	return sizeof(Curve);
}

/* The bits are the highest ones: the page table takes the lowest. */
void
ps_curve_shmem_init(void)
{
	bool		found;

	shift = 0;
	while (ps_frames_total() >> shift >= 2 * SAMPLED_LEAST)
		shift++;
	ps_curve_mask = shift == 0 ? 0 : PG_UINT32_MAX << (32 - shift);
	for (int i = 0; i < PS_CURVE_SIZES; i++)
	{
		sizes[i] = (int64) ps_frames_total() * eighths[i] / 8;
		ends[i] = sizes[i] >> shift;
	}
	Assert(ends[0] > 1 && ends[PS_CURVE_SIZES - 1] <= PAGES_MOST);

	curve = ShmemInitStruct("pagestore curve", sizeof(Curve), &found);
	memset(curve, 0, sizeof(Curve));
	ps_lock_init(&curve->lock, ps_tranche(PS_TRANCHE_CURVE));
	curve->frames = ps_frames_total();
	curve->newest = curve->oldest = NONE;
	for (int i = 0; i < BUCKETS; i++)
		curve->heads[i] = NONE;
}

/* ---- the list and the table ---- */

static uint16 *
bucket_of(uint32 hash) PS_REQUIRES(curve->lock)
{
	return &curve->heads[hash % BUCKETS];
}

static uint16
find_sampled(uint32 hash) PS_REQUIRES(curve->lock)
{
	uint16		i = *bucket_of(hash);

	while (i != NONE && curve->pages[i].hash != hash)
		i = curve->pages[i].next;
	return i;
}

static void
link_newest(uint16 i) PS_REQUIRES(curve->lock)
{
	curve->pages[i].newer = NONE;
	curve->pages[i].older = curve->newest;
	if (curve->newest != NONE)
		curve->pages[curve->newest].newer = i;
	else
		curve->oldest = i;
	curve->newest = i;
}

static void
unlink_page(uint16 i) PS_REQUIRES(curve->lock)
{
	const SampledPage *page = &curve->pages[i];

	if (page->newer != NONE)
		curve->pages[page->newer].older = page->older;
	else
		curve->newest = page->older;
	if (page->older != NONE)
		curve->pages[page->older].newer = page->newer;
	else
		curve->oldest = page->newer;
}

/* A page has come to the front: the last one of each of the first zones, which are full, goes on into the next. */
static void
shift_zones(int nzones) PS_REQUIRES(curve->lock)
{
	for (int zone = 0; zone < nzones; zone++)
	{
		SampledPage *page = &curve->pages[curve->last[zone]];

		Assert(page->zone == zone && page->newer != NONE);
		page->zone = zone + 1;
		curve->last[zone] = page->newer;
	}
}

/* To the front; its zone loses it, and gains the last page of the zone before. */
static void
use_again(uint16 i) PS_REQUIRES(curve->lock)
{
	int			zone = curve->pages[i].zone;

	if (i == curve->newest)
		return;
	if (curve->n >= ends[zone] && curve->last[zone] == i)
		curve->last[zone] = curve->pages[i].newer;
	unlink_page(i);
	link_newest(i);
	shift_zones(zone);
	curve->pages[i].zone = 0;
}

/* The page used longest ago goes, from the table too. */
static uint16
drop_oldest(void) PS_REQUIRES(curve->lock)
{
	uint16		i = curve->oldest;
	uint16	   *link = bucket_of(curve->pages[i].hash);

	Assert(curve->pages[i].zone == PS_CURVE_SIZES - 1);
	while (*link != i)
		link = &curve->pages[*link].next;
	*link = curve->pages[i].next;
	unlink_page(i);
	curve->n--;
	return i;
}

static void
add(uint32 hash) PS_REQUIRES(curve->lock)
{
	uint16		i = curve->n < ends[PS_CURVE_SIZES - 1] ? curve->n : drop_oldest();
	int			full = 0;

	while (full < PS_CURVE_SIZES && curve->n >= ends[full])
		full++;
	Assert(full < PS_CURVE_SIZES);
	link_newest(i);
	shift_zones(full);
	curve->pages[i].zone = 0;
	if (++curve->n == ends[full])
		curve->last[full] = curve->oldest;

	curve->pages[i].hash = hash;
	curve->pages[i].next = *bucket_of(hash);
	*bucket_of(hash) = i;
}

/* ---- counts that fade ---- */

static int64
counted(PsCounter counter)
{
	return ps_counter_sum(counter);
}

/* As many reads as there are buffers are taken to have filled one each. */
static Sums
sums(void)
{
	int64		reads = counted(PS_COUNT_READS) + counted(PS_COUNT_PREFETCHED) + counted(PS_COUNT_RING_PAGES);
	int64		shared_reads = counted(PS_COUNT_SHARED_READS);
	Sums		result;

	result.pool_accesses = counted(PS_COUNT_HITS) + reads;
	result.pool_reads = reads;
	result.shared_accesses = counted(PS_COUNT_SHARED_HITS) + shared_reads;
	result.shared_reads = shared_reads;
	result.shared_evicting = Max(shared_reads - NBuffers, 0);
	return result;
}

/* Half way to now: what was counted since counts half from here on. */
static void
halve(int64 *base, int64 now)
{
	*base += (now - *base) / 2;
}

static void
count_anew(void) PS_REQUIRES(curve->lock)
{
	curve->frames = ps_frames_total();
	curve->base = sums();
	memset(curve->found, 0, sizeof(curve->found));
}

static void
fade(void) PS_REQUIRES(curve->lock)
{
	Sums	   *base = &curve->base;
	Sums		now = sums();
	int64		accesses = now.pool_accesses - base->pool_accesses + now.shared_accesses - base->shared_accesses;

	if (accesses < ((int64) curve->frames + NBuffers) * MEMORY_TURNS)
		return;
	halve(&base->pool_accesses, now.pool_accesses);
	halve(&base->pool_reads, now.pool_reads);
	halve(&base->shared_accesses, now.shared_accesses);
	halve(&base->shared_reads, now.shared_reads);
	halve(&base->shared_evicting, now.shared_evicting);
	for (int i = 0; i < PS_CURVE_SIZES; i++)
		curve->found[i] /= 2;
}

/* ---- uses ---- */

/* A look without the lock: is the page the one used last, so that nothing changes? */
static inline bool
is_newest(uint32 hash)
{
	uint16		newest = *(volatile uint16 *) &curve->newest;

	return newest != NONE && *(volatile uint32 *) &curve->pages[newest].hash == hash;
}

void
ps_curve_use(uint32 hash)
{
	uint16		i;

	Assert(ps_curve_samples(hash));
	if (is_newest(hash) || !ps_trylock_exclusive(&curve->lock))
		return;
	i = find_sampled(hash);
	if (i != NONE)
	{
		curve->found[curve->pages[i].zone] += INT64CONST(1) << shift;
		use_again(i);
	}
	else
		add(hash);
	if (unlikely(curve->frames != ps_frames_total()))
		count_anew();
	else if (++curve->uses % LOOK_EACH == 0)
		fade();
	ps_unlock(&curve->lock);
}

void
ps_curve_use_around(uint32 npages, int64 frames)
{
	int			zone = 0;

	while (zone < PS_CURVE_SIZES && sizes[zone] < frames)
		zone++;
	if (zone == PS_CURVE_SIZES)
		return;
	ps_lock_exclusive(&curve->lock);
	curve->found[zone] += npages;
	ps_unlock(&curve->lock);
}

/* ---- looking ---- */

static int64
since(int64 base, int64 now)
{
	return Max(now - base, 0);
}

/*
 * For how many pages one of the sample stands.  By chance there may be a tenth
 * more or less of them in the sample than the bits of the hash promise; of
 * those in the pool it can be told.
 */
static double
pages_each(void)
{
	uint32		used = ps_frames_used();
	uint32		resident = 0;
	uint32		sampled = 0;

	for (PsFrame frame = 0; frame < used; frame++)
	{
		uint32		state;
		PsTag		tag;

		if (!ps_frame_glance(frame, &state, &tag))
			continue;
		resident++;
		if (ps_curve_samples(ps_tag_hash(&tag)))
			sampled++;
	}
	return sampled < SAMPLED_LEAST / 2 ? (double) (1 << shift) : (double) resident / sampled;
}

void
ps_curve_read(PsCurve *out)
{
	double		each = pages_each();
	int64		hits = 0;
	Sums	   *base = &curve->base;
	Sums		now;

	ps_lock_exclusive(&curve->lock);
	if (curve->frames != ps_frames_total())
		count_anew();
	now = sums();
	out->pool_size = curve->frames;
	out->pool_accesses = since(base->pool_accesses, now.pool_accesses);
	out->pool_reads = since(base->pool_reads, now.pool_reads);
	out->shared_accesses = since(base->shared_accesses, now.shared_accesses);
	out->shared_reads = since(base->shared_reads, now.shared_reads);
	out->shared_evicting = since(base->shared_evicting, now.shared_evicting);
	for (int i = 0; i < PS_CURVE_SIZES; i++)
	{
		out->sizes[i] = sizes[i];
		out->reach[i] = shift == 0 ? sizes[i] : ends[i] * each;
		out->hits[i] = hits += curve->found[i];
	}
	out->weight = INT64CONST(1) << shift;
	ps_unlock(&curve->lock);
}

void
ps_curve_reset(void)
{
	ps_lock_exclusive(&curve->lock);
	count_anew();
	ps_unlock(&curve->lock);
}
