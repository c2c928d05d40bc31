/*
 * contrib.h
 *		What functions of contrib modules answer for a pagestore table.
 */
#ifndef PAGESTORE_ADMIN_CONTRIB_H
#define PAGESTORE_ADMIN_CONTRIB_H

#include "fmgr.h"
#include "utils/rel.h"

/*
 * Answers the call, about a pagestore table that the caller has open and
 * locked; the arguments that name it are not NULL.  False: the original is as
 * good, as for another fork.  Throws what the original would.
 */
typedef bool (*PsAnswer) (FunctionCallInfo fcinfo, Relation rel, Datum *result);

/* pg_visibility */
extern bool ps_answer_visibility(FunctionCallInfo fcinfo, Relation rel, Datum *result);
extern bool ps_answer_visibility_rel(FunctionCallInfo fcinfo, Relation rel, Datum *result);
extern bool ps_answer_check_visible(FunctionCallInfo fcinfo, Relation rel, Datum *result);
extern bool ps_answer_check_frozen(FunctionCallInfo fcinfo, Relation rel, Datum *result);

/* pageinspect; with and without a fork's name, block numbers of 4 and of 8 bytes */
extern bool ps_answer_raw_page(FunctionCallInfo fcinfo, Relation rel, Datum *result);
extern bool ps_answer_raw_page_1_9(FunctionCallInfo fcinfo, Relation rel, Datum *result);
extern bool ps_answer_raw_page_fork(FunctionCallInfo fcinfo, Relation rel, Datum *result);
extern bool ps_answer_raw_page_fork_1_9(FunctionCallInfo fcinfo, Relation rel, Datum *result);

/* pg_prewarm */
extern bool ps_answer_prewarm(FunctionCallInfo fcinfo, Relation rel, Datum *result);

#endif							/* PAGESTORE_ADMIN_CONTRIB_H */
