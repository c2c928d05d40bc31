/*
 * behind_newer_17.c
 *		Functions by which libraries reach pages that not every server has: from
 *		17 on, streams, and growth of a table by itself.
 */
#include "postgres.h"

#include "am/behind_newer.h"
#include "am/refuse.h"
#include "storage/bufmgr.h"
#include "storage/read_stream.h"

/* What autoprewarm asks a stream for, of a table that the pool has: it is led past all of it. */
typedef struct Passed
{
	ReadStreamBlockNumberCB callback;
	void	   *data;
} Passed;

static BlockNumber
pass_all(ReadStream *stream, void *data, void *buffer_data)
{
	const Passed *passed = data;

	while (BlockNumberIsValid(passed->callback(stream, passed->data, buffer_data)))
		;
	return InvalidBlockNumber;
}

static ReadStream *
guarded_read_stream_begin_relation(int flags, BufferAccessStrategy strategy, Relation rel, ForkNumber fork,
								   ReadStreamBlockNumberCB callback, void *data, size_t size)
{
	Passed	   *passed;

	if (fork != MAIN_FORKNUM)
		return read_stream_begin_relation(flags, strategy, rel, fork, callback, data, size);
	if (!ps_is_autoprewarm_of(rel))
	{
		ps_refuse_call(rel, "read_stream_begin_relation", __builtin_return_address(0));
		return read_stream_begin_relation(flags, strategy, rel, fork, callback, data, size);
	}
	passed = palloc(sizeof(Passed));
	*passed = (Passed)
	{
		callback, data
	};
	return read_stream_begin_relation(flags, strategy, rel, fork, pass_all, passed, size);
}

/* The relation may be named by its file alone, as redo does. */
static void
refuse_growth(const BufferManagerRelation *where, ForkNumber fork, const char *function, const void *caller)
{
	if (fork == MAIN_FORKNUM && where->rel != NULL)
		ps_refuse_call(where->rel, function, caller);
}

static Buffer
guarded_ExtendBufferedRel(BufferManagerRelation where, ForkNumber fork, BufferAccessStrategy strategy, uint32 flags)
{
	refuse_growth(&where, fork, "ExtendBufferedRel", __builtin_return_address(0));
	return ExtendBufferedRel(where, fork, strategy, flags);
}

static BlockNumber
guarded_ExtendBufferedRelBy(BufferManagerRelation where, ForkNumber fork, BufferAccessStrategy strategy, uint32 flags,
							uint32 n, Buffer *buffers, uint32 *added)
{
	refuse_growth(&where, fork, "ExtendBufferedRelBy", __builtin_return_address(0));
	return ExtendBufferedRelBy(where, fork, strategy, flags, n, buffers, added);
}

static Buffer
guarded_ExtendBufferedRelTo(BufferManagerRelation where, ForkNumber fork, BufferAccessStrategy strategy, uint32 flags,
							BlockNumber size, ReadBufferMode mode)
{
	refuse_growth(&where, fork, "ExtendBufferedRelTo", __builtin_return_address(0));
	return ExtendBufferedRelTo(where, fork, strategy, flags, size, mode);
}

static const PsImport guarded[] = {
	PS_IMPORT(read_stream_begin_relation),
	PS_IMPORT(ExtendBufferedRel),
	PS_IMPORT(ExtendBufferedRelBy),
	PS_IMPORT(ExtendBufferedRelTo),
};

StaticAssertDecl(lengthof(guarded) <= PS_MOST_NEWER_IMPORTS, "room for all");

int
ps_newer_imports(const PsImport **imports)
{
	*imports = guarded;
	return lengthof(guarded);
}
