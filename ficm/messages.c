// SPDX-License-Identifier: GPL-2.0
/*
 * Sending and receiving. To send takes one ring's spinlock and never waits. To receive
 * is NAPI: a doorbell stops the interrupts and schedules a poll in softirq context,
 * which empties the rings and asks for interrupts again.
 */
#include <linux/cpuhotplug.h>
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "compat/dummy_netdev.h"
#include "rf_ficm.h"
#include "ring.h"

/* Messages taken from one ring before the next one has its turn. */
#define RF_BATCH	8

/* Looks at messages that wait, a tick of the heartbeat apart, until their ring is lost; a late one
 * is worth less. */
#define RF_LOOKS	16
#define RF_LOOK		4
#define RF_LOOK_LATE	1

/* Our end of a ring to another member. */
struct rf_producer {
	spinlock_t lock;
	u32 kernel_id;			/* whose consumer we are in step with */
	void *home;			/* and in which segment */
	struct rf_ring ring;
};

/* Our end of a ring from another member. The poll's; poll runs are serialised by NAPI. */
struct rf_consumer {
	bool blocked;			/* a handler has no room for the next one */
	struct rf_ring ring;
};

static struct rf_producer rf_producers[RF_MEMBERS_MAX][RF_PRIORITIES];
static struct rf_consumer rf_consumers[RF_MEMBERS_MAX][RF_PRIORITIES];

/* Ourselves. Set while the poll is enabled. */
static struct {
	u32 member;
	u32 kernel_id;
	struct rf_endpoint *endpoint;
} rf_us;

static struct net_device *rf_netdev;
static struct napi_struct rf_napi;
static enum cpuhp_state rf_cpu_state;

DEFINE_PER_CPU(struct rf_ficm_counters, rf_counters);

/**
 * rf_ficm_counters() - add up what was counted on all cores
 * @counters: sums since the module was loaded
 *
 * Context: Any.
 */
void rf_ficm_counters(struct rf_ficm_counters *counters)
{
	const size_t count = sizeof(*counters) / sizeof(u64);
	u64 *sums = (u64 *)counters;
	unsigned int cpu;
	size_t i;

	memset(counters, 0, sizeof(*counters));
	for_each_possible_cpu(cpu) {
		const u64 *values = (const u64 *)per_cpu_ptr(&rf_counters, cpu);

		for (i = 0; i < count; i++)
			sums[i] += READ_ONCE(values[i]);
	}
}
EXPORT_SYMBOL_GPL(rf_ficm_counters);

/* ---- sending ---- */

/* Is the kernel that the grant names there, and has it joined? Its rings are ready then. */
static bool rf_endpoint_is_ready(struct rf_endpoint *endpoint, u32 kernel_id)
{
	/* Pairs with the release in rf_endpoint_publish(). */
	return smp_load_acquire(&endpoint->magic) == RF_ARENA_MAGIC &&
	       READ_ONCE(endpoint->major) == RF_ARENA_MAJOR &&
	       READ_ONCE(endpoint->kernel_id) == kernel_id;
}

/*
 * The producer's lock is held before anything is looked up: which kernel is there, and in
 * which segment, must not be older than what another sender saw.
 */
static int rf_put_locked(struct rf_producer *producer, u32 member, enum rf_priority priority,
			 struct rf_message *message, struct rf_endpoint **endpoint)
{
	u32 self = rf_ficm_self(), kernel_id = rf_kernel_id(member);
	void *home = rf_ficm_segment(member);
	struct rf_ring_pair *pairs = home + RF_HOME_RINGS_OFF;

	lockdep_assert_held(&producer->lock);
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "the segment can go");
	*endpoint = home + RF_HOME_ENDPOINT_OFF;
	if (!home || self == U32_MAX || kernel_id == RF_KERNEL_NONE ||
	    !rf_endpoint_is_ready(*endpoint, kernel_id))
		return -ENOTCONN;
	message->from = rf_kernel_id(self);
	message->to = kernel_id;
	if (producer->kernel_id != kernel_id || producer->home != home) {
		rf_ring_attach(&producer->ring, &pairs[self], priority);
		rf_ring_start_producer(&producer->ring);
		producer->kernel_id = kernel_id;
		producer->home = home;
	}
	switch (rf_ring_put(&producer->ring, message)) {
	case RF_RING_FULL:
		return -EAGAIN;
	case RF_RING_RESTARTED:
		rf_count(resyncs);
		break;
	case RF_RING_PUT:
		break;
	}
	return 0;
}

