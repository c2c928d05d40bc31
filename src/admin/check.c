/*
 * check.c
 *		pagestore_check(): is a table sound, by all that its pages, its TOAST
 *		table and its indexes say?  One row for each thing that is not.
 *
 * Pages are judged as they are now, under a shared latch, one after the other;
 * large tables are read around the pool.  What can't be had as a page is taken
 * from the file as it lies there.  Nobody is kept from writing.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/visibilitymap.h"
#include "access/xlog.h"
#include "admin/check_amcheck.h"
#include "admin/check_index.h"
#include "admin/check_page.h"
#include "admin/check_toast.h"
#include "admin/check_xid.h"
#include "admin/tool.h"
#include "admin/try.h"
#include "fmgr.h"
#include "funcapi.h"
#include "io/file.h"
#include "io/request.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "page/storage.h"
#include "page/stream.h"
#include "row/vm.h"
#include "storage/checksum.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(pagestore_check);

/* What the caller wants. */
typedef struct Wishes
{
	bool		heapallindexed;
	bool		toast;
	bool		indexes;
	bool		stop_on_error;
	uint8		skip;			/* pages with this bit in the visibility map */
	BlockNumber first;
	BlockNumber end;
	bool		whole;			/* no page is left out */
} Wishes;

#define AHEAD 512				/* most blocks that the stream asks for ahead */

/* The pages, in order. */
typedef struct Pages
{
	PsCheck    *check;
	const Wishes *wishes;
	BlockNumber next;			/* to be named to the stream, or passed over */
	BlockNumber named[AHEAD];	/* and not handed out yet, from nout on */
	uint64		nnamed;
	uint64		nout;
	bool		reading;		/* the stream is asked for named[nout] */
	Buffer		vmbuf;
	MemoryContext run_context;	/* for what goes with an error */
} Pages;

/* The page's latch is gone: tell, and look up what could not be looked up under it. */
static void
finish_page(PsCheck *check)
{
	MemoryContext old = MemoryContextSwitchTo(check->page_context);
	ListCell   *cell;

	ps_put_found(check);
	foreach(cell, check->toasted)
	{
		check->looking_up = lfirst(cell);
		ps_check_toast(check, check->looking_up);
	}
	check->looking_up = NULL;
	MemoryContextSwitchTo(old);
	ps_forget_found(check);
}

/* ---- a page that the table's pool or buffers have ---- */

/* Changes take the map's bit and the page's together. */
static void
check_map(Pages *scan, const char *page)
{
	if (!RecoveryInProgress() && !ps_page_all_visible(page) &&
		VM_ALL_VISIBLE(scan->check->rel, scan->check->block, &scan->vmbuf))
		ps_found(scan->check, InvalidOffsetNumber, PS_NO_ATTRIBUTE,
				 "visibility map says that all rows are visible to all, the page does not");
}

static void
check_bytes(Pages *scan, const char *page)
{
	MemoryContext old = MemoryContextSwitchTo(scan->check->page_context);
	const char *fault = ps_page_header_fault(page);

	if (fault != NULL)
		ps_found(scan->check, InvalidOffsetNumber, PS_NO_ATTRIBUTE, "%s", fault);
	else if (!PageIsNew(unconstify(char *, page)))
	{
		check_map(scan, page);
		ps_check_page(scan->check, page);
	}
	MemoryContextSwitchTo(old);
}

/*
 * The bytes at a pin, under its latch.  A private image that something is wrong
 * with is given up for the page itself, which it may be older than.
 */
static void
check_pinned(Pages *scan, PsPin *pin)
{
	PsCheck    *check = scan->check;

	/* so that the map's page is at hand before the latch is taken */
	(void) visibilitymap_get_status(check->rel, check->block, &scan->vmbuf);
	do
	{
		PsRead		guard;

		ps_forget_found(check);
		ps_read_lock(check->rel, pin, &guard);
		check->is_image = pin->origin == PS_RING;
		check_bytes(scan, guard.page);
		ps_read_unlock(&guard);
	} while (check->is_image && (ps_found_any(check) || check->look_again));
}

/* ---- a page that can't be had ---- */

/* The block as it lies in the file; false: it can't be read either. */
static bool
read_file(Pages *scan, char *page)
{
	struct iovec iov = {page, BLCKSZ};

	/* files of temporary tables have other names */
	return !RelationUsesLocalBuffers(scan->check->rel) &&
		ps_file_read(scan->check->rel->rd_locator, scan->check->block, 1, &iov, 1) == 1;
}

