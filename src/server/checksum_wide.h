/*
 * checksum_wide.h
 *		The server's checksum of a page, compiled for registers of 32 bytes.
 */
#ifndef PAGESTORE_SERVER_CHECKSUM_WIDE_H
#define PAGESTORE_SERVER_CHECKSUM_WIDE_H

#include "storage/block.h"

/* As pg_checksum_page() (storage/checksum.h); for a processor that has AVX2. */
extern uint16 ps_checksum_page_wide(char *page, BlockNumber block);

#endif							/* PAGESTORE_SERVER_CHECKSUM_WIDE_H */
