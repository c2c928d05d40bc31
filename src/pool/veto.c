/*
 * veto.c
 *		A page that makes any checkpoint fail.
 *
 * The sentinel can make a checkpoint wait; core has no way for others to make
 * it fail.  But a checkpoint fails if it cannot write a shared buffer.  So the
 * sentinel keeps one pinned, of a fork that has no file.  While it is dirty
 * BufferSync() runs into it: an ERROR in the checkpointer, as for any page
 * that the disk does not take.  Whoever asked for the checkpoint is told, and
 * the next one is free to try again.
 *
 * The pin keeps backends and the background writer away from it: neither
 * writes a pinned buffer.  Its tag belongs to no relation and no database, so
 * that no DROP looks for it.
 */
#include "postgres.h"

#include "catalog/pg_tablespace_d.h"
#include "pool/veto.h"
#include "server/compat.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "utils/resowner.h"

static Buffer veto = InvalidBuffer;
static ResourceOwner owner;		/* of the pin: errors release the worker's */

void
ps_veto_prepare(void)
{
	ResourceOwner saved = CurrentResourceOwner;
	RelFileLocator nowhere = {GLOBALTABLESPACE_OID, InvalidOid, PS_VETO_RELFILENODE};

	owner = ResourceOwnerCreate(NULL, "pagestore veto");
	CurrentResourceOwner = owner;

	/* nothing is read for a page to be zeroed, so that the file is not missed */
	veto = ReadBufferWithoutRelcache(nowhere, INIT_FORKNUM, 0, RBM_ZERO_AND_LOCK, NULL, true);
	LockBuffer(veto, BUFFER_LOCK_UNLOCK);
	CurrentResourceOwner = saved;
}

void
ps_veto_raise(void)
{
	LockBuffer(veto, BUFFER_LOCK_EXCLUSIVE);
	MarkBufferDirty(veto);
	LockBuffer(veto, BUFFER_LOCK_UNLOCK);
}

bool
ps_veto_lift(void)
{
	BufferDesc *header = GetBufferDescriptor(veto - 1);
	uint64		state = LockBufHdr(header);
	bool		in_use = (state & BM_IO_IN_PROGRESS) != 0;

	UnlockBufHdrExt(header, state, 0, in_use ? 0 : BM_DIRTY | BM_CHECKPOINT_NEEDED | BM_IO_ERROR, 0);
	return !in_use;
}

void
ps_veto_end(void)
{
	ResourceOwner saved = CurrentResourceOwner;

	CurrentResourceOwner = owner;
	ReleaseBuffer(veto);
	veto = InvalidBuffer;
	CurrentResourceOwner = saved;
}
