/*
 * behind_newer_15.c
 *		Functions by which libraries reach pages that not every server has: none
 *		in 15.
 */
#include "postgres.h"

#include "am/behind_newer.h"

int
ps_newer_imports(const PsImport **imports)
{
	*imports = NULL;
	return 0;
}
