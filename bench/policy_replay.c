/*
 * policy_replay.c
 *		The replacement policies, as they are compiled into pagestore, on traces
 *		of page accesses: hits of each beside Belady's optimum and exact LRU.
 *
 * policy_replay [trace file]...
 *
 * A trace file holds a page number per line; the pool sizes are shares of the
 * number of different pages.  Without files the traces are made here; their
 * pool sizes are shares of K.  What the policies need of the server (locks,
 * shared memory) is replaced by nothing: there is one process.
 */
#include "postgres.h"

/* the C library's own: nothing of the server is linked */
#undef printf
#undef fprintf
#include <math.h>
#include <unistd.h>

#include "pool/policy.h"

#define K 4000					/* pages of the middle pool of the traces made
								 * here */

/* ---- what the policies call ---- */

PsFramePadded *ps_frames;
static PsPoolControl control;
PsPoolControl *ps_pool = &control;
static uint32 used;				/* frames that hold a page: the first ones */

int
ps_tranche(PsTranche which)
{
	return 0;
}

void
LWLockInitialize(LWLock *lock, int tranche_id)
{
}

bool
LWLockAcquire(LWLock *lock, LWLockMode mode)
{
	return true;
}

void
LWLockRelease(LWLock *lock)
{
}

/* a server built with assertions has its headers' */
#if PG_VERSION_NUM >= 160000
void
ExceptionalCondition(const char *condition, const char *file, int line)
#else
void
ExceptionalCondition(const char *condition, const char *type, const char *file, int line)
#endif
{
	fprintf(stderr, "%s:%d: %s\n", file, line, condition);
	abort();
}

Size
add_size(Size a, Size b)
{
	return a + b;
}

Size
mul_size(Size a, Size b)
{
	return a * b;
}

static const struct
{
	const char *name;
	const PsPolicy *policy;
}			policies[] = {
	{"clock", &ps_policy_clock}, {"sieve", &ps_policy_sieve}, {"lru", &ps_policy_lru}, {"s3fifo", &ps_policy_s3fifo}
};

/* ---- the trace ---- */

static uint32 *trace;
static size_t length,
			room;
static uint32 npages;

