/*
 * fault.c
 *		I/O faults put in on purpose: see fault.h.
 */
#include "postgres.h"

#ifdef PAGESTORE_DEBUG

#include "debug/fault.h"
#include "debug/lock.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pagestore_fault_set);
PG_FUNCTION_INFO_V1(pagestore_fault_clear);
PG_FUNCTION_INFO_V1(pagestore_faults);

#define MAX_FAULTS 16

typedef struct Fault
{
	bool		armed;
	PsFaultOp	op;
	Oid			relfilenode;	/* InvalidOid: any */
	Oid			tablespace;		/* InvalidOid: any */
	int			pid;			/* of this process only; 0: of any */
	int			error;			/* errno; 0: short or late only */
	int			bytes;			/* transfer at most so many; negative: all */
	int			milliseconds;	/* sleep before */
	int			skip;			/* spare so many first */
	int			times;			/* then strike so often; negative: always */
	int			hits;
} Fault;

typedef struct FaultShared
{
	pg_atomic_uint32 armed;
	PsSpin		mutex;			/* guards faults */
	Fault		faults[MAX_FAULTS];
} FaultShared;

static FaultShared *shared;

pg_atomic_uint32 *ps_faults_armed = NULL;

static const char *const op_names[PS_NFAULT_OPS] = {"open", "read", "write", "fsync", "extend", "submit"};

static const struct
{
	const char *name;
	int			value;
}			error_names[] = {
	{"", 0}, {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINVAL", EINVAL}, {"EROFS", EROFS}, {"EMFILE", EMFILE},
	{"ENOMEM", ENOMEM}, {"EBUSY", EBUSY}, {"EAGAIN", EAGAIN}, {"EINTR", EINTR}, {"ENOENT", ENOENT},
	{"EDQUOT", EDQUOT}, {"EACCES", EACCES}
};

Size
ps_fault_shmem_size(void)
{
	return MAXALIGN(sizeof(FaultShared));
}

void
ps_fault_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pagestore faults", sizeof(FaultShared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(FaultShared));
		pg_atomic_init_u32(&shared->armed, 0);
		ps_spin_init(&shared->mutex);
	}
	ps_faults_armed = &shared->armed;
}

static bool
strikes(Fault *fault, PsFaultOp op, RelFileLocator rlocator)
{
	if (!fault->armed || fault->op != op || fault->times == 0)
		return false;
	if (OidIsValid(fault->relfilenode) && fault->relfilenode != rlocator.relNumber)
		return false;
	if (OidIsValid(fault->tablespace) && fault->tablespace != rlocator.spcOid)
		return false;
	if (fault->pid != 0 && fault->pid != MyProcPid)
		return false;
	if (fault->skip > 0)
	{
		fault->skip--;
		return false;
	}
	if (fault->times > 0)
		fault->times--;
	fault->hits++;
	return true;
}

int
ps_fault_reached(PsFaultOp op, RelFileLocator rlocator, Size *bytes)
{
	Fault		fault = {.armed = false};

	ps_spin_lock(&shared->mutex);
	for (int i = 0; i < MAX_FAULTS && !fault.armed; i++)
		if (strikes(&shared->faults[i], op, rlocator))
			fault = shared->faults[i];
	ps_spin_unlock(&shared->mutex);

	if (!fault.armed)
		return 0;
	if (fault.milliseconds > 0)
		pg_usleep(fault.milliseconds * 1000L);
	if (fault.bytes >= 0 && bytes)
		*bytes = Min(*bytes, fault.bytes);
	return fault.error;
}

/* ---- SQL, in the extension pagestore_test ---- */

static PsFaultOp
parse_op(const char *name)
{
	for (int i = 0; i < PS_NFAULT_OPS; i++)
		if (strcmp(op_names[i], name) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no fault can be put into \"%s\"", name)));
}

static int
parse_error(const char *name)
{
	for (int i = 0; i < lengthof(error_names); i++)
		if (strcmp(error_names[i].name, name) == 0)
			return error_names[i].value;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown error \"%s\"", name)));
}

/*
 * pagestore_fault_set(op text, error text, relfilenode oid, tablespace oid,
 * skip int, times int, bytes int, milliseconds int, pid int)
 */
Datum
pagestore_fault_set(PG_FUNCTION_ARGS)
{
	Fault		fault = {
		.armed = true,
		.op = parse_op(text_to_cstring(PG_GETARG_TEXT_PP(0))),
		.error = parse_error(text_to_cstring(PG_GETARG_TEXT_PP(1))),
		.relfilenode = PG_GETARG_OID(2),
		.tablespace = PG_GETARG_OID(3),
		.skip = PG_GETARG_INT32(4),
		.times = PG_GETARG_INT32(5),
		.bytes = PG_GETARG_INT32(6),
		.milliseconds = PG_GETARG_INT32(7),
		.pid = PG_GETARG_INT32(8)
	};
	bool		done = false;

	ps_spin_lock(&shared->mutex);
	for (int i = 0; i < MAX_FAULTS && !done; i++)
		if (!shared->faults[i].armed)
		{
			shared->faults[i] = fault;
			pg_atomic_fetch_add_u32(&shared->armed, 1);
			done = true;
		}
	ps_spin_unlock(&shared->mutex);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no more than %d faults can be set", MAX_FAULTS)));
	PG_RETURN_VOID();
}

/* pagestore_fault_clear(): all of them */
Datum
pagestore_fault_clear(PG_FUNCTION_ARGS)
{
	ps_spin_lock(&shared->mutex);
	for (int i = 0; i < MAX_FAULTS; i++)
		shared->faults[i].armed = false;
	pg_atomic_write_u32(&shared->armed, 0);
	ps_spin_unlock(&shared->mutex);
	PG_RETURN_VOID();
}

/* pagestore_faults(OUT op text, OUT relfilenode oid, OUT hits int) */
Datum
pagestore_faults(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < MAX_FAULTS; i++)
	{
		Fault		fault;
		Datum		values[3];
		bool		nulls[3] = {false};

		ps_spin_lock(&shared->mutex);
		fault = shared->faults[i];
		ps_spin_unlock(&shared->mutex);
		if (!fault.armed)
			continue;
		values[0] = CStringGetTextDatum(op_names[fault.op]);
		values[1] = ObjectIdGetDatum(fault.relfilenode);
		values[2] = Int32GetDatum(fault.hits);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

#endif							/* PAGESTORE_DEBUG */
