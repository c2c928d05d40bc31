/*
 * stop.c
 *		Stop points: see stop.h.
 */
#include "postgres.h"

#include "debug/fault.h"
#include "debug/stop.h"

#ifndef PAGESTORE_DEBUG

void
ps_debug_define_settings(void)
{
}

Size
ps_debug_shmem_size(void)
{
	return 0;
}

void
ps_debug_shmem_init(void)
{
}

#else

#include <signal.h>
#include <unistd.h>

#include "common/pg_prng.h"
#include "debug/lock.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pagestore_stop_set);
PG_FUNCTION_INFO_V1(pagestore_stop_clear);
PG_FUNCTION_INFO_V1(pagestore_stops);

#define MAX_STOPS	32
#define MAX_WAITING 32
#define RANDOM_MAX_US 20000		/* longest random sleep */

typedef enum StopAction
{
	STOP_NONE,					/* not armed */
	STOP_WAIT,
	STOP_ERROR,
	STOP_KILL,
	STOP_SLEEP,
	STOP_YES
} StopAction;

static const char *const action_names[] = {"none", "wait", "error", "kill", "sleep", "yes"};

typedef struct Stop
{
	char		name[NAMEDATALEN];
	StopAction	action;
	uint32		setting;		/* which arming this is: whoever waits leaves
								 * when it is another */
	int			pid;			/* for this process only; 0: for all */
	int			skip;			/* go by so often first */
	int			times;			/* then act so often; negative: always */
	int			milliseconds;	/* STOP_SLEEP */
	int			hits;			/* times acted */
	int			nwaiting;
	int			waiting[MAX_WAITING];	/* pids */
} Stop;

typedef struct StopShared
{
	pg_atomic_uint32 armed;		/* number of armed points */
	PsSpin		mutex;			/* guards what follows */
	uint32		settings;
	Stop		stops[MAX_STOPS];
} StopShared;

static StopShared *shared;

pg_atomic_uint32 *ps_stops_armed = NULL;
int			ps_stop_random = 0;
char	   *ps_debug_stops = NULL;
void		(*ps_stop_orphaned) (void) = NULL;

void
ps_debug_define_settings(void)
{
	DefineCustomIntVariable("pagestore.debug_stop_random",
							"Chances in a thousand that a process sleeps for a moment at a stop point.",
							NULL, &ps_stop_random, 0, 0, 1000,
							PGC_SIGHUP, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomStringVariable("pagestore.debug_stops",
							   "Stop points armed at server start: name:action[:skip[:times]], separated by commas.",
							   NULL, &ps_debug_stops, "",
							   PGC_POSTMASTER, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
}

static StopAction
parse_action(const char *name)
{
	for (int i = STOP_WAIT; i < lengthof(action_names); i++)
		if (strcmp(action_names[i], name) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a stop point cannot \"%s\"", name)));
}

/* The point of this name; with make, a free place for it.  The mutex is held. */
static Stop *
find_stop(const char *name, bool make)
{
	Stop	   *unused = NULL;

	for (int i = 0; i < MAX_STOPS; i++)
	{
		Stop	   *stop = &shared->stops[i];

		if (stop->action == STOP_NONE)
			unused = stop;
		else if (strcmp(stop->name, name) == 0)
			return stop;
	}
	return make ? unused : NULL;
}

static void
arm(const char *name, StopAction action, int pid, int skip, int times, int milliseconds)
{
	Stop	   *stop;

	ps_spin_lock(&shared->mutex);
	stop = find_stop(name, true);
	if (stop)
	{
		if (stop->action == STOP_NONE)
			pg_atomic_fetch_add_u32(&shared->armed, 1);
		memset(stop, 0, sizeof(Stop));
		strlcpy(stop->name, name, NAMEDATALEN);
		stop->action = action;
		stop->setting = ++shared->settings;
		stop->pid = pid;
		stop->skip = skip;
		stop->times = times;
		stop->milliseconds = milliseconds;
	}
	ps_spin_unlock(&shared->mutex);
	if (stop == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no more than %d stop points can be armed", MAX_STOPS)));
}

/* What pagestore.debug_stops asks for. */
static void
arm_from_setting(void)
{
	char	   *list = pstrdup(ps_debug_stops ? ps_debug_stops : "");
	char	   *next = list;
	char	   *item;

	while ((item = strsep(&next, ",")) != NULL)
	{
		char	   *name = strsep(&item, ":");
		char	   *action = item ? strsep(&item, ":") : NULL;
		char	   *skip = item ? strsep(&item, ":") : NULL;

		if (name[0] != '\0')
			arm(name, parse_action(action ? action : "wait"), 0, skip ? atoi(skip) : 0, item ? atoi(item) : -1, 10);
	}
	pfree(list);
}

Size
ps_debug_shmem_size(void)
{
	return add_size(MAXALIGN(sizeof(StopShared)), ps_fault_shmem_size());
}

void
ps_debug_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pagestore stop points", sizeof(StopShared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(StopShared));
		pg_atomic_init_u32(&shared->armed, 0);
		ps_spin_init(&shared->mutex);
		arm_from_setting();
	}
	ps_stops_armed = &shared->armed;
	ps_fault_shmem_init();
}

/* ---- a process comes by ---- */

