// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: the grant decides which members are present and which segments are mapped.
 * The grant is copied under its sequence, checked, and then acted upon; only the owner
 * of a core is looked up in the page itself, because it must be the current one.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "kernel/grant.h"
#include "kernel/overlap.h"
#include "rf_ficm.h"

/* Serialises join and leave. Outermost: leave waits for handlers, which may update. */
static DEFINE_MUTEX(rf_life_lock);
DEFINE_MUTEX(rf_member_lock);

/* RCU, written under the member lock. */
static const struct rf_grant *rf_grant;		/* NULL: no member */
static u32 rf_self = U32_MAX;
static u32 rf_kernel_ids[RF_MEMBERS_MAX] = { [0 ... RF_MEMBERS_MAX - 1] = RF_KERNEL_NONE };
static u32 rf_sequence_seen;

/* Member lock. */
static struct rf_grant rf_copy;
static struct rf_arena_segment rf_home;
static struct rf_doorbell *rf_ficm_doorbell;

/**
 * rf_ficm_self() - our own member number
 *
 * Context: Any.
 * Return: U32_MAX while we are no member.
 */
u32 rf_ficm_self(void)
{
	return READ_ONCE(rf_self);
}
EXPORT_SYMBOL_GPL(rf_ficm_self);

/**
 * rf_kernel_id() - which kernel the grant names as a member
 * @member: its number
 *
 * Context: Any.
 * Return: RF_KERNEL_NONE if there is none.
 */
u32 rf_kernel_id(u32 member)
{
	return member < RF_MEMBERS_MAX ? READ_ONCE(rf_kernel_ids[member]) : RF_KERNEL_NONE;
}

/**
 * rf_ficm_present() - does the grant name a kernel there?
 * @member: its number
 *
 * Context: Any.
 * Return: true also while that kernel still boots, or does not answer.
 */
bool rf_ficm_present(u32 member)
{
	return rf_kernel_id(member) != RF_KERNEL_NONE;
}
EXPORT_SYMBOL_GPL(rf_ficm_present);

/**
 * rf_grant_owns() - may a core be rung to reach a member?
 * @member: its number
 * @apic_id: physical APIC id of the core
 *
 * Context: Any, RCU read lock held.
 * Return: what the grant says right now.
 */
bool rf_grant_owns(u32 member, u32 apic_id)
{
	const struct rf_grant *grant = READ_ONCE(rf_grant);

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "the grant can go");
	return grant && apic_id < RF_APIC_IDS && READ_ONCE(grant->owner[apic_id]) == member;
}

/* ---- the grant ---- */

static bool rf_segment_is_sane(u32 number)
{
	const struct rf_arena_segment *segment = &rf_copy.segments[number], *other;
	u32 i;

	if (!segment->size)
		return true;
	if (!segment->start || !IS_ALIGNED(segment->start, RF_EXTENT_SIZE) ||
	    !IS_ALIGNED(segment->size, RF_EXTENT_SIZE) ||
	    segment->start >= BIT_ULL(MAX_PHYSMEM_BITS) ||
	    segment->size > BIT_ULL(MAX_PHYSMEM_BITS) - segment->start)
		return false;
	for (i = 0; i < rf_copy.nr_ranges; i++)
		if (rf_overlap(segment->start, segment->size, rf_copy.ranges[i].start,
				rf_copy.ranges[i].size))
			return false;
	for (i = 0; i < number; i++) {
		other = &rf_copy.segments[i];
		if (rf_overlap(segment->start, segment->size, other->start, other->size))
			return false;
	}
	return true;
}

/* Is the copy something to act upon? */
static int rf_grant_check(void)
{
	u32 i;

	if (!rf_grant_is_valid(&rf_copy) ||
	    rf_copy.kernel_ids[rf_copy.member] == RF_KERNEL_NONE ||
	    rf_copy.segments[rf_copy.member].size < RF_HOME_SIZE)
		return -EINVAL;
	for (i = 0; i < RF_SEGMENTS_MAX_ARENA; i++)
		if (!rf_segment_is_sane(i))
			return -EINVAL;
	for (i = 0; i < RF_MEMBERS_MAX; i++)
		if (rf_copy.segments[i].size && rf_copy.segments[i].size < RF_HOME_SIZE)
			return -EINVAL;
	return 0;
}

/* Copy the grant, and check the copy. */
static int rf_grant_take(const struct rf_grant *grant)
{
	u32 sequence;
	int rc;

	lockdep_assert_held(&rf_member_lock);
	rc = rf_grant_read(grant, &rf_copy, &sequence);
	/* Also after a failure: a page that does not change is not read again and again. */
	WRITE_ONCE(rf_sequence_seen, sequence);
	return rc ?: rf_grant_check();
}

