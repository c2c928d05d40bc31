/*
 * page_bytes.h
 *		A page as it is now, copied.
 */
#ifndef PAGESTORE_ADMIN_PAGE_BYTES_H
#define PAGESTORE_ADMIN_PAGE_BYTES_H

#include "postgres.h"
#include "utils/rel.h"

/* ereport(ERROR) past the end, and as ps_pin() does. */
extern bytea *ps_page_bytes(Relation rel, int64 block);

#endif							/* PAGESTORE_ADMIN_PAGE_BYTES_H */
