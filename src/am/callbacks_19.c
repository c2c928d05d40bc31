/*
 * callbacks_19.c
 *		Callbacks whose arguments changed in PostgreSQL 19: from there on, as they
 *		are.
 */
#include "postgres.h"

#include "am/analyze.h"
#include "am/callbacks.h"
#include "am/cluster.h"
#include "am/delete.h"
#include "am/fetch.h"
#include "am/insert.h"
#include "am/multi_insert.h"
#include "am/speculative.h"
#include "am/update.h"
#include "am/vacuum.h"

void
ps_changed_callbacks(TableAmRoutine *routine)
{
	routine->index_fetch_begin = ps_index_fetch_begin;
	routine->tuple_insert = ps_tuple_insert;
	routine->tuple_insert_speculative = ps_tuple_insert_speculative;
	routine->multi_insert = ps_multi_insert;
	routine->tuple_delete = ps_tuple_delete;
	routine->tuple_update = ps_tuple_update;
	routine->finish_bulk_insert = ps_finish_bulk_insert;
	routine->relation_copy_for_cluster = ps_copy_for_cluster;
	routine->relation_vacuum = ps_vacuum;
	routine->scan_analyze_next_tuple = ps_analyze_next_tuple;
}
