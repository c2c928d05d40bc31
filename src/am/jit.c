/*
 * jit.c
 *		Compiled deforming for our slots: a JIT provider (jit_provider = 'pagestore').
 *
 * Core's provider compiles the deforming of rows for the slots that it knows,
 * by their operations, and leaves others to theirs.  A slot of ours begins
 * like a heap slot, and the code compiled for one reads and writes nothing
 * else (slot.h).  So this provider hands everything on to core's, and calls
 * our slots heap slots in an expression while that compiles it.  Nothing but
 * the compiler sees that.
 */
#include "postgres.h"

#include "am/slot.h"
#include "executor/execExpr.h"
#include "fmgr.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"

static JitProviderCallbacks cores;

/* In an expression that is not ready yet: does the step fetch columns of a slot of ours? */
static bool
fetches_ours(ExprState *state, ExprEvalStep *step)
{
	switch (ExecEvalStepOp(state, step))
	{
		case EEOP_INNER_FETCHSOME:
		case EEOP_OUTER_FETCHSOME:
		case EEOP_SCAN_FETCHSOME:
			return step->d.fetch.fixed && step->d.fetch.kind == &TTSOpsPagestore;
		default:
			return false;
	}
}

static bool
compile_expr(ExprState *state)
{
	List	   *steps = NIL;
	ListCell   *lc;
	bool		compiled;

	for (int i = 0; i < state->steps_len; i++)
		if (fetches_ours(state, &state->steps[i]))
		{
			state->steps[i].d.fetch.kind = &TTSOpsHeapTuple;
			steps = lappend_int(steps, i);
		}
	compiled = cores.compile_expr(state);

	/* the interpreter, if it comes to that, wants to know what they are */
	foreach(lc, steps)
		state->steps[lfirst_int(lc)].d.fetch.kind = &TTSOpsPagestore;
	list_free(steps);
	return compiled;
}

/* Called by the server before it compiles for the first time in a process; an error if core's is not installed. */
void
_PG_jit_provider_init(JitProviderCallbacks *callbacks)
{
	char		path[MAXPGPATH];
	JitProviderInit init;

	snprintf(path, MAXPGPATH, "%s/llvmjit%s", pkglib_path, DLSUFFIX);
	init = (JitProviderInit) load_external_function(path, "_PG_jit_provider_init", true, NULL);
	init(&cores);
	*callbacks = cores;
	callbacks->compile_expr = compile_expr;
}
