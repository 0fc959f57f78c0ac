// SPDX-License-Identifier: GPL-2.0
/*
 * The arena: memory that all kernels share (wire/arena.h). It exists while there
 * are subOSes: the first one brings it up, and with it messages, agents and
 * consoles; the last one takes it down. Each member has one home segment. That of
 * a member that is gone stays in the arena, for the next one: a kernel that was
 * slow to see the end can hit nothing but the arena.
 */
#include <linux/random.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "supervisor.h"

/* Ledger lock. By member, and so by number of segment; start 0: never carved. */
static struct rf_arena_segment rf_homes[RF_MEMBERS_MAX];
static bool rf_home_used[RF_MEMBERS_MAX];
static bool rf_arena_is_open;
static u8 rf_mac_middle[2];
static u32 rf_ledger_generation;
/* What the machine page says, or should: that one is there for anybody to overwrite. */
static struct rf_machine rf_described;

/* Bytes of the pool that are shared memory now. Context: ledger lock held. */
u64 rf_arena_size(void)
{
	return rf_pool_owned(RF_OWNER_ARENA);
}

/* The number for a new member: one that has a home already, if there is one. 0: none left. */
static u32 rf_member_free(void)
{
	u32 member, first = 0;

	for (member = RF_MEMBERS_MAX - 1; member > 0; member--)
		if (!rf_home_used[member] && (!first || rf_homes[member].size ||
					      !rf_homes[first].size))
			first = member;
	return first;
}

/* What the arena would need of the pool for another subOS. Context: ledger lock held. */
u64 rf_arena_need(void)
{
	u32 member = rf_member_free();
	u64 need = 0;

	if (!rf_arena_is_open)
		need += RF_HOME_SIZE;
	if (!rf_homes[member].size)
		need += RF_HOME_SIZE;
	return need;
}

/* The arena's segments by number, for grant pages. Context: ledger lock held. */
void rf_arena_segments(struct rf_arena_segment *segments)
{
	memcpy(segments, rf_homes, sizeof(rf_homes));
}

/* A home for @member, cleared. */
static int rf_home_take(u32 member)
{
	u64 start;
	int rc;

	if (rf_homes[member].size)
		return rf_fill(rf_homes[member].start, RF_HOME_SIZE, 0);
	rc = rf_step("arena-carve");
	if (!rc)
		rc = rf_pool_take_top(RF_OWNER_ARENA, RF_HOME_SIZE, &start);
	if (rc)
		return rc;
	rc = rf_dma_share(start, RF_HOME_SIZE);
	if (rc)
		rf_pool_free(start, RF_HOME_SIZE);
	else
		rf_homes[member] = (struct rf_arena_segment){ start, RF_HOME_SIZE };
	return rc;
}

static void rf_homes_free(void)
{
	u32 member;

	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		if (rf_homes[member].size) {
			rf_dma_unshare(rf_homes[member].start, rf_homes[member].size);
			rf_pool_free(rf_homes[member].start, rf_homes[member].size);
		}
		rf_homes[member] = (struct rf_arena_segment){};
		rf_home_used[member] = false;
	}
}

/* The first subOS: become a member, listen to agents, look after consoles. */
static int rf_arena_open(void)
{
	int rc;

	rc = rf_home_take(0);
	if (rc)
		return rc;
	get_random_bytes(rf_mac_middle, sizeof(rf_mac_middle));
	rf_grant_update();
	rc = rf_step("arena-join");
	if (!rc)
		rc = rf_ficm_join(&rf_own_grant);
	if (rc)
		goto free_homes;
	rc = rf_supcon_open();
	if (rc)
		goto leave;
	rc = rf_console_init();
	if (rc)
		goto close_supcon;
	rf_home_used[0] = true;
	rf_arena_is_open = true;
	return 0;

close_supcon:
	rf_supcon_close();
leave:
	rf_ficm_leave();
free_homes:
	rf_homes_free();
	return rc;
}

static void rf_arena_close(void)
{
	rf_console_exit();
	rf_supcon_close();
	rf_ficm_leave();
	rf_arena_is_open = false;
	memset(&rf_described, 0, sizeof(rf_described));
	rf_homes_free();
}

static void rf_member_set(struct rf_subos *subos, u32 member)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	subos->member = member;
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/**
 * rf_arena_attach() - a new subOS becomes a member
 * @subos: gets its number and a cleared home segment
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0; -ENOSPC (no number is left), -ENOMEM, -EINTR, or an error of rf_ficm.
 *         On an error rf_arena_detach() undoes what was done.
 */
int rf_arena_attach(struct rf_subos *subos)
{
	u32 member = rf_member_free();
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (!member)
		return -ENOSPC;
	if (!rf_arena_is_open) {
		rc = rf_arena_open();
		if (rc)
			return rc;
	}
	rc = rf_home_take(member);
	if (rc)
		return rc;
	rf_home_used[member] = true;
	rf_member_set(subos, member);
	rf_grant_update();
	return rf_arena_home(subos) ? 0 : -ENOMEM;
}

/**
 * rf_arena_detach() - a subOS is no member any more
 * @subos: nothing of it executes
 *
 * Takes the arena down after the last one; its memory is the pool's again then.
 *
 * Context: Process context, may sleep. Ledger lock held. Safe to repeat.
 */
