/*
 * bitmap_queue.c
 *		Pages of a bitmap whose blocks a stream has been told of.
 *
 * Of most pages few rows are wanted, while a stream may look hundreds of pages
 * ahead: so a page takes as much as it has offsets.
 */
#include "postgres.h"

#include "am/bitmap_queue.h"
#include "utils/memutils.h"

#define ROOM_AT_FIRST 256

/* The third word: how many offsets, and two flags. */
#define LOSSY	0x8000
#define RECHECK 0x4000
#define COUNT	0x3FFF

StaticAssertDecl(MaxHeapTuplesPerPage <= COUNT, "a page's offsets can be counted");

PsBitmapQueue *
ps_bitmap_queue_make(void)
{
	return palloc0(sizeof(PsBitmapQueue));
}

void
ps_bitmap_queue_clear(PsBitmapQueue *queue)
{
	queue->first = queue->last = 0;
	if (queue->room > ROOM_AT_FIRST)
	{
		pfree(queue->words);
		queue->words = NULL;
		queue->room = 0;
	}
}

static void
grow_queue(PsBitmapQueue *queue)
{
	uint32		room = queue->room == 0 ? ROOM_AT_FIRST : queue->room * 2;
	uint16	   *words = MemoryContextAlloc(GetMemoryChunkContext(queue), room * sizeof(uint16));

	for (uint32 i = queue->first; i != queue->last; i++)
		words[i & (room - 1)] = queue->words[i & (queue->room - 1)];
	if (queue->words)
		pfree(queue->words);
	queue->words = words;
	queue->room = room;
}

static inline void
push_word(PsBitmapQueue *queue, uint16 word)
{
	queue->words[queue->last++ & (queue->room - 1)] = word;
}

static inline uint16
pop_word(PsBitmapQueue *queue)
{
	Assert(queue->first != queue->last);
	return queue->words[queue->first++ & (queue->room - 1)];
}

void
ps_bitmap_queue_push(PsBitmapQueue *queue, const PsBitmapPage *page)
{
	while (queue->room - (queue->last - queue->first) < page->n + 3)
		grow_queue(queue);
	push_word(queue, page->block >> 16);
	push_word(queue, page->block & 0xFFFF);
	push_word(queue, page->n | (page->lossy ? LOSSY : 0) | (page->recheck ? RECHECK : 0));
	for (int i = 0; i < page->n; i++)
		push_word(queue, page->offsets[i]);
}

void
ps_bitmap_queue_pop(PsBitmapQueue *queue, BlockNumber block, PsBitmapPage *page)
{
	uint16		word;

	page->block = (BlockNumber) pop_word(queue) << 16;
	page->block |= pop_word(queue);
	if (page->block != block)
		elog(ERROR, "page %u of a bitmap came where page %u was expected", block, page->block);
	word = pop_word(queue);
	page->n = word & COUNT;
	page->lossy = (word & LOSSY) != 0;
	page->recheck = (word & RECHECK) != 0;
	for (int i = 0; i < page->n; i++)
		page->offsets[i] = pop_word(queue);
}
