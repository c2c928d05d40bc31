/*
 * replacement.c
 *		The choice of a replacement policy.
 */
#include "postgres.h"

#include "pool/replacement.h"
#include "storage/shmem.h"

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

StaticAssertDecl(lengthof(policies) + 1 == lengthof(ps_replacement_options), "each policy has a name");

const PsPolicy *ps_policy;

Size
ps_policy_shmem_size(void)
{
	ps_policy = policies[ps_replacement];
	return ps_policy->shmem_size(ps_frames_max);
}

void
ps_policy_shmem_init(void)
{
	bool		found;

	ps_policy->shmem_init(ShmemInitStruct("pagestore policy", ps_policy_shmem_size(), &found),
						  ps_frames_max);
}
