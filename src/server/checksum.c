/*
 * checksum.c
 *		Checksums of pages, as the server has them, computed faster.
 *
 * Up to PostgreSQL 18 the server computes them with the instructions that every
 * x86-64 processor has, among which is no multiplication of four numbers of 32
 * bits: half a microsecond a page, which is a quarter of what the disk takes
 * for one that is read in large pieces.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "server/checksum.h"
#include "server/checksum_wide.h"
#include "server/compat.h"
#include "storage/bufpage.h"
#include "storage/checksum.h"

static inline uint16
checksum_for(char *page, BlockNumber block)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return ps_checksum_page_wide(page, block);
#endif
	return pg_checksum_page(page, block);
}

/* What PageIsVerified() asks of a header. */
static inline bool
has_sane_header(const PageHeaderData *header)
{
	return (header->pd_flags & ~PD_VALID_FLAG_BITS) == 0 &&
		header->pd_lower <= header->pd_upper &&
		header->pd_upper <= header->pd_special &&
		header->pd_special <= BLCKSZ &&
		header->pd_special == MAXALIGN(header->pd_special);
}

/* The server has the last word on whatever is not in order, and on what is new. */
bool
ps_page_is_verified(char *page, BlockNumber block, bool report, Oid database)
{
	const PageHeaderData *header = (const PageHeaderData *) page;

	if (DataChecksumsEnabled() && !PageIsNew(page) && has_sane_header(header) &&
		header->pd_checksum == checksum_for(page, block))
		return true;
	return ps_core_page_is_verified(page, block, report, database);
}

void
ps_page_set_checksum(char *page, BlockNumber block)
{
	if (!DataChecksumsEnabled() || PageIsNew(page))
		return;
	((PageHeaderData *) page)->pd_checksum = checksum_for(page, block);
	Assert(((PageHeaderData *) page)->pd_checksum == pg_checksum_page(page, block));
}