static int rf_put(u32 member, enum rf_priority priority, struct rf_message *message)
{
	struct rf_producer *producer = &rf_producers[member][priority];
	struct rf_endpoint *endpoint;
	unsigned long flags;
	int rc;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "the endpoint can go");
	spin_lock_irqsave(&producer->lock, flags);
	rc = rf_put_locked(producer, member, priority, message, &endpoint);
	spin_unlock_irqrestore(&producer->lock, flags);
	if (rc)
		return rc;

	rf_count(sent);
	/* Pairs with the barrier in rf_poll_done(): either we see it armed, or it our head. */
	smp_mb();
	if (READ_ONCE(endpoint->armed))
		rf_doorbell_ring(member, RF_DOORBELL_FICM);
	return 0;
}

/**
 * rf_message_put() - try to send to one member, for callers that retry
 * @member: as for rf_ficm_send()
 * @priority: as for rf_ficm_send()
 * @type: as for rf_ficm_send()
 * @payload: as for rf_ficm_send()
 * @length: as for rf_ficm_send()
 *
 * A full ring is not counted.
 *
 * Context: Any but NMI, also with interrupts off. Never waits.
 * Return: as rf_ficm_send().
 */
int rf_message_put(u32 member, enum rf_priority priority, u16 type, const void *payload,
		   size_t length)
{
	struct rf_message message = { .type = type, .length = length };
	int rc;

	if (type == RF_MSG_NONE || type >= RF_MSG_TYPES || length > RF_PAYLOAD_MAX ||
	    priority >= RF_PRIORITIES || member == rf_ficm_self())
		return -EINVAL;
	if (member >= RF_MEMBERS_MAX)
		return -ENOTCONN;
	memcpy(message.payload, payload, length);
	rcu_read_lock();
	rc = rf_put(member, priority, &message);
	rcu_read_unlock();
	return rc;
}

/**
 * rf_ficm_send() - send a message to one member
 * @member: its number
 * @priority: which of the two rings
 * @type: enum rf_message_type
 * @payload: copied
 * @length: of @payload, at most RF_PAYLOAD_MAX
 *
 * Messages of one priority to one member arrive in order, or not at all.
 *
 * Context: Any but NMI, also with interrupts off. Never waits.
 * Return: 0; -EAGAIN if the ring is full; -EINVAL for a type or length that cannot be,
 *	or oneself; -ENOTCONN if there is no such member, or one side has not joined.
 */
int rf_ficm_send(u32 member, enum rf_priority priority, u16 type, const void *payload,
		 size_t length)
{
	int rc = rf_message_put(member, priority, type, payload, length);

	if (rc == -EAGAIN)
		rf_count(full);
	return rc;
}
EXPORT_SYMBOL_GPL(rf_ficm_send);

/**
 * rf_ficm_multicast() - send a message to several members
 * @members: bit n: member n; oneself is left out
 * @priority: as for rf_ficm_send()
 * @type: as for rf_ficm_send()
 * @payload: as for rf_ficm_send()
 * @length: as for rf_ficm_send()
 *
 * Context: Any but NMI, also with interrupts off. Never waits.
 * Return: the members that got it, as bits.
 */
u32 rf_ficm_multicast(u32 members, enum rf_priority priority, u16 type, const void *payload,
		      size_t length)
{
	u32 member, done = 0;

	for (member = 0; member < RF_MEMBERS_MAX; member++)
		if ((members & BIT(member)) &&
		    !rf_ficm_send(member, priority, type, payload, length))
			done |= BIT(member);
	return done;
}
EXPORT_SYMBOL_GPL(rf_ficm_multicast);

/**
 * rf_ficm_broadcast() - send a message to all other members
 * @priority: as for rf_ficm_send()
 * @type: as for rf_ficm_send()
 * @payload: as for rf_ficm_send()
 * @length: as for rf_ficm_send()
 *
 * Context: Any but NMI, also with interrupts off. Never waits.
 * Return: the members that got it, as bits.
 */
u32 rf_ficm_broadcast(enum rf_priority priority, u16 type, const void *payload, size_t length)
{
	return rf_ficm_multicast(GENMASK(RF_MEMBERS_MAX - 1, 0), priority, type, payload, length);
}
EXPORT_SYMBOL_GPL(rf_ficm_broadcast);

/* ---- receiving ---- */

static int rf_poll_ring(u32 member, enum rf_priority priority, int budget)
{
	struct rf_consumer *consumer = &rf_consumers[member][priority];
	u32 kernel_id = rf_kernel_id(member);
	struct rf_message message;
	int done;

	if (member == rf_us.member || kernel_id == RF_KERNEL_NONE)
		return 0;
	WRITE_ONCE(consumer->blocked, false);
	for (done = 0; done < budget; done++) {
		switch (rf_ring_peek(&consumer->ring, kernel_id, rf_us.kernel_id, &message)) {
		case RF_RING_EMPTY:
			return done;
		case RF_RING_DROPPED:
			rf_count(dropped);
			break;
		case RF_RING_NONSENSE:
			rf_count(resyncs);
			return done;
		case RF_RING_MESSAGE:
			if (!rf_handlers_deliver(member, &message)) {
				WRITE_ONCE(consumer->blocked, true);
				return done;
			}
			rf_ring_advance(&consumer->ring);
		}
	}
	return done;
}