static void
check_checksum(Pages *scan, char *page)
{
	uint16		stored = ((PageHeader) page)->pd_checksum;
	uint16		right;

	if (!DataChecksumsEnabled() || PageIsNew(page))
		return;
	right = pg_checksum_page(page, scan->check->block);
	if (stored != right)
		ps_found(scan->check, InvalidOffsetNumber, PS_NO_ATTRIBUTE,
				 "checksum is %u, should be %u", stored, right);
}

/*
 * Why the page in the file is refused: each line pointer and row that is wrong,
 * if its header lets them be found.  error: what was said when it was asked for;
 * one of the disk leaves nothing to read.
 */
static void
check_refused(Pages *scan, const ErrorData *error)
{
	PsCheck    *check = scan->check;
	char	   *buffer = palloc(BLCKSZ + PS_IO_ALIGN);
	char	   *page = (char *) TYPEALIGN(PS_IO_ALIGN, buffer);

	ps_forget_found(check);
	check->is_image = false;
	if (error->sqlerrcode == ERRCODE_DATA_CORRUPTED && read_file(scan, page))
	{
		check_checksum(scan, page);
		check_bytes(scan, page);
	}
	if (!ps_found_any(check))
		ps_found(check, InvalidOffsetNumber, PS_NO_ATTRIBUTE, "%s", error->message);
	pfree(buffer);
}

/* ---- all pages ---- */

static BlockNumber
next_wanted(void *arg)
{
	Pages	   *scan = arg;
	const Wishes *wishes = scan->wishes;

	while (scan->next < wishes->end)
	{
		BlockNumber block = scan->next++;

		CHECK_FOR_INTERRUPTS();
		if (wishes->skip == 0 ||
			(visibilitymap_get_status(scan->check->rel, block, &scan->vmbuf) & wishes->skip) == 0)
		{
			Assert(scan->nnamed - scan->nout < AHEAD);
			return scan->named[scan->nnamed++ % AHEAD] = block;
		}
	}
	return InvalidBlockNumber;
}

static bool
is_enough(const Pages *scan)
{
	return scan->wishes->stop_on_error && scan->check->nfound > 0;
}

/* From scan->next on, to the end or an error. */
static void
check_run(void *arg)
{
	Pages	   *scan = arg;
	PsCheck    *check = scan->check;
	PsStream   *stream;
	PsPin		pin = PS_NO_PIN;

	MemoryContextSwitchTo(scan->run_context);
	stream = ps_stream_begin(check->rel, next_wanted, scan, PS_STREAM_AROUND_POOL);
	ps_stream_limit(stream, AHEAD);
	while (!is_enough(scan))
	{
		bool		more;

		scan->reading = true;
		more = ps_stream_next(stream, &pin);
		scan->reading = false;
		if (!more)
			break;
		check->block = pin.block;
		Assert(scan->named[scan->nout % AHEAD] == pin.block);
		scan->nout++;
		check_pinned(scan, &pin);
		finish_page(check);
	}
	ps_unpin(&pin);
	ps_stream_end(stream);

	/* the pin belongs to the subtransaction that took it */
	ps_vm_release(&scan->vmbuf);
}

/* Errors that tell of damage where it was looked for; any other ends the check. */
static bool
take_error(Pages *scan, const ErrorData *error)
{
	PsCheck    *check = scan->check;
	bool		is_damage = ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INTERNAL_ERROR;
	const PsToasted *toasted = check->looking_up;

	check->looking_up = NULL;
	if (toasted != NULL && is_damage)
	{
		ps_put_finding(check, toasted->block, toasted->offset, toasted->attribute,
					   psprintf("value %u in the TOAST table: %s", toasted->pointer.va_valueid, error->message));
		ps_forget_found(check);
	}
	else if (scan->reading && scan->nout < scan->nnamed &&
			 (is_damage || error->sqlerrcode == ERRCODE_IO_ERROR))
	{
		check->block = scan->named[scan->nout % AHEAD];
		check_refused(scan, error);
		ps_vm_release(&scan->vmbuf);
		finish_page(check);
	}
	else
		return false;

	/* after that page; what the stream had named beyond it is named again */
	scan->next = check->block + 1;
	scan->nout = scan->nnamed = 0;
	scan->reading = false;
	return true;
}

/*
 * A page that is refused is an error of its reader, with which the stream ends;
 * with it ends a subtransaction.  False: that has happened, and been told.
 */
static bool
try_run(Pages *scan)
{
	ErrorData  *error;

	scan->run_context = AllocSetContextCreate(CurrentMemoryContext, "pagestore_check run", ALLOCSET_DEFAULT_SIZES);
	error = ps_try(check_run, scan);
	MemoryContextDelete(scan->run_context);
	if (error == NULL)
		return true;

	/* it went with the subtransaction */
	scan->vmbuf = InvalidBuffer;
	if (!take_error(scan, error))
		ReThrowError(error);
	return false;
}

