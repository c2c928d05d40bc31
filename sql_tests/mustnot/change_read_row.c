/*
 * A row for reading is not one to be changed.
 *
 * gcc: incompatible types? when|incompatible type for
 * clang: passing 'PsRow'|incompatible type|initializing 'PsRowMut'
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"

extern void change(PsRowMut row);
extern void look(PsRow row, PsRowMut mutable);

void
look(PsRow row, PsRowMut mutable)
{
	change(mutable);
#ifdef FAULT
	change(row);
#endif
}
