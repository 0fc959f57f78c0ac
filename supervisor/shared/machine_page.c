// SPDX-License-Identifier: GPL-2.0
/*
 * The machine page, at the start of the supervisor's home segment: who is a member, and a
 * copy of the ledger, for people and for a later supervisor (struct rf_machine). It lies in
 * shared memory, which any kernel can overwrite: its intended contents are stored here, and
 * written again whenever the page differs.
 */
#include <linux/random.h>
#include <linux/string.h>

#include "cores/cores.h"
#include "shared/internal.h"

/* Ledger lock. */
static struct rf_machine rf_described;
static u8 rf_mac_middle[2];
static u32 rf_ledger_generation;

/* The arena was opened: begin with an empty description. Context: ledger lock held. */
void rf_machine_page_begin(void)
{
	lockdep_assert_held(&rf_ledger_lock);
	memset(&rf_described, 0, sizeof(rf_described));
	get_random_bytes(rf_mac_middle, sizeof(rf_mac_middle));
}

/* The core that receives a member's messages, as its endpoint says. Display only. */
static u32 rf_comm_core(u32 member)
{
	struct rf_endpoint *endpoint = rf_ficm_endpoint(member);
	u64 word = endpoint ? READ_ONCE(endpoint->doorbells[RF_DOORBELL_FICM]) : 0;
	u32 vector, apic_id;

	return rf_doorbell_parse(word, &vector, &apic_id) ? apic_id : ~0u;
}

static enum rf_state rf_member_state(const struct rf_subos *subos)
{
	enum rf_state state;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	state = rf_subos_state(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return state;
}

static void rf_member_describe(struct rf_member *entry, u32 member, struct rf_subos *subos)
{
	const u8 mac[6] = { 0x02, 0x52, 0x46, rf_mac_middle[0], rf_mac_middle[1], member };

	entry->kernel_id = subos ? subos->kernel_id : RF_KERNEL_SUPERVISOR;
	entry->subos_id = subos ? subos->id : 0;
	entry->state = subos ? rf_member_state(subos) : RF_STATE_RUNNING;
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

/* Write the machine page, unless its contents are as intended. */
static void rf_machine_page_write(void)
{
	const size_t rest = offsetof(struct rf_machine, major);
	struct rf_machine *machine = rf_ficm_segment(0);

	if (!rf_arena_is_open() || !machine || !memcmp(machine, &rf_described, sizeof(*machine)))
		return;
	memcpy((void *)machine + rest, (void *)&rf_described + rest, sizeof(*machine) - rest);
	smp_wmb();	/* a reader that sees the magic sees the rest */
	WRITE_ONCE(machine->magic, rf_described.magic);
}

/**
 * rf_machine_page_update() - make the machine page agree with the ledger
 *
 * Context: Process context. Ledger lock held.
 */
void rf_machine_page_update(void)
{
	u32 i, segments = 0;

	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_arena_is_open())
		return;
	rf_described.magic = RF_ARENA_MAGIC;
	rf_described.major = RF_ARENA_MAJOR;
	rf_described.minor = RF_ARENA_MINOR;
	rf_arena_segments(rf_described.segments);
	for (i = 0; i < RF_MEMBERS_MAX; i++)
		segments += rf_described.segments[i].size != 0;
	rf_described.nr_segments = segments;
	rf_members_describe(&rf_described);
	rf_ledger_copy(&rf_books, ++rf_ledger_generation, &rf_described.ledger);
	rf_machine_page_write();
}

/* Only tried: whoever holds the lock probably publishes anyway, and this soon runs again. */
static void rf_machine_page_restore_run(struct work_struct *work)
{
	if (!mutex_trylock(&rf_ledger_lock))
		return;
	rf_machine_page_write();
	mutex_unlock(&rf_ledger_lock);
}

static DECLARE_WORK(rf_machine_page_restore_work, rf_machine_page_restore_run);

/* The machine page may have been overwritten: check it soon. Context: any. */
void rf_machine_page_restore(void)
{
	rf_work_queue(&rf_machine_page_restore_work);
}
