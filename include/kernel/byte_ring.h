/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two ends of a ring of bytes in memory that two kernels share (wire/console.h). Pure:
 * no I/O, no locks, no state but what is passed in. Compiles in the kernel and in user
 * space, where it is tested and fuzzed.
 *
 * Positions count up for ever and wrap at 2^32; the byte of position p lies at p & (size -
 * 1). The ring holds head - tail bytes. Each end keeps its own position in private memory
 * and publishes it; what the other end published is read once and checked:
 *
 *   writer  if head - tail > size, the reader's word makes no sense: the ring counts as
 *           empty, and the reader, to which our head makes no sense then, goes on there
 *   reader  if head - tail > size, the writer's word makes no sense: goes on at head
 *
 * The other end is another kernel, which may write anything at any time. No call here
 * loops on what it wrote, none waits for it, and none leaves the ring's bytes.
 */
#ifndef RF_KERNEL_BYTE_RING_H
#define RF_KERNEL_BYTE_RING_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <stdbool.h>
#include <string.h>
#endif

#include "kernel/republish.h"

/* One end. Private to its side; the caller serialises the calls. */
struct rf_byte_ring {
	__u32 *head;			/* shared: what the writer published */
	__u32 *tail;			/* shared: what the reader published */
	__u8 *bytes;			/* shared */
	__u32 size;			/* of @bytes, a power of two */
	__u32 position;			/* our own: the next byte to write, or to read */
};

/* ---- bytes in a circle, shared or not ---- */

/**
 * rf_bytes_put() - copy into a circle of bytes
 * @circle: where to
 * @size: of @circle, a power of two
 * @position: of the first byte
 * @from: what to copy
 * @count: bytes, at most @size
 *
 * Context: Any.
 */
static inline void rf_bytes_put(__u8 *circle, __u32 size, __u32 position, const void *from,
				__u32 count)
{
	__u32 at = position & (size - 1);
	__u32 first = count < size - at ? count : size - at;

	memcpy(circle + at, from, first);
	memcpy(circle, (const __u8 *)from + first, count - first);
}

/**
 * rf_bytes_get() - copy out of a circle of bytes
 * @circle: where from
 * @size: of @circle, a power of two
 * @position: of the first byte
 * @to: receives the copy
 * @count: bytes, at most @size
 *
 * Context: Any.
 */
static inline void rf_bytes_get(const __u8 *circle, __u32 size, __u32 position, void *to,
				__u32 count)
{
	__u32 at = position & (size - 1);
	__u32 first = count < size - at ? count : size - at;

	memcpy(to, circle + at, first);
	memcpy((__u8 *)to + first, circle, count - first);
}

/* ---- both ends ---- */

/**
 * rf_byte_ring_attach() - find a ring in shared memory
 * @ring: our end of it, at position 0
 * @head: where the writer publishes its position
 * @tail: where the reader publishes its position
 * @bytes: of the ring
 * @size: of @bytes, a power of two (asserted beside the layout: RF_MASKABLE())
 *
 * Context: Any.
 */
static inline void rf_byte_ring_attach(struct rf_byte_ring *ring, __u32 *head, __u32 *tail,
				       __u8 *bytes, __u32 size)
{
	ring->head = head;
	ring->tail = tail;
	ring->bytes = bytes;
	ring->size = size;
	ring->position = 0;
}

/* ---- the writer ---- */

/* Whoever sees our position, the private or the published one, sees the bytes before it. */
static inline void rf_byte_ring_set_head(struct rf_byte_ring *ring, __u32 position)
{
	/* Pairs with rf_republish(), which publishes this word. */
	smp_store_release(&ring->position, position);
	/* Pairs with the acquire of head in rf_byte_ring_used(). */
	smp_store_release(ring->head, position);
}

/**
 * rf_byte_ring_start_writer() - begin to fill a ring where its reader is
 * @ring: the writer's end; attached
 *
 * Any tail is good to begin at: the ring is empty then.
 *
 * Context: Any; the only writer.
 */
static inline void rf_byte_ring_start_writer(struct rf_byte_ring *ring)
{
	rf_byte_ring_set_head(ring, READ_ONCE(*ring->tail));
}

/**
 * rf_byte_ring_room() - how much could be written now
 * @ring: the writer's end
 *
 * Context: Any, also beside the writer.
 * Return: bytes; the whole size if tail makes no sense.
 */
static inline __u32 rf_byte_ring_room(const struct rf_byte_ring *ring)
{
	/* Pairs with the release in rf_byte_ring_set_tail(): read before written over. */
	__u32 used = READ_ONCE(ring->position) - smp_load_acquire(ring->tail);

	return used > ring->size ? ring->size : ring->size - used;
}

