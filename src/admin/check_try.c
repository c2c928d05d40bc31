/*
 * check_try.c
 *		A part of a check that stops by an error at what is damaged.
 */
#include "postgres.h"

#include "admin/check_try.h"
#include "admin/try.h"

/* Errors that tell of damage, as opposed to those that tell of this session. */
static bool
is_damage(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_INTERNAL_ERROR || sqlerrcode == ERRCODE_IO_ERROR;
}

typedef struct Part
{
	PsCheck    *check;
	void		(*call) (PsCheck *check, void *arg);
	void	   *arg;
} Part;

static void
call_part(void *arg)
{
	Part	   *part = arg;

	part->call(part->check, part->arg);
}

void
ps_check_try(PsCheck *check, const char *about, void (*part) (PsCheck *check, void *arg), void *arg)
{
	Part		call = {check, part, arg};
	ErrorData  *error = ps_try(call_part, &call);

	if (error == NULL)
		return;
	if (!is_damage(error->sqlerrcode))
		ReThrowError(error);
	ps_put_finding(check, InvalidBlockNumber, InvalidOffsetNumber, PS_NO_ATTRIBUTE,
				   psprintf("%s: %s", about, error->message));
	FreeErrorData(error);
}