/* All rings of a priority in turn, until they are empty or @budget is used up. */
static int rf_poll_rings(enum rf_priority priority, int budget)
{
	static u32 first[RF_PRIORITIES];
	int done = 0, before;
	u32 i;

	do {
		before = done;
		for (i = 0; i < RF_MEMBERS_MAX && done < budget; i++)
			done += rf_poll_ring((first[priority] + i) & (RF_MEMBERS_MAX - 1),
					     priority, min(RF_BATCH, budget - done));
		first[priority] = (first[priority] + 1) & (RF_MEMBERS_MAX - 1);
	} while (done > before && done < budget);
	return done;
}

/* Is there anything for a poll to do? Any context, also beside the poll. */
static bool rf_is_pending(void)
{
	u32 member, priority;

	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		if (member == rf_us.member || rf_kernel_id(member) == RF_KERNEL_NONE)
			continue;
		for (priority = 0; priority < RF_PRIORITIES; priority++) {
			const struct rf_consumer *consumer = &rf_consumers[member][priority];

			if (!READ_ONCE(consumer->blocked) && !rf_ring_is_idle(&consumer->ring))
				return true;
		}
	}
	return false;
}

static void rf_poll_done(struct napi_struct *napi, int done)
{
	if (!napi_complete_done(napi, done))
		return;
	WRITE_ONCE(rf_us.endpoint->armed, 1);
	/* Pairs with the barrier in rf_put(): a sender that did not see us armed is seen by us. */
	smp_mb();
	if (rf_is_pending() && napi_schedule_prep(napi)) {
		WRITE_ONCE(rf_us.endpoint->armed, 0);
		__napi_schedule(napi);
	}
}

static int rf_poll(struct napi_struct *napi, int budget)
{
	int done;

	rf_count(polls);
	if (rf_grant_is_stale()) {
		/* These may be the first messages of a new kernel: learn its id first. */
		napi_complete_done(napi, 0);
		rf_grant_refresh();
		return 0;
	}
	/* Urgent ones first; but a peer that floods us with them must not stop the others. */
	done = rf_poll_rings(RF_URGENT, budget - budget / 4);
	done += rf_poll_rings(RF_NORMAL, budget - done);
	if (done < budget)
		rf_poll_done(napi, done);
	return done;
}

/**
 * rf_messages_interrupt() - handler of the doorbell for messages
 * @unused: nothing
 *
 * Context: Hard interrupt.
 */
void rf_messages_interrupt(void *unused)
{
	WRITE_ONCE(rf_us.endpoint->armed, 0);
	napi_schedule(&rf_napi);
	/* Who waits for this rings without a message. */
	rf_acknowledge_look();
}

/**
 * rf_messages_kick() - schedule a poll of all rings
 *
 * Context: Process or softirq context.
 */
void rf_messages_kick(void)
{
	local_bh_disable();
	napi_schedule(&rf_napi);
	local_bh_enable();
}

/**
 * rf_messages_check() - poll for messages whose doorbell got lost
 * @late: this look comes late, others may have been held up as well
 *
 * Messages pending at several looks with no poll in between mean a lost ring: schedule the
 * poll and count a rescue. At fewer the ring may just be on its way: a virtual processor
 * can stand still between a message and its ring, or before the interrupt is taken.
 *
 * Context: The heartbeat.
 */
void rf_messages_check(bool late)
{
	static unsigned int looks;
	static u64 polls_then;
	struct rf_ficm_counters counters;

	if (!rf_is_pending()) {
		looks = 0;
		return;
	}
	rf_ficm_counters(&counters);
	if (counters.polls != polls_then)
		looks = 0;
	polls_then = counters.polls;
	looks += late ? RF_LOOK_LATE : RF_LOOK;
	if (looks < RF_LOOKS || !napi_schedule_prep(&rf_napi))
		return;
	looks = 0;
	rf_count(rescues);
	WRITE_ONCE(rf_us.endpoint->armed, 0);
	__napi_schedule(&rf_napi);
}

/* Not while a sender holds the lock: it publishes head itself. */
static void rf_producer_restore(struct rf_producer *producer, u32 member)
{
	if (!spin_trylock(&producer->lock))
		return;
	if (producer->home && producer->home == rf_ficm_segment(member) &&
	    producer->kernel_id == rf_kernel_id(member))
		rf_ring_restore_head(&producer->ring);
	spin_unlock(&producer->lock);
}

