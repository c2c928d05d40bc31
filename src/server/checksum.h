/*
 * checksum.h
 *		Checksums of pages, as the server has them.
 */
#ifndef PAGESTORE_SERVER_CHECKSUM_H
#define PAGESTORE_SERVER_CHECKSUM_H

#include "storage/block.h"

/*
 * As PageIsVerified() (storage/page/bufpage.c): is it a page, or all zeros, and
 * of its checksum, if there are any?  report: log a wrong checksum, and count
 * it for the database.
 */
extern bool ps_page_is_verified(char *page, BlockNumber block, bool report, Oid database);

/* As PageSetChecksumInplace(): before the page is written.  It must be the caller's alone. */
extern void ps_page_set_checksum(char *page, BlockNumber block);

#endif							/* PAGESTORE_SERVER_CHECKSUM_H */