static void *
zeroed(size_t n, size_t size)
{
	void	   *p = calloc(n, size);

	if (p == NULL)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

static void
touch(uint32 page)
{
	if (length == room)
	{
		room = room ? room * 2 : 1 << 20;
		trace = realloc(trace, room * sizeof(uint32));
		if (trace == NULL)
			exit(1);
	}
	trace[length++] = page;
	if (page >= npages)
		npages = page + 1;
}

static void
begin_trace(void)
{
	length = 0;
	npages = 0;
}

/* ---- replay ---- */

/* Hits of a policy: the pool's part is a table from page to frame. */
static size_t
replay(const PsPolicy *policy, uint32 nframes)
{
	PsFrame    *frame_of = zeroed(npages, sizeof(PsFrame));
	void	   *area = zeroed(1, policy->shmem_size(nframes));
	size_t		hits = 0;

	used = 0;
	pg_atomic_write_u32(&control.nused, used);
	pg_atomic_write_u32(&control.nframes, nframes);
	ps_frames = aligned_alloc(128, (size_t) nframes * sizeof(PsFramePadded));
	memset(ps_frames, 0, (size_t) nframes * sizeof(PsFramePadded));
	policy->shmem_init(area, nframes);
	for (uint32 page = 0; page < npages; page++)
		frame_of[page] = PS_NO_FRAME;

	for (size_t i = 0; i < length; i++)
	{
		uint32		page = trace[i];
		PsFrame		frame = frame_of[page];

		if (frame != PS_NO_FRAME)
		{
			hits++;
			policy->hit(frame);
			continue;
		}
		if (used < nframes)
		{
			frame = used++;
			pg_atomic_write_u32(&control.nused, used);
		}
		else
		{
			while ((frame = policy->victim()) == PS_NO_FRAME)
				;
			policy->forget(frame);
			frame_of[ps_frame(frame)->tag.block] = PS_NO_FRAME;
		}
		ps_frame(frame)->tag = (PsTag) {{1, 1, 1}, page};
		policy->admit(frame, false);
		frame_of[page] = frame;
	}
	free(ps_frames);
	free(area);
	free(frame_of);
	return hits;
}

/* Exact LRU: a list over the pages. */
static size_t
replay_lru(uint32 nframes)
{
	uint32	   *newer = zeroed(npages + 1, sizeof(uint32));
	uint32	   *older = zeroed(npages + 1, sizeof(uint32));
	bool	   *here = zeroed(npages, sizeof(bool));
	const uint32 end = npages;	/* head of a ring */
	uint32		used = 0;
	size_t		hits = 0;

	newer[end] = older[end] = end;
	for (size_t i = 0; i < length; i++)
	{
		uint32		page = trace[i];
		uint32		out = page;

		if (here[page])
			hits++;
		else if (used < nframes)
		{
			used++;
			out = end;
		}
		else
			out = newer[end];	/* the oldest */
		if (out != end)
		{
			newer[older[out]] = newer[out];
			older[newer[out]] = older[out];
			here[out] = false;
		}
		older[page] = older[end];
		newer[page] = end;
		newer[older[end]] = page;
		older[end] = page;
		here[page] = true;
	}
	free(newer);
	free(older);
	free(here);
	return hits;
}

/* Belady's optimum: the page whose next use is farthest goes.  A heap of next uses; outdated ones are skipped. */
typedef struct NextUse
{
	size_t		when;
	uint32		page;
} NextUse;

static void
heap_push(NextUse *heap, size_t *n, NextUse item)
{
	size_t		i = (*n)++;

	for (; i > 0 && heap[(i - 1) / 2].when < item.when; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = item;
}

static NextUse
heap_pop(NextUse *heap, size_t *n)
{
	NextUse		top = heap[0];
	NextUse		item = heap[--(*n)];
	size_t		i = 0;

	for (size_t child; (child = 2 * i + 1) < *n; i = child)
	{
		if (child + 1 < *n && heap[child + 1].when > heap[child].when)
			child++;
		if (heap[child].when <= item.when)
			break;
		heap[i] = heap[child];
	}
	heap[i] = item;
	return top;
}

static size_t
replay_optimum(uint32 nframes)
{
	size_t	   *next = zeroed(length, sizeof(size_t));
	size_t	   *coming = zeroed(npages, sizeof(size_t));
	bool	   *here = zeroed(npages, sizeof(bool));
	NextUse    *heap = zeroed(length, sizeof(NextUse));
	size_t		nheap = 0;
	uint32		used = 0;
	size_t		hits = 0;

	for (uint32 page = 0; page < npages; page++)
		coming[page] = SIZE_MAX;
	for (size_t i = length; i-- > 0;)
	{
		next[i] = coming[trace[i]];
		coming[trace[i]] = i;
	}
	for (size_t i = 0; i < length; i++)
	{
		uint32		page = trace[i];

		if (here[page])
			hits++;
		else
		{
			if (used < nframes)
				used++;
			else
			{
				NextUse		out;

				do
					out = heap_pop(heap, &nheap);
				while (!here[out.page] || coming[out.page] != out.when);
				here[out.page] = false;
			}
			here[page] = true;
		}
		coming[page] = next[i];
		heap_push(heap, &nheap, (NextUse) {next[i], page});
	}
	free(next);
	free(coming);
	free(here);
	free(heap);
	return hits;
}

static void
report(const char *name, const double *sizes, int nsizes, uint32 unit)
{
	for (int i = 0; i < nsizes; i++)
	{
		uint32		nframes = Max((uint32) (unit * sizes[i]), 16);

		printf("%-26s %7u  %8.1f %8.1f", name, nframes,
			   100.0 * replay_optimum(nframes) / length, 100.0 * replay_lru(nframes) / length);
		for (int p = 0; p < lengthof(policies); p++)
			printf(" %8.1f", 100.0 * replay(policies[p].policy, nframes) / length);
		printf("\n");
		fflush(stdout);
	}
}

/* ---- traces made here ---- */

static uint64 seed;

static uint64
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static double
draw_unit(void)
{
	return (draw() >> 11) / 9007199254740992.0;
}

static uint32
uniform(uint32 n)
{
	return draw() % n;
}

static double *zipf_sum;
static uint32 zipf_n;

static void
zipf_init(uint32 n, double exponent)
{
	double		sum = 0;

	free(zipf_sum);
	zipf_sum = zeroed(n, sizeof(double));
	zipf_n = n;
	for (uint32 i = 0; i < n; i++)
		zipf_sum[i] = sum += pow(i + 1, -exponent);
}

/* A page of 0 .. n-1 by a Zipfian distribution, the ranks scattered. */
static uint32
zipf(void)
{
	double		u = draw_unit() * zipf_sum[zipf_n - 1];
	uint32		low = 0,
				high = zipf_n - 1;

	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (zipf_sum[middle] < u)
			low = middle + 1;
		else
			high = middle;
	}
	return ((uint64) low * 2654435761u + 12345) % zipf_n;
}

static double
exponential(void)
{
	return -log(1 - draw_unit());
}

static void
loop(uint32 first, uint32 n, int rounds)
{
	for (int round = 0; round < rounds; round++)
		for (uint32 i = 0; i < n; i++)
			touch(first + i);
}

static void
make_uniform(void)
{
	for (int i = 0; i < 400000; i++)
		touch(uniform(4 * K));
}

static void
make_zipf_flat(void)
{
	zipf_init(4 * K, 0.8);
	for (int i = 0; i < 400000; i++)
		touch(zipf());
}

static void
make_zipf(void)
{
	zipf_init(4 * K, 1.05);
	for (int i = 0; i < 400000; i++)
		touch(zipf());
}

static void
make_zipf_scans(void)
{
	zipf_init(4 * K, 1.05);
	for (int i = 0; i < 400000; i++)
	{
		touch(zipf());
		if (i % 4000 == 0)
			loop(uniform(4 * K), K / 2, 1);
	}
}

static void
make_moving(void)
{
	for (int i = 0; i < 500000; i++)
		touch((i / 50000 * (K / 2) + (uint32) (Min(exponential() / 4, 1) * K * 0.8)) % (4 * K));
}

static void
make_small_loop(void)
{
	zipf_init(4 * K, 1.05);
	for (int i = 0; i < 200000; i++)
		touch(zipf());
	loop(4 * K, K / 4, 60);
}

static void
make_loop_fits(void)
{
	zipf_init(4 * K, 1.05);
	for (int i = 0; i < 100000; i++)
		touch(zipf());
	loop(4 * K, K * 9 / 10, 60);
}

static void
make_loop_larger(void)
{
	loop(0, K * 11 / 10, 60);
}

static void
make_loop_half_larger(void)
{
	loop(0, K * 3 / 2, 60);
}

static void
make_loop_double(void)
{
	loop(0, 2 * K, 60);
}

static void
make_loop_beside(void)
{
	zipf_init(4 * K, 1.05);
	for (int i = 0; i < 100000; i++)
	{
		touch(4 * K + i % (K / 4));
		for (int j = 0; j < 3; j++)
			touch(zipf());
	}
}

/* Orders appended and read again soon, items, customers. */
static void
make_orders(void)
{
	for (int i = 0; i < 300000; i++)
	{
		uint32		last = i / 20;
		uint32		back = exponential() * K / 10;

		touch(4 * K + last % (8 * K));
		touch(4 * K + (last > back ? last - back : 0) % (8 * K));
		if (i % 3 == 0)
			touch(uniform(2 * K));
		touch(2 * K + (uint32) (pow(draw_unit(), 3) * K));
	}
}

static void
make_huge_scans(void)
{
	for (int round = 0; round < 40; round++)
	{
		for (int i = 0; i < 20000; i++)
			touch(uniform(K * 8 / 10));
		for (uint32 i = 0; i < 3 * K; i++)
		{
			touch(K + i);
			if (i % 2 == 1)
				touch(uniform(K * 8 / 10));
		}
	}
}

static void
make_drift(void)
{
	zipf_init(4 * K, 1.05);
	for (int i = 0; i < 500000; i++)
		touch((zipf() + i / 100) % (4 * K));
}

static const struct
{
	const char *name;
	void		(*make) (void);
}			made[] = {
	{"uniform", make_uniform},
	{"zipf 0.8", make_zipf_flat},
	{"zipf 1.05", make_zipf},
	{"zipf and range scans", make_zipf_scans},
	{"moving hot set", make_moving},
	{"zipf, then a loop of K/4", make_small_loop},
	{"zipf, then a loop of 0.9 K", make_loop_fits},
	{"loop of 1.1 K", make_loop_larger},
	{"loop of 1.5 K", make_loop_half_larger},
	{"loop of 2 K", make_loop_double},
	{"loop of K/4 beside zipf", make_loop_beside},
	{"orders", make_orders},
	{"hot set and huge scans", make_huge_scans},
	{"drifting zipf", make_drift}
};

static void
read_trace(const char *path)
{
	FILE	   *file = fopen(path, "r");
	uint32		page;

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	begin_trace();
	while (fscanf(file, "%u", &page) == 1)
		touch(page);
	fclose(file);
	if (length == 0)
	{
		fprintf(stderr, "%s: no page numbers\n", path);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	const double of_k[] = {0.25, 0.5, 1, 1.5, 2};
	const double of_pages[] = {0.02, 0.05, 0.1, 0.25, 0.5};

	printf("%% of accesses that hit    frames   optimum      LRU");
	for (int p = 0; p < lengthof(policies); p++)
		printf(" %8s", policies[p].name);
	printf("\n");
	for (int i = 1; i < argc; i++)
	{
		read_trace(argv[i]);
		report(argv[i], of_pages, lengthof(of_pages), npages);
	}
	for (int i = 0; argc == 1 && i < lengthof(made); i++)
	{
		begin_trace();
		seed = 88172645463325252;
		made[i].make();
		report(made[i].name, of_k, lengthof(of_k), K);
	}
	return 0;
}
