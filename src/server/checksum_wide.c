/*
 * checksum_wide.c
 *		The server's checksum of a page, compiled for registers of 32 bytes.
 *
 * The header that the server has for programs of others holds the whole of it.
 * The Makefile gives this file the switches.
 */
#include "postgres.h"

#include "server/checksum_wide.h"

#define pg_checksum_page ps_checksum_page_wide

#include "storage/checksum_impl.h"
