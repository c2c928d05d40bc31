/*
 * notice.c
 *		Which files have become doubtful.
 *
 * The last notices are kept in a ring in shared memory, and each process knows
 * up to which it has read.  One that has fallen behind by more than the ring
 * doubts all.
 */
#include "postgres.h"

#include "debug/lock.h"
#include "io/notice.h"
#include "port/atomics.h"
#include "storage/shmem.h"

typedef struct NoticeBoard
{
	pg_atomic_uint64 given;		/* so far; changed under the mutex */
	PsSpin		mutex;			/* protects all below */
	RelFileLocator notices[PS_NOTICES]; /* number i at i % PS_NOTICES; an
										 * invalid oid stands for all */
} NoticeBoard;

static NoticeBoard *board;
static uint64 seen;				/* by this process */

Size
ps_notice_shmem_size(void)
{
	return MAXALIGN(sizeof(NoticeBoard));
}

void
ps_notice_shmem_init(void)
{
	bool		found;

	board = ShmemInitStruct("pagestore notices", ps_notice_shmem_size(), &found);
	if (!found)
	{
		pg_atomic_init_u64(&board->given, 0);
		ps_spin_init(&board->mutex);
	}
}

void
ps_file_invalidate(RelFileLocator rlocator)
{
	uint64		n;

	ps_spin_lock(&board->mutex);
	n = pg_atomic_read_u64(&board->given);
	board->notices[n % PS_NOTICES] = rlocator;
	pg_atomic_write_u64(&board->given, n + 1);
	ps_spin_unlock(&board->mutex);
}

bool
ps_notice_concerns(const RelFileLocator *notice, const RelFileLocator *rlocator)
{
	return (!OidIsValid(notice->spcOid) || notice->spcOid == rlocator->spcOid) &&
		(!OidIsValid(notice->dbOid) || notice->dbOid == rlocator->dbOid) &&
		(!OidIsValid(notice->relNumber) || notice->relNumber == rlocator->relNumber);
}

bool
ps_notice_pending(void)
{
	return seen != pg_atomic_read_u64(&board->given);
}

void
ps_notice_skip(void)
{
	seen = pg_atomic_read_u64(&board->given);
}

int
ps_notice_take(RelFileLocator *fresh)
{
	uint64		given;
	int			n = 0;

	ps_spin_lock(&board->mutex);
	given = pg_atomic_read_u64(&board->given);
	if (given - seen <= PS_NOTICES)
		while (seen + n < given)
		{
			fresh[n] = board->notices[(seen + n) % PS_NOTICES];
			n++;
		}
	else
		fresh[n++] = (RelFileLocator)
	{
		InvalidOid, InvalidOid, InvalidOid
	};
	ps_spin_unlock(&board->mutex);

	seen = given;
	return n;
}
