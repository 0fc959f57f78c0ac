// SPDX-License-Identifier: GPL-2.0
/* Rings of messages. The protocol, and which end writes what: wire/message.h. */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#define barrier()	__asm__ __volatile__("" ::: "memory")
#endif

#include "kernel/republish.h"
#include "ring.h"

/**
 * rf_ring_attach() - find a ring in shared memory
 * @ring: our end of it
 * @pair: the rings from one kernel to another
 * @priority: which of them
 *
 * Context: Any.
 */
void rf_ring_attach(struct rf_ring *ring, struct rf_ring_pair *pair, enum rf_priority priority)
{
	ring->head = &pair->head[priority];
	ring->tail = &pair->tail[priority];
	ring->slots = priority == RF_URGENT ? pair->urgent : pair->normal;
	ring->nr_slots = priority == RF_URGENT ? RF_URGENT_SLOTS : RF_NORMAL_SLOTS;
	ring->position = 0;
	ring->astray = false;
}

/* The slot at our position. */
static struct rf_message *rf_ring_slot(const struct rf_ring *ring)
{
	return &ring->slots[ring->position & (ring->nr_slots - 1)];
}

/**
 * rf_ring_start_producer() - begin to fill a ring that another one may have filled before
 * @ring: our end; attached
 *
 * The consumer is there already: it says where to begin, and whatever it says is good.
 *
 * Context: Any; the only producer.
 */
void rf_ring_start_producer(struct rf_ring *ring)
{
	/* Pairs with the release in rf_ring_go(): slots were copied before they are filled. */
	ring->position = smp_load_acquire(&ring->tail->position);
	/* Pairs with the acquires of head; no slot is published with it. */
	smp_store_release(&ring->head->position, ring->position);
}

/**
 * rf_ring_put() - put a message into a ring
 * @ring: our end
 * @message: what to send; its sequence does not matter
 *
 * A tail that makes no sense is not the consumer's, or we followed one that was not: what was
 * under way is lost either way. To begin again where it says it is brings both ends
 * together.
 *
 * Context: Any; the only producer.
 * Return: enum rf_ring_room.
 */
enum rf_ring_room rf_ring_put(struct rf_ring *ring, const struct rf_message *message)
{
	/* Pairs with the release in rf_ring_go(): slots were copied before they are filled. */
	__u32 used = ring->position - smp_load_acquire(&ring->tail->position);
	enum rf_ring_room room = RF_RING_PUT;
	struct rf_message *slot;

	if (used == ring->nr_slots) {
		/* A consumer that does not see the messages would never make room. */
		rf_republish(&ring->head->position, &ring->position);
		return RF_RING_FULL;
	}
	if (used > ring->nr_slots) {
		rf_ring_start_producer(ring);
		room = RF_RING_RESTARTED;
	}
	slot = rf_ring_slot(ring);
	*slot = *message;
	slot->sequence = ring->position;
	ring->position++;
	/* Pairs with the acquire in rf_ring_peek(): the slot is filled before it is copied. */
	smp_store_release(&ring->head->position, ring->position);
	return room;
}

/**
 * rf_ring_restore_head() - publish again where the producer is, if need be
 * @ring: our end; in use
 *
 * If tail still makes no sense at the second look, it is we who went astray: begin again
 * there, not only when there is something to send.
 *
 * Context: Any; the only producer.
 */
void rf_ring_restore_head(struct rf_ring *ring)
{
	/* No slot is filled here; rf_ring_put() acquires tail before it does. */
	bool astray = ring->position - READ_ONCE(ring->tail->position) > ring->nr_slots;

	if (astray && ring->astray)
		rf_ring_start_producer(ring);
	else
		rf_republish(&ring->head->position, &ring->position);
	ring->astray = astray;
}

/* Publish where we are: the slots before are the producer's again. */
static void rf_ring_go(struct rf_ring *ring, __u32 position)
{
	/* Pairs with the exchange in rf_republish(), which may publish it in our place. */
	smp_store_release(&ring->position, position);
	/* Pairs with the acquire in rf_ring_put(): slots are copied before they are filled. */
	smp_store_release(&ring->tail->position, position);
}

/**
 * rf_ring_start_consumer() - begin to empty a ring; what is in it now is not for us
 * @ring: our end; attached
 *
 * Context: Any; the only consumer.
 */
void rf_ring_start_consumer(struct rf_ring *ring)
{
	/* Pairs with the releases of head; no slot is looked at here. */
	rf_ring_go(ring, smp_load_acquire(&ring->head->position));
}

/**
 * rf_ring_restore_tail() - publish again where the consumer is, if need be
 * @ring: our end; in use
 *
 * Context: Any, also beside the consumer.
 */
void rf_ring_restore_tail(struct rf_ring *ring)
{
	rf_republish(&ring->tail->position, &ring->position);
}

/**
 * rf_ring_is_idle() - is there nothing for the consumer to do?
 * @ring: consumer's end
 *
 * Context: Any, also beside the consumer.
 * Return: false if the producer published something that makes sense, or if what we
 *	published does not stand there any more: the producer may take the ring for full.
 */
bool rf_ring_is_idle(const struct rf_ring *ring)
{
	__u32 position = READ_ONCE(ring->position);
	__u32 used = READ_ONCE(ring->head->position) - position;

	return (!used || used > ring->nr_slots) && READ_ONCE(ring->tail->position) == position;
}

/**
 * rf_ring_peek() - copy the next message, if there is a valid one
 * @ring: our end
 * @from: kernel id that it must come from
 * @to: our kernel id
 * @message: the copy; what it says was checked, but for the payload. Undefined
 *	unless the result is RF_RING_MESSAGE.
 *
 * A valid message stays in the ring until rf_ring_advance().
 *
 * Context: Any; the only consumer.
 * Return: enum rf_ring_result.
 */
enum rf_ring_result rf_ring_peek(struct rf_ring *ring, __u32 from, __u32 to,
				 struct rf_message *message)
{
	/* Pairs with the release in rf_ring_put(): the slot is filled before it is copied. */
	__u32 used = smp_load_acquire(&ring->head->position) - ring->position;

	if (!used || used > ring->nr_slots) {
		/* A producer that does not see our tail is astray, or takes the ring for full. */
		rf_republish(&ring->tail->position, &ring->position);
		return used ? RF_RING_NONSENSE : RF_RING_EMPTY;
	}
	memcpy(message, rf_ring_slot(ring), sizeof(*message));
	/* The compiler must check the copy, not read the slot again, which may have changed. */
	barrier();
	if (message->sequence != ring->position || message->from != from || message->to != to ||
	    message->length > RF_PAYLOAD_MAX || message->type == RF_MSG_NONE ||
	    message->type >= RF_MSG_TYPES) {
		rf_ring_advance(ring);
		return RF_RING_DROPPED;
	}
	return RF_RING_MESSAGE;
}

/**
 * rf_ring_advance() - the message that was peeked at has been taken
 * @ring: our end
 *
 * Context: Any; the only consumer.
 */
void rf_ring_advance(struct rf_ring *ring)
{
	rf_ring_go(ring, ring->position + 1);
}