/* A member whose kernel has gone or changed is absent until everything is in place. */
static void rf_kernel_ids_retire(void)
{
	u32 i;

	lockdep_assert_held(&rf_member_lock);
	for (i = 0; i < RF_MEMBERS_MAX; i++)
		if (rf_copy.kernel_ids[i] != rf_kernel_ids[i])
			WRITE_ONCE(rf_kernel_ids[i], RF_KERNEL_NONE);
}

static void rf_kernel_ids_adopt(void)
{
	u32 i;

	lockdep_assert_held(&rf_member_lock);
	for (i = 0; i < RF_MEMBERS_MAX; i++)
		WRITE_ONCE(rf_kernel_ids[i], rf_copy.kernel_ids[i]);
}

/* What makes us the member that we are does not change while we are one. */
static bool rf_grant_is_ours(void)
{
	return rf_copy.member == rf_self &&
	       rf_copy.kernel_ids[rf_self] == rf_kernel_ids[rf_self] &&
	       rf_copy.segments[rf_self].start == rf_home.start &&
	       rf_copy.segments[rf_self].size == rf_home.size;
}

static int rf_update_locked(void)
{
	int rc;

	lockdep_assert_held(&rf_member_lock);
	if (rf_self == U32_MAX)
		return -ENOTCONN;
	/* First, and whatever follows: doorbells need no more than the page itself. */
	rf_acknowledge_look();
	rc = rf_grant_take(rf_grant);
	if (!rc && !rf_grant_is_ours())
		rc = -EINVAL;
	if (rc) {
		pr_warn_ratelimited("grant page refused: error %d\n", rc);
		return rc;
	}
	rf_kernel_ids_retire();
	/* Who stays need not wait until the segments of others are mapped. */
	rf_messages_kick();
	rc = rf_arena_apply(rf_copy.segments);
	rf_kernel_ids_adopt();
	return rc;
}

/**
 * rf_ficm_update() - act upon a grant that has changed
 *
 * Maps new segments, unmaps those that are gone, notices new kernels. Also done without
 * being asked, soon after a change.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOTCONN if we are no member; -EAGAIN, -EINVAL if the grant is being changed
 *	all the time or makes no sense: all stays as it was; or why a segment could not be
 *	mapped: all else is done.
 */
int rf_ficm_update(void)
{
	int rc;

	mutex_lock(&rf_member_lock);
	rc = rf_update_locked();
	mutex_unlock(&rf_member_lock);
	rf_messages_kick();
	return rc;
}
EXPORT_SYMBOL_GPL(rf_ficm_update);

static void rf_update_run(struct work_struct *work)
{
	rf_ficm_update();
}
static DECLARE_WORK(rf_update_work, rf_update_run);

/**
 * rf_grant_is_stale() - has the grant changed since it was read?
 *
 * Context: Any, while we are a member.
 * Return: true: do not act upon what we know; it will be read again.
 */
bool rf_grant_is_stale(void)
{
	return READ_ONCE(rf_grant->sequence) != READ_ONCE(rf_sequence_seen);
}

/**
 * rf_grant_refresh() - have the grant read again soon
 *
 * Context: Any.
 */
void rf_grant_refresh(void)
{
	queue_work(system_unbound_wq, &rf_update_work);
}

/* ---- join and leave ---- */

/* Nothing of what an earlier kernel said here holds. */
static void rf_endpoint_clear(struct rf_endpoint *endpoint)
{
	u32 i;

	WRITE_ONCE(endpoint->armed, 0);
	WRITE_ONCE(endpoint->magic, 0);
	for (i = 0; i < RF_DOORBELLS_MAX; i++)
		WRITE_ONCE(endpoint->doorbells[i], 0);
}

/**
 * rf_endpoint_publish() - publish, or publish again, the identity of this kernel
 * @endpoint: our own
 *
 * Context: Any, while we are a member.
 */
void rf_endpoint_publish(struct rf_endpoint *endpoint)
{
	WRITE_ONCE(endpoint->major, RF_ARENA_MAJOR);
	WRITE_ONCE(endpoint->minor, RF_ARENA_MINOR);
	WRITE_ONCE(endpoint->kernel_id, rf_kernel_id(rf_self));
	/* Pairs with the acquire in rf_endpoint_is_ready(): the rest is valid, rings included. */
	smp_store_release(&endpoint->magic, RF_ARENA_MAGIC);
}

