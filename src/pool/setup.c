/*
 * setup.c
 *		The pool's parts put together: shared memory, callbacks, workers.
 */
#include "postgres.h"

#include "io/aio.h"
#include "miscadmin.h"
#include "pool/ahead.h"
#include "pool/curve.h"
#include "pool/pass.h"
#include "pool/pieces.h"
#include "pool/pin.h"
#include "pool/pool.h"
#include "pool/protect.h"
#include "pool/read.h"
#include "pool/registry.h"
#include "pool/release.h"
#include "pool/replacement.h"
#include "pool/sentinel_client.h"
#include "pool/setup.h"
#include "pool/share.h"
#include "pool/stats.h"
#include "pool/stray.h"
#include "pool/table.h"
#include "pool/workers.h"
#include "pool/xact.h"
#include "storage/shmem.h"

/* The frames first: the others name their locks by tranches from there. */
static const struct
{
	Size		(*size) (void);
	void		(*init) (void);
}			parts[] = {
	{ps_frames_shmem_size, ps_frames_shmem_init},
	{ps_counters_shmem_size, ps_counters_shmem_init},
	{ps_pieces_shmem_size, ps_pieces_shmem_init},
	{ps_table_shmem_size, ps_table_shmem_init},
	{ps_policy_shmem_size, ps_policy_shmem_init},
	{ps_passes_shmem_size, ps_passes_shmem_init},
	{ps_share_shmem_size, ps_share_shmem_init},
	{ps_curve_shmem_size, ps_curve_shmem_init},
	{ps_registry_shmem_size, ps_registry_shmem_init},
	{ps_stray_shmem_size, ps_stray_shmem_init},
	{ps_sentinel_shmem_size, ps_sentinel_shmem_init}
};

Size
ps_pool_shmem_size(void)
{
	Size		size = 0;

	for (int i = 0; i < lengthof(parts); i++)
		size = add_size(size, parts[i].size());

	/* what the allocator rounds up, for each area */
	return add_size(size, 16 * PG_CACHE_LINE_SIZE);
}

void
ps_pool_shmem_init(void)
{
	Assert(!IsUnderPostmaster);
	ps_frames_page_forget();
	for (int i = 0; i < lengthof(parts); i++)
		parts[i].init();
	ps_aio_frame_done = ps_pool_read_done;
	ps_protect_init();
}

void
ps_pool_init(void)
{
	ps_frame_pin_init();
	ps_xact_init();
	ps_workers_register();
}