/**
 * rf_messages_restore() - publish positions again that were overwritten
 *
 * Context: The heartbeat.
 */
void rf_messages_restore(void)
{
	u32 member, priority;

	rcu_read_lock();
	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		if (member == rf_us.member || rf_kernel_id(member) == RF_KERNEL_NONE)
			continue;
		for (priority = 0; priority < RF_PRIORITIES; priority++) {
			rf_ring_restore_tail(&rf_consumers[member][priority].ring);
			rf_producer_restore(&rf_producers[member][priority], member);
		}
	}
	rcu_read_unlock();
}

/*
 * An interrupt may have been on its way to the core that is gone now. No locks here:
 * mapping a segment waits for CPU hotplug. While we are no member, NAPI is disabled.
 */
static int rf_cpu_dead(unsigned int cpu)
{
	rf_messages_kick();
	return 0;
}

/* ---- life ---- */

/**
 * rf_messages_start() - start receiving
 * @home: our home segment
 * @self: our member number
 * @kernel_id: our kernel id
 *
 * Messages that are in the rings now were sent to a kernel before us. No member sends
 * before our endpoint is published, and none rings before the first poll has armed it.
 *
 * Context: Process context, member lock.
 */
void rf_messages_start(void *home, u32 self, u32 kernel_id)
{
	struct rf_ring_pair *pairs = home + RF_HOME_RINGS_OFF;
	u32 member, priority;

	lockdep_assert_held(&rf_member_lock);
	rf_us.member = self;
	rf_us.kernel_id = kernel_id;
	rf_us.endpoint = home + RF_HOME_ENDPOINT_OFF;
	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		for (priority = 0; priority < RF_PRIORITIES; priority++) {
			struct rf_consumer *consumer = &rf_consumers[member][priority];

			rf_ring_attach(&consumer->ring, &pairs[member], priority);
			rf_ring_start_consumer(&consumer->ring);
			consumer->blocked = false;
			rf_producers[member][priority].home = NULL;
		}
	}
	napi_enable(&rf_napi);
}

/**
 * rf_messages_stop() - stop receiving
 *
 * Context: Process context, member lock. Softirq handlers have ended when it returns.
 */
void rf_messages_stop(void)
{
	lockdep_assert_held(&rf_member_lock);
	napi_disable(&rf_napi);
}

/**
 * rf_messages_show() - positions of all rings in use, for debugfs
 * @out: a line for each
 *
 * Context: Process context, member lock, while we are a member.
 */
void rf_messages_show(struct seq_file *out)
{
	static const char * const names[] = { "urgent", "normal" };
	u32 member, priority;

	lockdep_assert_held(&rf_member_lock);
	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		if (member == rf_us.member || rf_kernel_id(member) == RF_KERNEL_NONE)
			continue;
		for (priority = 0; priority < RF_PRIORITIES; priority++) {
			const struct rf_consumer *in = &rf_consumers[member][priority];
			const struct rf_producer *to = &rf_producers[member][priority];
			void *home = READ_ONCE(to->home);

			seq_printf(out, "member %u kernel %u %s: in head %u tail %u%s",
				   member, rf_kernel_id(member), names[priority],
				   READ_ONCE(in->ring.head->position),
				   READ_ONCE(in->ring.position),
				   READ_ONCE(in->blocked) ? " blocked" : "");
			if (home && home == rf_ficm_segment(member))
				seq_printf(out, ", out head %u tail %u",
					   READ_ONCE(to->ring.position),
					   READ_ONCE(to->ring.tail->position));
			seq_putc(out, '\n');
		}
	}
}

int rf_messages_init(void)
{
	u32 member, priority;
	int rc;

	for (member = 0; member < RF_MEMBERS_MAX; member++)
		for (priority = 0; priority < RF_PRIORITIES; priority++)
			spin_lock_init(&rf_producers[member][priority].lock);
	rf_netdev = rf_dummy_netdev_alloc();
	if (!rf_netdev)
		return -ENOMEM;
	netif_napi_add(rf_netdev, &rf_napi, rf_poll);
	rc = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "rainforest/ficm:dead", NULL,
				       rf_cpu_dead);
	if (rc < 0) {
		netif_napi_del(&rf_napi);
		rf_dummy_netdev_free(rf_netdev);
		return rc;
	}
	rf_cpu_state = rc;
	return 0;
}

void rf_messages_exit(void)
{
	cpuhp_remove_state_nocalls(rf_cpu_state);
	netif_napi_del(&rf_napi);
	rf_dummy_netdev_free(rf_netdev);
}