/**
 * rf_byte_ring_put() - write as much as there is room for
 * @ring: the writer's end
 * @from: bytes
 * @count: of them
 *
 * Publishes head also if there is no room: nobody else would, and a reader that sees
 * another head may take the ring for empty.
 *
 * Context: Any; the only writer.
 * Return: how many of the bytes were written.
 */
static inline __u32 rf_byte_ring_put(struct rf_byte_ring *ring, const void *from, __u32 count)
{
	__u32 room = rf_byte_ring_room(ring);

	if (count > room)
		count = room;
	rf_bytes_put(ring->bytes, ring->size, ring->position, from, count);
	rf_byte_ring_set_head(ring, ring->position + count);
	return count;
}

/**
 * rf_byte_ring_restore_head() - publish head again if something else stands there
 * @ring: the writer's end; in use
 *
 * Context: Any, also beside the writer.
 * Return: true if it was so.
 */
static inline bool rf_byte_ring_restore_head(struct rf_byte_ring *ring)
{
	return rf_republish(ring->head, &ring->position);
}

/* ---- the reader ---- */

/* Whoever sees our position, the private or the published one, may write over the bytes. */
static inline void rf_byte_ring_set_tail(struct rf_byte_ring *ring, __u32 position)
{
	/* Pairs with rf_republish(), which publishes this word. */
	smp_store_release(&ring->position, position);
	/* Pairs with the acquire of tail in rf_byte_ring_room(). */
	smp_store_release(ring->tail, position);
}

/**
 * rf_byte_ring_start_reader() - begin to empty a ring; what is in it now is not for us
 * @ring: the reader's end; attached
 *
 * Context: Any; the only reader.
 */
static inline void rf_byte_ring_start_reader(struct rf_byte_ring *ring)
{
	rf_byte_ring_set_tail(ring, READ_ONCE(*ring->head));
}

/**
 * rf_byte_ring_is_empty() - has the writer published nothing new?
 * @ring: the reader's end
 *
 * Orders nothing: for a look before rf_byte_ring_used().
 *
 * Context: Any, also beside the reader.
 * Return: false also if what it published makes no sense.
 */
static inline bool rf_byte_ring_is_empty(const struct rf_byte_ring *ring)
{
	return READ_ONCE(*ring->head) == READ_ONCE(ring->position);
}

/**
 * rf_byte_ring_used() - how much can be read now
 * @ring: the reader's end
 * @used: receives bytes, at most the ring's size
 *
 * Context: Any; the only reader.
 * Return: true; or false if head made no sense: the reader went on there, and @used is 0.
 */
static inline bool rf_byte_ring_used(struct rf_byte_ring *ring, __u32 *used)
{
	/* Pairs with the release in rf_byte_ring_set_head(): the bytes are read after it. */
	__u32 head = smp_load_acquire(ring->head);

	*used = head - ring->position;
	if (*used <= ring->size)
		return true;
	*used = 0;
	rf_byte_ring_set_tail(ring, head);
	return false;
}

/**
 * rf_byte_ring_at() - look at a byte
 * @ring: the reader's end
 * @offset: from the next byte on, less than rf_byte_ring_used()
 *
 * Context: Any; the only reader.
 * Return: the byte, read once.
 */
static inline __u8 rf_byte_ring_at(const struct rf_byte_ring *ring, __u32 offset)
{
	return READ_ONCE(ring->bytes[(ring->position + offset) & (ring->size - 1)]);
}

/**
 * rf_byte_ring_span() - the next bytes, as far as they lie side by side
 * @ring: the reader's end
 * @count: bytes wanted, at most rf_byte_ring_used(); receives how many there are
 *
 * They can change until rf_byte_ring_advance(), and after it: copy once, then look.
 *
 * Context: Any; the only reader.
 * Return: the first of them.
 */
static inline const __u8 *rf_byte_ring_span(const struct rf_byte_ring *ring, __u32 *count)
{
	__u32 at = ring->position & (ring->size - 1);

	if (*count > ring->size - at)
		*count = ring->size - at;
	return ring->bytes + at;
}

/**
 * rf_byte_ring_advance() - bytes have been read: their room is the writer's again
 * @ring: the reader's end
 * @count: bytes, at most rf_byte_ring_used(); with 0, tail is published all the same
 *
 * Context: Any; the only reader.
 */
static inline void rf_byte_ring_advance(struct rf_byte_ring *ring, __u32 count)
{
	rf_byte_ring_set_tail(ring, ring->position + count);
}

/**
 * rf_byte_ring_restore_tail() - publish tail again if something else stands there
 * @ring: the reader's end; in use
 *
 * Context: Any, also beside the reader.
 * Return: true if it was so.
 */
static inline bool rf_byte_ring_restore_tail(struct rf_byte_ring *ring)
{
	return rf_republish(ring->tail, &ring->position);
}

#endif /* RF_KERNEL_BYTE_RING_H */
