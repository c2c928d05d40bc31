/*
 * origin.c
 *		Who has the pages of a relation.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "page/origin.h"
#include "pool/gate.h"
#include "pool/hold.h"
#include "pool/pool.h"
#include "storage/bufmgr.h"

PsOrigin
ps_origin(Relation rel)
{
	if (RelationUsesLocalBuffers(rel))
		return PS_LOCAL;
	if (unlikely(ps_unsettled))
		ps_settle();
	if (ps_gate_uses_shared(rel))
		return PS_SHARED;
	return PS_POOL;
}

PsOrigin
ps_enter(Relation rel)
{
	PsOrigin	origin = ps_origin(rel);

	if (likely(origin == PS_POOL))
		ps_gate_pass(rel);
	return origin;
}

bool
ps_buffers_may_change(Relation rel)
{
	return !RecoveryInProgress() && ps_gate_uses_shared(rel);
}

uint32
ps_cache_size(PsOrigin origin)
{
	switch (origin)
	{
		case PS_POOL:
			return ps_frames_total();
		case PS_SHARED:
			return NBuffers;
		default:
			return PG_UINT32_MAX;
	}
}
