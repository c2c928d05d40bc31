/*
 * progress.c
 *		How far commands of ours have come.
 */
#include "postgres.h"

#include "access/xact.h"
#include "admin/progress.h"
#include "admin/row.h"
#include "miscadmin.h"
#include "pool/stats.h"
#include "port/atomics.h"
#include "server/compat.h"
#include "server/preload.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pagestore_progress);

/*
 * Written by its process alone, word by word, and read by others as it is:
 * values may be of two moments.  The number of changes is odd while a command
 * begins, so that none is taken for one of another command.
 */
typedef struct ProgressSlot
{
	uint32		changes;
	int			pid;
	PsCommand	command;
	Oid			database;
	Oid			role;
	Oid			relid;
	int64		params[PS_PROGRESS_PARAMS];
} ProgressSlot;

static ProgressSlot *places;	/* one for each PGPROC of a process */
static ProgressSlot *mine = NULL;	/* of this process; NULL: it has begun
									 * none yet */

Size
ps_progress_shmem_size(void)
{
	return mul_size(ps_process_count(), sizeof(ProgressSlot));
}

void
ps_progress_shmem_init(void)
{
	bool		found;

	places = ShmemInitStruct("pagestore progress", ps_progress_shmem_size(), &found);
	if (!found)
		memset(places, 0, ps_progress_shmem_size());
}

/* ---- the process that reports ---- */

void
ps_progress_begin(PsCommand command, Oid relid)
{
	Assert(MyProc != NULL);
	mine = &places[GetNumberFromPGProc(MyProc)];
	mine->changes |= 1;
	pg_write_barrier();
	mine->pid = MyProcPid;
	mine->command = command;
	mine->database = MyDatabaseId;
	mine->role = MyProc->roleId;
	mine->relid = relid;
	memset(mine->params, 0, sizeof(mine->params));
	pg_write_barrier();
	mine->changes++;
}

void
ps_progress_relation(Oid relid)
{
	if (mine != NULL)
		mine->relid = relid;
}

void
ps_progress_set(int param, int64 value)
{
	Assert(param < PS_PROGRESS_PARAMS);
	if (mine != NULL)
		mine->params[param] = value;
}

void
ps_progress_end(void)
{
	if (mine != NULL)
		mine->command = PS_COMMAND_NONE;
}

static void
forget_at_xact_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		ps_progress_end();
}

void
ps_progress_init(void)
{
	RegisterXactCallback(forget_at_xact_end, NULL);
}

/* ---- people who look ---- */

/* False: nobody is at this command there, or just begins. */
static bool
look(int number, PsCommand command, ProgressSlot *out)
{
	const volatile ProgressSlot *place = &places[number];
	uint32		changes = place->changes;

	pg_read_barrier();
	*out = *(const ProgressSlot *) place;
	pg_read_barrier();
	return (changes & 1) == 0 && place->changes == changes &&
		out->command == command && ps_pid_of(&ProcGlobal->allProcs[number]) == out->pid;
}

static PsCommand
command_named(const char *name)
{
	if (pg_strcasecmp(name, "CONVERT") == 0)
		return PS_COMMAND_CONVERT;
	if (pg_strcasecmp(name, "PREWARM") == 0)
		return PS_COMMAND_PREWARM;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid command name: \"%s\"", name)));
}

/* SQL: pagestore_progress(command text) returns setof record: what pg_stat_progress_pagestore_* are made of */
Datum
pagestore_progress(PG_FUNCTION_ARGS)
{
	PsCommand	command = command_named(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	ReturnSetInfo *rsinfo;

	ps_require_preloaded();
	rsinfo = ps_result_rows(fcinfo, 3 + PS_PROGRESS_PARAMS);
	for (int number = 0; number < ps_process_count(); number++)
	{
		ProgressSlot place;
		Datum		values[3 + PS_PROGRESS_PARAMS];
		bool		nulls[3 + PS_PROGRESS_PARAMS] = {0};

		if (!look(number, command, &place))
			continue;
		values[0] = Int32GetDatum(place.pid);
		values[1] = ObjectIdGetDatum(place.database);
		values[2] = ObjectIdGetDatum(place.relid);
		for (int i = 0; i < PS_PROGRESS_PARAMS; i++)
			values[3 + i] = Int64GetDatum(place.params[i]);

		/*
		 * as in core's views: that there is one is shown to all, not what it
		 * does
		 */
		if (!ps_may_see(place.role))
			for (int i = 2; i < lengthof(nulls); i++)
				nulls[i] = true;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
