/*
 * handler.c
 *		The table access method's routine.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/tableam.h"
#include "am/analyze_blocks.h"
#include "am/build.h"
#include "am/callbacks.h"
#include "am/ddl.h"
#include "am/fetch.h"
#include "am/index_delete.h"
#include "am/lock.h"
#include "am/scan.h"
#include "am/scan_bitmap.h"
#include "am/scan_sample.h"
#include "am/slot.h"
#include "am/speculative.h"
#include "fmgr.h"
#include "server/compat.h"
#include "server/preload.h"

PG_FUNCTION_INFO_V1(pagestore_tableam_handler);

static TableAmRoutine pagestore_routine = {
	.type = T_TableAmRoutine,

	.slot_callbacks = ps_slot_callbacks,

	.scan_begin = ps_scan_begin,
	.scan_end = ps_scan_end,
	.scan_rescan = ps_scan_rescan,
	.scan_getnextslot = ps_scan_getnextslot,
	.scan_set_tidrange = ps_scan_set_tidrange,
	.scan_getnextslot_tidrange = ps_scan_getnextslot_tidrange,

	.parallelscan_estimate = table_block_parallelscan_estimate,
	.parallelscan_initialize = table_block_parallelscan_initialize,
	.parallelscan_reinitialize = table_block_parallelscan_reinitialize,

	.index_fetch_reset = ps_index_fetch_reset,
	.index_fetch_end = ps_index_fetch_end,
	.index_fetch_tuple = ps_index_fetch_tuple,

	.tuple_fetch_row_version = ps_fetch_row_version,
	.tuple_tid_valid = ps_tid_valid,
	.tuple_get_latest_tid = ps_get_latest_tid,
	.tuple_satisfies_snapshot = ps_satisfies_snapshot,
	.index_delete_tuples = ps_index_delete_tuples,

	.tuple_complete_speculative = ps_tuple_complete_speculative,
	.tuple_lock = ps_tuple_lock,

	.relation_set_new_filelocator = ps_set_new_filelocator,
	.relation_nontransactional_truncate = ps_nontransactional_truncate,
	.relation_copy_data = ps_copy_data,
	.index_build_range_scan = ps_index_build_range_scan,
	.index_validate_scan = ps_index_validate_scan,

	.relation_size = ps_relation_size,
	.relation_needs_toast_table = ps_needs_toast_table,
	.relation_toast_am = ps_toast_am,
	.relation_fetch_toast_slice = heap_fetch_toast_slice,
	.relation_estimate_size = ps_estimate_size,

	.scan_sample_next_block = ps_scan_sample_next_block,
	.scan_sample_next_tuple = ps_scan_sample_next_tuple,
};

/* SQL: pagestore_tableam_handler(internal) returns table_am_handler */
Datum
pagestore_tableam_handler(PG_FUNCTION_ARGS)
{
	ps_require_preloaded();

	/* whose shape differs from server to server */
	ps_changed_callbacks(&pagestore_routine);
	ps_analyze_callbacks(&pagestore_routine);
	ps_scan_bitmap_callbacks(&pagestore_routine);
	PG_RETURN_POINTER(&pagestore_routine);
}