static int rf_join_locked(const struct rf_grant *grant, u64 *acknowledged)
{
	struct rf_endpoint *endpoint;
	u32 self;
	int rc;

	lockdep_assert_held(&rf_life_lock);
	lockdep_assert_held(&rf_member_lock);
	rc = rf_grant_take(grant);
	if (rc)
		return rc;
	rc = rf_arena_apply(rf_copy.segments);
	if (rc)
		goto unmap;
	rc = rf_reader_start();
	if (rc)
		goto unmap;
	rc = rf_writer_start();
	if (rc)
		goto stop_reader;

	self = rf_copy.member;
	rf_home = rf_copy.segments[self];
	endpoint = rf_ficm_endpoint(self);
	rf_endpoint_clear(endpoint);
	rf_acknowledge_start(grant, acknowledged);
	WRITE_ONCE(rf_grant, grant);
	WRITE_ONCE(rf_self, self);
	/* Nobody is there yet for the poll, so it does nothing. */
	rf_messages_start(rf_ficm_segment(self), self, rf_copy.kernel_ids[self]);
	rf_doorbells_open(true);
	rf_ficm_doorbell = rf_doorbell_create(RF_DOORBELL_FICM, rf_communication_core(),
					      "rf_ficm", rf_messages_interrupt, NULL);
	if (IS_ERR(rf_ficm_doorbell)) {
		rc = PTR_ERR(rf_ficm_doorbell);
		goto stop_messages;
	}
	rf_kernel_ids_adopt();
	rf_endpoint_publish(endpoint);
	rf_heartbeat_start(endpoint);
	/* The first poll arms the doorbell. */
	rf_messages_kick();
	return 0;

stop_messages:
	rf_doorbells_open(false);
	rf_messages_stop();
	WRITE_ONCE(rf_self, U32_MAX);
	WRITE_ONCE(rf_grant, NULL);
	rf_acknowledge_stop();
	rf_writer_stop();
stop_reader:
	rf_reader_stop();
unmap:
	rf_arena_unmap();
	return rc;
}

/**
 * rf_ficm_join() - become a member
 * @grant: what we were granted; the caller's, until rf_ficm_leave(). May change under
 *	its sequence.
 * @acknowledged: the caller's as well: what we acknowledge, 0 while we are no member
 *
 * Context: Process context, may sleep.
 * Return: 0; -EBUSY if we are a member already, or a segment is in use by this kernel;
 *	-EINVAL for a grant that makes no sense, -EAGAIN for one that is being changed all
 *	the time; -ENOMEM, ...
 */
int rf_ficm_join(const struct rf_grant *grant, u64 *acknowledged)
{
	int rc = -EBUSY;

	mutex_lock(&rf_life_lock);
	mutex_lock(&rf_member_lock);
	if (rf_self == U32_MAX)
		rc = rf_join_locked(grant, acknowledged);
	mutex_unlock(&rf_member_lock);
	mutex_unlock(&rf_life_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(rf_ficm_join);

static void rf_leave_locked(void)
{
	struct rf_endpoint *endpoint = rf_ficm_endpoint(rf_self);
	u32 i;

	lockdep_assert_held(&rf_life_lock);
	lockdep_assert_held(&rf_member_lock);
	rf_heartbeat_stop();
	WRITE_ONCE(endpoint->armed, 0);
	WRITE_ONCE(endpoint->magic, 0);
	rf_doorbells_open(false);
	rf_ficm_device_detach();
	rf_doorbell_destroy(rf_ficm_doorbell);
	for (i = 0; i < RF_MEMBERS_MAX; i++)
		WRITE_ONCE(rf_kernel_ids[i], RF_KERNEL_NONE);
	rf_messages_stop();
	rf_endpoint_clear(endpoint);
	WRITE_ONCE(rf_self, U32_MAX);
	WRITE_ONCE(rf_grant, NULL);
	/* Waits for all readers of the grant and of segments. */
	rf_arena_unmap();
	rf_acknowledge_stop();
}

/**
 * rf_ficm_leave() - end the membership
 *
 * Doorbells that other modules created have to be destroyed before. Idempotent.
 *
 * Context: Process context, may sleep; not from a handler. Handlers have ended when it
 *	returns.
 */
void rf_ficm_leave(void)
{
	mutex_lock(&rf_life_lock);
	if (rf_self != U32_MAX) {
		/* Without the member lock, which a handler may be waiting for. */
		rf_reader_stop();
		rf_writer_stop();
		mutex_lock(&rf_member_lock);
		rf_leave_locked();
		mutex_unlock(&rf_member_lock);
	}
	mutex_unlock(&rf_life_lock);
}
EXPORT_SYMBOL_GPL(rf_ficm_leave);

void rf_member_exit(void)
{
	cancel_work_sync(&rf_update_work);
}
