/*
 * pagestore.c
 *		Entry of the extension: settings, shared memory, hooks, workers.
 */
#include "postgres.h"

#include "admin/admin.h"
#include "admin/autoprewarm.h"
#include "admin/drop.h"
#include "admin/progress.h"
#include "am/aggregate.h"
#include "am/behind.h"
#include "am/nestloop_plan.h"
#include "am/readahead.h"
#include "debug/stop.h"
#include "fmgr.h"
#include "io/aio.h"
#include "io/setup.h"
#include "miscadmin.h"
#include "page/compare.h"
#include "page/usage.h"
#include "page/view.h"
#include "pool/pool.h"
#include "pool/protect.h"
#include "pool/read.h"
#include "pool/replacement.h"
#include "pool/resize.h"
#include "pool/setup.h"
#include "pool/stray.h"
#include "server/compat.h"
#include "server/preload.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static void
define_settings(void)
{
	DefineCustomIntVariable("pagestore.pool_size_max",
							"Sets to what size the pool can grow without a restart.",
							"Address space is taken at start, memory as it is used.  -1: as pagestore.pool_size is at start.",
							&ps_pool_size_max_blocks,
							-1, -1, INT_MAX / 2,
							PGC_POSTMASTER, GUC_UNIT_BLOCKS,
							ps_pool_size_max_check, NULL, NULL);

	/* Smallest: 1 MB.  Largest: what a frame number can name. */
	DefineCustomIntVariable("pagestore.pool_size",
							"Sets the size of the pool of pages of pagestore tables.",
							NULL,
							&ps_pool_size_blocks,
							128 * 1024 * 1024 / BLCKSZ,
							PS_LEAST_FRAMES,
							INT_MAX / 2,
							PGC_SIGHUP, GUC_UNIT_BLOCKS,
							ps_pool_size_check, NULL, NULL);
	DefineCustomEnumVariable("pagestore.replacement",
							 "Chooses the policy by which pages leave the pool.",
							 NULL,
							 &ps_replacement, PS_REPLACEMENT_DEFAULT,
							 ps_replacement_options,
							 PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("pagestore.io_method",
							 "Chooses how pages are read and written: io_uring or sync.",
							 "Where io_uring is refused, sync is used and the reason is logged once.",
							 &ps_io_method, PS_IO_METHOD_DEFAULT,
							 ps_aio_method_options(),
							 PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("pagestore.enable_nestloop_readahead",
							 "Lets nested loops read ahead for their inner index scans.",
							 NULL,
							 &ps_enable_nestloop_readahead, true,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("pagestore.enable_scan_aggregates",
							 "Lets the scan of a whole table compute its plain aggregates.",
							 NULL,
							 &ps_enable_scan_aggregates, true,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("pagestore.autoprewarm",
							 "Reads pages that were in the pool back into it after a start.",
							 NULL,
							 &ps_autoprewarm, true,
							 PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pagestore.autoprewarm_interval",
							"Sets how often the list of pages in the pool is written.",
							"Zero: at shutdown only.",
							&ps_autoprewarm_interval, 300, 0, INT_MAX / 1000,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomBoolVariable("pagestore.debug_protect_frames",
							 "Lets a process touch a page of the pool only while it holds a pin on it.",
							 "A use after unpin then faults at once.  For debugging: slow.",
							 &ps_debug_protect_frames, false,
							 PGC_POSTMASTER, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
#ifdef PAGESTORE_DEBUG
	DefineCustomIntVariable("pagestore.debug_resize_random",
							"Gives the pool a random size now and then.",
							"Milliseconds between changes, on average.",
							&ps_debug_resize_random, 0, 0, INT_MAX / 2,
							PGC_POSTMASTER, GUC_UNIT_MS | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
#endif
	ps_debug_define_settings();
	MarkGUCPrefixReserved("pagestore");
}

static void
request_shmem(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(ps_debug_shmem_size());
	RequestAddinShmemSpace(ps_io_shmem_size());
	RequestAddinShmemSpace(ps_pool_shmem_size());
	RequestAddinShmemSpace(ps_autoprewarm_shmem_size());
	RequestAddinShmemSpace(ps_progress_shmem_size());
}

static void
startup_shmem(void)
{
	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	ps_debug_shmem_init();
	ps_aio_force_sync = ps_debug_protect_frames;
	ps_io_shmem_init();
	ps_pool_shmem_init();
	ps_autoprewarm_shmem_init();
	ps_progress_shmem_init();
	LWLockRelease(AddinShmemInitLock);
}

void
_PG_init(void)
{
	/*
	 * Loaded by a backend for want of preloading, as by CREATE EXTENSION: too
	 * late for shared memory.
	 */
	if (!process_shared_preload_libraries_in_progress)
		ps_require_preloaded();
	ps_preloaded = true;

	define_settings();
	ps_pool_page_check = ps_page_check;
	ps_pool_page_contains = ps_page_contains;
	ps_pool_page_adds_only_since = ps_page_adds_only_since;
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
	ps_io_init_hooks();
	ps_pool_init();
	ps_usage_init();
	ps_autoprewarm_register();
	ps_utility_init();
	ps_intercept_init();
	ps_ownership_init();
	ps_extension_init();
	ps_drop_init();
	ps_progress_init();
	ps_readahead_init();
	ps_nestloop_init();
	ps_aggregate_init();
	ps_behind_init();
}
