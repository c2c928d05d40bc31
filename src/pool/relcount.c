/*
 * relcount.c
 *		What has been done with the pages of each relation.
 */
#include "postgres.h"

#include "pool/relcount.h"
#include "storage/ipc.h"

#define GATHERED 64				/* relations at a time */
#define MANY 8192				/* counts after which they are told to others */

static PsRelDelta gathered[GATHERED];
static int	ngathered = 0;
static int	latest = 0;			/* the last one counted for */
static uint32 events = 0;

static void
forget_gathered(void)
{
	ngathered = latest = 0;
	events = 0;
}

void
ps_relcount_flush(void)
{
	if (ngathered == 0)
		return;
	(void) ps_registry_add(gathered, ngathered, true);
	forget_gathered();
}

static bool
try_to_flush(void)
{
	if (!ps_registry_add(gathered, ngathered, false))
		return false;
	forget_gathered();
	return true;
}

/* For processes that have no transactions, or end within one. */
static void
flush_at_exit(int code, Datum arg)
{
	if (ngathered > 0)
		(void) try_to_flush();
}

void
ps_relcount_attach(void)
{
	on_shmem_exit(flush_at_exit, 0);
}

/* NULL: there is no room. */
static PsRelDelta *
delta_of(const RelFileLocator *rlocator)
{
	for (int i = 0; i < ngathered; i++)
		if (RelFileLocatorEquals(gathered[i].rlocator, *rlocator))
		{
			latest = i;
			return &gathered[i];
		}
	if (ngathered == GATHERED && !try_to_flush())
		return NULL;
	latest = ngathered++;
	gathered[latest] = (PsRelDelta)
	{
		.rlocator = *rlocator
	};
	return &gathered[latest];
}

void
ps_relcount(const RelFileLocator *rlocator, PsRelCounter counter, uint32 n)
{
	PsRelDelta *delta = &gathered[latest];

	if (ngathered == 0 || !RelFileLocatorEquals(delta->rlocator, *rlocator))
		delta = delta_of(rlocator);
	if (delta == NULL)
		return;
	delta->n[counter] += n;
	events += n;
	if (events >= MANY)
		(void) try_to_flush();
}
