/*
 * policy.c
 *		The choice of a replacement policy.
 */
#include "postgres.h"

#include "pool/frame.h"

int			ps_replacement = PS_REPLACEMENT_DEFAULT;

const struct config_enum_entry ps_replacement_options[] = {
	{"clock", 0, false},
	{"sieve", 1, false},
	{"lru", 2, false},
	{"s3fifo", 3, false},
	{NULL, 0, false}
};

static const PsPolicy *const policies[] = {
	&ps_policy_clock,
	&ps_policy_sieve,
	&ps_policy_lru,
	&ps_policy_s3fifo
};

const PsPolicy *ps_policy;

void
ps_policy_choose(void)
{
	ps_policy = policies[ps_replacement];
}
