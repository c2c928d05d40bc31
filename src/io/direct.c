/*
 * direct.c
 *		Which tablespaces lie on file systems that refuse O_DIRECT.
 */
#include "postgres.h"

#include "debug/lock.h"
#include "io/direct.h"
#include "io/notice.h"
#include "storage/shmem.h"

#define MAX_BUFFERED_TABLESPACES 64

typedef struct Buffered
{
	PsSpin		mutex;			/* protects all below */
	bool		all;			/* there were more than the list holds */
	int			n;
	Oid			tablespaces[MAX_BUFFERED_TABLESPACES];
} Buffered;

static Buffered *buffered;

Size
ps_direct_shmem_size(void)
{
	return MAXALIGN(sizeof(Buffered));
}

void
ps_direct_shmem_init(void)
{
	bool		found;

	buffered = ShmemInitStruct("pagestore buffered tablespaces", ps_direct_shmem_size(), &found);
	if (!found)
	{
		ps_spin_init(&buffered->mutex);
		buffered->n = 0;
		buffered->all = false;
	}
}

/* mutex held */
static bool
is_listed(Oid tablespace)
{
	if (buffered->all)
		return true;
	for (int i = 0; i < buffered->n; i++)
		if (buffered->tablespaces[i] == tablespace)
			return true;
	return false;
}

bool
ps_direct_works(Oid tablespace)
{
	bool		listed;

	ps_spin_lock(&buffered->mutex);
	listed = is_listed(tablespace);
	ps_spin_unlock(&buffered->mutex);
	return !listed;
}

void
ps_direct_refused(Oid tablespace, const char *path)
{
	RelFileLocator all = {tablespace, InvalidOid, InvalidOid};
	bool		is_news;
	bool		too_many = false;

	ps_spin_lock(&buffered->mutex);
	is_news = !is_listed(tablespace);
	if (is_news && buffered->n == MAX_BUFFERED_TABLESPACES)
		buffered->all = too_many = true;
	else if (is_news)
		buffered->tablespaces[buffered->n++] = tablespace;
	ps_spin_unlock(&buffered->mutex);

	if (!is_news)
		return;
	ps_file_invalidate(all);
	ereport(LOG,
			(errmsg("file system of tablespace %u refuses direct I/O: using buffered I/O there",
					tablespace),
			 errdetail("The file was \"%s\".", path)));
	if (too_many)
		ereport(LOG,
				(errmsg("more than %d tablespaces refuse direct I/O: using buffered I/O in all",
						MAX_BUFFERED_TABLESPACES)));
}