void rf_arena_detach(struct rf_subos *subos)
{
	u32 member = subos->member, i, used = 0;

	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_arena_is_open)
		return;
	if (member) {
		rf_member_set(subos, 0);
		rf_home_used[member] = false;
	}
	for (i = 1; i < RF_MEMBERS_MAX; i++)
		used += rf_home_used[i];
	if (!used)
		rf_arena_close();
	rf_grant_update();
}

/**
 * rf_arena_clear() - make a subOS's home as new
 * @subos: no kernel runs in it
 *
 * Context: Process context. Ledger lock held.
 * Return: 0, or -ENOTCONN if it has none.
 */
int rf_arena_clear(struct rf_subos *subos)
{
	void *home = rf_arena_home(subos);

	if (!home)
		return -ENOTCONN;
	memset(home, 0, RF_HOME_SIZE);
	return 0;
}

/* Kernel address of a subOS's home segment, or NULL. Context: as rf_ficm_segment(). */
void *rf_arena_home(const struct rf_subos *subos)
{
	u32 member = READ_ONCE(subos->member);

	return member ? rf_ficm_segment(member) : NULL;
}

/* The core that takes a member's messages, as its endpoint says. Display only. */
static u32 rf_comm_core(u32 member)
{
	struct rf_endpoint *endpoint = rf_ficm_endpoint(member);
	u64 word = endpoint ? READ_ONCE(endpoint->doorbells[RF_DOORBELL_FICM]) : 0;
	u32 apic_id = word >> 8;

	return word && rf_doorbell_word(word, apic_id) == word ? apic_id : ~0u;
}

static void rf_member_describe(struct rf_member *entry, u32 member, struct rf_subos *subos)
{
	const u8 mac[6] = { 0x02, 0x52, 0x46, rf_mac_middle[0], rf_mac_middle[1], member };

	entry->kernel_id = subos ? subos->kernel_id : RF_KERNEL_SUPERVISOR;
	entry->subos_id = subos ? subos->id : 0;
	entry->state = subos ? READ_ONCE(subos->state) : RF_STATE_RUNNING;
	entry->comm_core = rf_comm_core(member);
	memcpy(entry->mac, mac, sizeof(mac));
	strscpy(entry->name, subos ? subos->name : "supervisor", sizeof(entry->name));
}

static void rf_members_describe(struct rf_machine *machine)
{
	bool present[RF_MEMBERS_MAX] = { true };
	struct rf_subos *subos;
	u32 i;

	rf_member_describe(&machine->members[0], 0, NULL);
	list_for_each_entry(subos, &rf_subos_list, node) {
		if (!subos->member)
			continue;
		rf_member_describe(&machine->members[subos->member], subos->member, subos);
		present[subos->member] = true;
	}
	for (i = 0; i < RF_MEMBERS_MAX; i++)
		if (!present[i])
			machine->members[i] = (struct rf_member){
				.kernel_id = RF_KERNEL_NONE,
				.comm_core = ~0u,
			};
}

static void rf_ledger_describe(struct rf_ledger *ledger)
{
	u32 *words = (u32 *)ledger;
	u32 sum = 0;
	size_t i;

	memset(ledger, 0, sizeof(*ledger));
	ledger->size = sizeof(*ledger);
	ledger->generation = ++rf_ledger_generation;
	rf_lowmem_ledger(ledger);
	rf_cores_ledger(ledger);
	rf_pool_ledger(ledger);
	for (i = 0; i < sizeof(*ledger) / sizeof(*words); i++)
		sum += words[i];
	ledger->checksum = -sum;
}

/* Write the machine page, unless it is as it should be. */
static void rf_machine_publish(void)
{
	const size_t rest = offsetof(struct rf_machine, major);
	struct rf_machine *machine = rf_ficm_segment(0);

	if (!rf_arena_is_open || !machine || !memcmp(machine, &rf_described, sizeof(*machine)))
		return;
	memcpy((void *)machine + rest, (void *)&rf_described + rest, sizeof(*machine) - rest);
	smp_wmb();	/* who sees the magic sees the rest */
	WRITE_ONCE(machine->magic, rf_described.magic);
}

/**
 * rf_arena_describe() - make the machine page agree with the ledger
 *
 * Context: Process context. Ledger lock held.
 */
void rf_arena_describe(void)
{
	u32 i, segments = 0;

	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_arena_is_open)
		return;
	rf_described.magic = RF_ARENA_MAGIC;
	rf_described.major = RF_ARENA_MAJOR;
	rf_described.minor = RF_ARENA_MINOR;
	rf_arena_segments(rf_described.segments);
	for (i = 0; i < RF_MEMBERS_MAX; i++)
		segments += rf_homes[i].size != 0;
	rf_described.nr_segments = segments;
	rf_members_describe(&rf_described);
	rf_ledger_describe(&rf_described.ledger);
	rf_machine_publish();
}

/* Who holds the lock will describe it anyway, or has. */
static void rf_arena_restore_run(struct work_struct *work)
{
	if (!mutex_trylock(&rf_ledger_lock))
		return;
	rf_machine_publish();
	mutex_unlock(&rf_ledger_lock);
}

static DECLARE_WORK(rf_arena_restore_work, rf_arena_restore_run);

/* The machine page may have been overwritten: look soon. Context: any. */
void rf_arena_restore(void)
{
	rf_work_queue(&rf_arena_restore_work);
}