static void
check_pages(PsCheck *check, const Wishes *wishes)
{
	Pages	   *scan = palloc0(sizeof(Pages));

	scan->check = check;
	scan->wishes = wishes;
	scan->next = wishes->first;
	scan->vmbuf = InvalidBuffer;
	while (!try_run(scan) && !is_enough(scan))
		;
	pfree(scan);
}

/* ---- the function ---- */

static void
no_null(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be null", name)));
}

static uint8
skipped_bit(const char *skip)
{
	if (pg_strcasecmp(skip, "none") == 0)
		return 0;
	if (pg_strcasecmp(skip, "all-visible") == 0)
		return VISIBILITYMAP_ALL_VISIBLE;
	if (pg_strcasecmp(skip, "all-frozen") == 0)
		return VISIBILITYMAP_ALL_FROZEN;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid skip option"),
			 errhint("Valid skip options are \"all-visible\", \"all-frozen\", and \"none\".")));
}

/* The arguments after the first one; blocks are those of the table. */
static void
read_wishes(FunctionCallInfo fcinfo, BlockNumber nblocks, Wishes *wishes)
{
	wishes->heapallindexed = PG_GETARG_BOOL(1);
	wishes->toast = PG_GETARG_BOOL(2);
	wishes->indexes = PG_GETARG_BOOL(3);
	wishes->stop_on_error = PG_GETARG_BOOL(4);
	wishes->skip = skipped_bit(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	wishes->first = 0;
	wishes->end = nblocks;
	if (nblocks > 0)
	{
		wishes->first = ps_block_argument(fcinfo, 6, "starting", nblocks, 0);
		wishes->end = ps_block_argument(fcinfo, 7, "ending", nblocks, nblocks - 1) + 1;
	}
	wishes->whole = wishes->skip == 0 && wishes->first == 0 && wishes->end == nblocks;
}

/* Rows are compared with indexes only if all of them are sound: others' values are not safe to compute with. */
static void
check_others(PsCheck *check, const Wishes *wishes)
{
	bool		compare = wishes->heapallindexed && wishes->whole && check->nfound == 0;

	if (wishes->toast && OidIsValid(check->rel->rd_rel->reltoastrelid) &&
		!ps_amcheck_toast(check, check->rel->rd_rel->reltoastrelid))
		ereport(NOTICE,
				(errmsg("pages of the TOAST table of \"%s\" are not checked", RelationGetRelationName(check->rel)),
				 errhint("CREATE EXTENSION amcheck, and EXECUTE on its functions, for that.")));
	if (wishes->indexes)
	{
		if (wishes->heapallindexed && !compare && RelationGetIndexList(check->rel) != NIL)
			ereport(WARNING,
					(errmsg("indexes of \"%s\" are not compared with rows", RelationGetRelationName(check->rel)),
					 errdetail("That wants a check of the whole table that finds nothing wrong.")));
		ps_check_indexes(check, compare);
	}
}

/*
 * SQL: pagestore_check(relation regclass, heapallindexed boolean, check_toast boolean,
 *		check_indexes boolean, on_error_stop boolean, skip text, startblock bigint,
 *		endblock bigint) returns setof record, verify_heapam's columns
 */
Datum
pagestore_check(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"relation", "heapallindexed", "check_toast",
	"check_indexes", "on_error_stop", "skip"};
	PsCheck		check = {0};
	Wishes		wishes;

	for (int i = 0; i < lengthof(names); i++)
		no_null(fcinfo, i, names[i]);
	check.rel = ps_tool_open(PG_GETARG_OID(0), 0, InvalidOid,
							 "verify_heapam() of extension amcheck is for tables of heap.");
	InitMaterializedSRF(fcinfo, 0);
	check.result = (ReturnSetInfo *) fcinfo->resultinfo;

	/* in recovery an unlogged table has no file */
	if (check.rel->rd_rel->relpersistence != RELPERSISTENCE_UNLOGGED || !RecoveryInProgress())
	{
		read_wishes(fcinfo, ps_nblocks(check.rel), &wishes);
		check.page_context = AllocSetContextCreate(CurrentMemoryContext, "pagestore_check page", ALLOCSET_DEFAULT_SIZES);
		check.safe_xmin = GetTransactionSnapshot()->xmin;
		ps_check_xid_begin(&check);
		if (wishes.toast)
			ps_check_toast_begin(&check);
		check_pages(&check, &wishes);
		ps_check_toast_end(&check);
		if (!wishes.stop_on_error || check.nfound == 0)
			check_others(&check, &wishes);
	}
	relation_close(check.rel, AccessShareLock);
	return (Datum) 0;
}