/* What it is to do.  For STOP_WAIT it is noted as waiting, if there is room to show it. */
static Stop
act_on(const char *name)
{
	Stop	   *stop;
	Stop		copy = {.action = STOP_NONE};

	ps_spin_lock(&shared->mutex);
	stop = find_stop(name, false);
	if (stop && (stop->pid == 0 || stop->pid == MyProcPid) && stop->times != 0)
	{
		if (stop->skip > 0)
			stop->skip--;
		else
		{
			stop->hits++;
			if (stop->times > 0)
				stop->times--;
			copy = *stop;
		}
	}
	ps_spin_unlock(&shared->mutex);
	return copy;
}

/* Note, or no longer note, that this process waits at a point.  False when the point is no longer armed as it was. */
static bool
note_waiting(const Stop *seen, bool waits)
{
	Stop	   *stop;
	bool		stands;

	ps_spin_lock(&shared->mutex);
	stop = find_stop(seen->name, false);
	stands = stop && stop->setting == seen->setting;
	if (stands)
	{
		int			i = 0;

		while (i < stop->nwaiting && stop->waiting[i] != MyProcPid)
			i++;
		if (waits && i == stop->nwaiting && i < MAX_WAITING)
			stop->waiting[stop->nwaiting++] = MyProcPid;
		else if (!waits && i < stop->nwaiting)
			stop->waiting[i] = stop->waiting[--stop->nwaiting];
	}
	ps_spin_unlock(&shared->mutex);
	return stands;
}

static void
wait_here(const Stop *stop)
{
	while (note_waiting(stop, true))
	{
		if (InterruptPending && InterruptHoldoffCount == 0 && CritSectionCount == 0)
		{
			note_waiting(stop, false);
			CHECK_FOR_INTERRUPTS();
			continue;
		}
		if (IsUnderPostmaster && getppid() != PostmasterPid)
		{
			/* nobody is left to clear the point */
			if (ps_stop_orphaned != NULL)
				ps_stop_orphaned();
			_exit(1);
		}
		pg_usleep(1000);
	}
}

void
ps_stop_reached(const char *name)
{
	Stop		stop;

	if (ps_stop_random > 0 && pg_prng_uint64_range(&pg_global_prng_state, 0, 999) < ps_stop_random)
		pg_usleep(pg_prng_uint64_range(&pg_global_prng_state, 0, RANDOM_MAX_US));
	if (shared == NULL || pg_atomic_read_u32(&shared->armed) == 0)
		return;

	stop = act_on(name);
	Assert(stop.action == STOP_NONE || ps_spins_held == 0);
	switch (stop.action)
	{
		case STOP_NONE:
		case STOP_YES:
			break;
		case STOP_WAIT:
			wait_here(&stop);
			break;
		case STOP_ERROR:
			Assert(CritSectionCount == 0);	/* it would be a PANIC */
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("stop point \"%s\"", name)));
			break;
		case STOP_KILL:
			kill(MyProcPid, SIGKILL);
			break;
		case STOP_SLEEP:
			pg_usleep(stop.milliseconds * 1000L);
			break;
	}
}

bool
ps_stop_says_yes(const char *name)
{
	return act_on(name).action == STOP_YES;
}

/* ---- SQL, in the extension pagestore_test ---- */

/* pagestore_stop_set(name text, action text, pid int, skip int, times int, milliseconds int) */
Datum
pagestore_stop_set(PG_FUNCTION_ARGS)
{
	arm(text_to_cstring(PG_GETARG_TEXT_PP(0)), parse_action(text_to_cstring(PG_GETARG_TEXT_PP(1))),
		PG_GETARG_INT32(2), PG_GETARG_INT32(3), PG_GETARG_INT32(4), PG_GETARG_INT32(5));
	PG_RETURN_VOID();
}

/* pagestore_stop_clear(name text): whoever waits goes on; NULL: all points */
Datum
pagestore_stop_clear(PG_FUNCTION_ARGS)
{
	char	   *name = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));

	ps_spin_lock(&shared->mutex);
	for (int i = 0; i < MAX_STOPS; i++)
	{
		Stop	   *stop = &shared->stops[i];

		if (stop->action == STOP_NONE || (name && strcmp(stop->name, name) != 0))
			continue;
		stop->action = STOP_NONE;
		pg_atomic_fetch_sub_u32(&shared->armed, 1);
	}
	ps_spin_unlock(&shared->mutex);
	PG_RETURN_VOID();
}

/* pagestore_stops(OUT name text, OUT action text, OUT hits int, OUT waiting int[]) */
Datum
pagestore_stops(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < MAX_STOPS; i++)
	{
		Stop		stop;
		Datum		pids[MAX_WAITING];
		Datum		values[4];
		bool		nulls[4] = {false};

		ps_spin_lock(&shared->mutex);
		stop = shared->stops[i];
		ps_spin_unlock(&shared->mutex);
		if (stop.action == STOP_NONE)
			continue;
		for (int j = 0; j < stop.nwaiting; j++)
			pids[j] = Int32GetDatum(stop.waiting[j]);
		values[0] = CStringGetTextDatum(stop.name);
		values[1] = CStringGetTextDatum(action_names[stop.action]);
		values[2] = Int32GetDatum(stop.hits);
		values[3] = PointerGetDatum(construct_array(pids, stop.nwaiting, INT4OID, 4, true, TYPALIGN_INT));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

#endif							/* PAGESTORE_DEBUG */
