/*
 * resident.c
 *		Which pages were in the pool, in a file of the data directory.
 *
 * A head, then runs of adjacent pages.  The checksum is over all that follows
 * it.  The file is a hint: nothing is lost without it.
 */
#include "postgres.h"

#include <unistd.h>

#include "admin/resident.h"
#include "lib/qunique.h"
#include "pool/inspect.h"
#include "pool/pool.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#define TEMPORARY_FILE PS_RESIDENT_FILE ".tmp"
#define MAGIC 0x50736D31		/* changes with the format */

typedef struct Head
{
	pg_crc32c	checksum;		/* of what follows, runs included */
	uint32		magic;
	uint32		nruns;
	uint32		unused;
} Head;

/* ---- what is in the pool ---- */

static int
compare_runs(const void *a, const void *b)
{
	const PsResidentRun *x = a;
	const PsResidentRun *y = b;

#define COMPARE(field) if (x->field != y->field) return x->field < y->field ? -1 : 1
	COMPARE(rlocator.dbOid);
	COMPARE(rlocator.spcOid);
	COMPARE(rlocator.relNumber);
	COMPARE(first);
#undef COMPARE
	return 0;
}

static bool
adjoins(const PsResidentRun *run, const PsResidentRun *next)
{
	return RelFileLocatorEquals(run->rlocator, next->rlocator) && run->first + run->n == next->first;
}

/* In place: pages, each a run, become runs. */
static uint32
join_runs(PsResidentRun *runs, uint32 n)
{
	uint32		last = 0;

	if (n == 0)
		return 0;
	for (uint32 i = 1; i < n; i++)
	{
		if (adjoins(&runs[last], &runs[i]))
			runs[last].n++;
		else
			runs[++last] = runs[i];
	}
	return last + 1;
}

PsResident
ps_resident_collect(void)
{
	PsResident	resident;
	uint32		used = ps_frames_used();
	uint32		n = 0;

	resident.runs = MemoryContextAllocHuge(CurrentMemoryContext, Max((Size) used, 1) * sizeof(PsResidentRun));
	for (PsFrame frame = 0; frame < used; frame++)
	{
		PsFrameInfo info;

		if (ps_frame_inspect(frame, &info) && !info.ghost && OidIsValid(info.rlocator.dbOid))
			resident.runs[n++] = (PsResidentRun)
		{
			info.rlocator, info.block, 1
		};
	}

	/* a page that changed frames meanwhile may be there twice */
	qsort(resident.runs, n, sizeof(PsResidentRun), compare_runs);
	n = qunique(resident.runs, n, sizeof(PsResidentRun), compare_runs);
	resident.npages = n;
	resident.nruns = join_runs(resident.runs, n);
	return resident;
}

void
ps_resident_free(PsResident *resident)
{
	pfree(resident->runs);
	resident->runs = NULL;
}

/* ---- the file ---- */

static pg_crc32c
checksum_of(const Head *head, const PsResidentRun *runs)
{
	const size_t start = offsetof(Head, magic);
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, (const char *) head + start, sizeof(Head) - start);
	COMP_CRC32C(crc, runs, head->nruns * sizeof(PsResidentRun));
	FIN_CRC32C(crc);
	return crc;
}

bool
ps_resident_write(const PsResident *resident)
{
	Head		head = {.magic = MAGIC,.nruns = resident->nruns};
	FILE	   *file = AllocateFile(TEMPORARY_FILE, PG_BINARY_W);
	bool		good;

	head.checksum = checksum_of(&head, resident->runs);
	good = file != NULL &&
		fwrite(&head, sizeof(head), 1, file) == 1 &&
		fwrite(resident->runs, sizeof(PsResidentRun), resident->nruns, file) == resident->nruns;
	if (file != NULL && FreeFile(file) != 0)
		good = false;
	if (!good)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", TEMPORARY_FILE)));
		unlink(TEMPORARY_FILE);
		return false;
	}
	return durable_rename(TEMPORARY_FILE, PS_RESIDENT_FILE, LOG) == 0;
}

/* The runs after a head that is right so far; NULL: they are not. */
static PsResidentRun *
read_runs(FILE *file, const Head *head)
{
	PsResidentRun *runs = MemoryContextAllocExtended(CurrentMemoryContext,
													 Max((Size) head->nruns, 1) * sizeof(PsResidentRun),
													 MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);

	if (runs != NULL &&
		fread(runs, sizeof(PsResidentRun), head->nruns, file) == head->nruns &&
		fgetc(file) == EOF && !ferror(file) &&
		checksum_of(head, runs) == head->checksum)
		return runs;
	if (runs != NULL)
		pfree(runs);
	return NULL;
}

bool
ps_resident_read(PsResident *resident)
{
	FILE	   *file = AllocateFile(PS_RESIDENT_FILE, PG_BINARY_R);
	Head		head;

	if (file == NULL)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not open file \"%s\": %m", PS_RESIDENT_FILE)));
		return false;
	}

	resident->runs = NULL;
	if (fread(&head, sizeof(head), 1, file) == 1 && head.magic == MAGIC)
		resident->runs = read_runs(file, &head);
	FreeFile(file);
	if (resident->runs == NULL)
	{
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file \"%s\" is damaged or of another version: it is ignored", PS_RESIDENT_FILE)));
		return false;
	}

	resident->nruns = head.nruns;
	resident->npages = 0;
	for (uint32 i = 0; i < head.nruns; i++)
		resident->npages += resident->runs[i].n;
	return true;
}
