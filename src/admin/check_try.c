/*
 * check_try.c
 *		A part of a check that stops by an error at what is damaged.
 */
#include "postgres.h"

#include "access/xact.h"
#include "admin/check_try.h"
#include "utils/resowner.h"

/* Errors that tell of damage, as opposed to those that tell of this session. */
static bool
is_damage(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_INTERNAL_ERROR || sqlerrcode == ERRCODE_IO_ERROR;
}

void
ps_check_try(PsCheck *check, const char *about, void (*part) (PsCheck *check, void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		part(check, arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!is_damage(error->sqlerrcode))
			ReThrowError(error);
		ps_put_finding(check, InvalidBlockNumber, InvalidOffsetNumber, PS_NO_ATTRIBUTE,
					   psprintf("%s: %s", about, error->message));
		FreeErrorData(error);
	}
	PG_END_TRY();
}
