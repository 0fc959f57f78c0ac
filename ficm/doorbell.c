// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells: interrupts that other kernels send. Each is a Linux interrupt of its own,
 * with a vector from the x86 vector domain and a small domain of ours on top, so that
 * affinity, CPU hotplug and /proc/interrupts work as for any device. Our domain only
 * publishes, whenever the vector or its core changes, how the doorbell is rung.
 */
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "kernel/republish.h"
#include "rf_ficm.h"

/* A word that changes while it is being rung is rung again, a bounded number of times. */
#define RF_RING_TRIES	3

struct rf_doorbell {
	u32 index;
	unsigned int irq;
	void (*handler)(void *data);
	void *data;
	char name[32];
};

/* What our domain's alloc() gets. */
struct rf_doorbell_request {
	struct irq_alloc_info info;
	struct rf_doorbell *doorbell;
};

static DEFINE_MUTEX(rf_doorbell_lock);
/* Guarded by the doorbell lock; the heartbeat reads them in RCU. */
static struct rf_doorbell __rcu *rf_doorbells[RF_DOORBELLS_MAX];
static bool rf_doorbells_are_open;	/* doorbell lock */

/* What stands in our endpoint, or should, off the brake. Guarded by the descriptors' locks. */
static u64 rf_doorbell_words[RF_DOORBELLS_MAX];

static struct fwnode_handle *rf_fwnode;
static struct irq_domain *rf_domain;

/* ---- the interrupt ---- */

/* The lock of the interrupt's descriptor keeps the words in order. */
static void rf_doorbell_publish(struct irq_data *data, u64 word)
{
	const struct rf_doorbell *doorbell = data->chip_data;
	struct rf_endpoint *endpoint;

	lockdep_assert_held(&irq_data_to_desc(data)->lock);
	WRITE_ONCE(rf_doorbell_words[doorbell->index], word);
	/* Pairs with the acquire in rf_republish(): our copy changes first. */
	smp_wmb();
	rcu_read_lock();
	endpoint = rf_ficm_endpoint(rf_ficm_self());
	/* If the brake is put on, or released, right now, the heartbeat puts it right. */
	if (endpoint)
		WRITE_ONCE(endpoint->doorbells[doorbell->index],
			   rf_brake_is_on(doorbell->index) ? 0 : word);
	rcu_read_unlock();
}

/*
 * The vector's own idea of its destination may be a bit mask of logical ids: others
 * need the physical id of the core.
 */
static void rf_doorbell_publish_target(struct irq_data *data)
{
	unsigned int cpu = cpumask_first(irq_data_get_effective_affinity_mask(data));
	u64 word = rf_doorbell_word(irqd_cfg(data)->vector, per_cpu(x86_cpu_to_apicid, cpu));
	u32 vector, apic_id;

	if (!rf_doorbell_parse(word, &vector, &apic_id))
		pr_warn_ratelimited("others cannot ring vector %#x: the heartbeat has to look\n", vector);
	rf_doorbell_publish(data, word);
}

static int rf_doorbell_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	int rc = irq_chip_set_affinity_parent(data, mask, force);

	if (rc >= 0)
		rf_doorbell_publish_target(data);
	return rc;
}

/*
 * Nothing can keep others from ringing, and a ring while the interrupt is disabled is
 * kept by handle_edge_irq(). But the kernel calls these without asking when it
 * finishes a move of the interrupt that could not be done at once.
 */
static void rf_doorbell_mask(struct irq_data *data)
{
}

static struct irq_chip rf_doorbell_chip = {
	.name = "rainforest",
	.irq_ack = irq_chip_ack_parent,
	.irq_mask = rf_doorbell_mask,
	.irq_unmask = rf_doorbell_mask,
	.irq_set_affinity = rf_doorbell_set_affinity,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
};

static int rf_domain_alloc(struct irq_domain *domain, unsigned int irq, unsigned int count,
			   void *arg)
{
	struct rf_doorbell_request *request = arg;
	int rc;

	rc = irq_domain_alloc_irqs_parent(domain, irq, count, &request->info);
	if (rc)
		return rc;
	irq_domain_set_info(domain, irq, request->doorbell->index, &rf_doorbell_chip,
			    request->doorbell, handle_edge_irq, NULL, "edge");
	/* Not only when the next ring comes: the core may have to leave now. */
	irq_set_status_flags(irq, IRQ_MOVE_PCNTXT);
	return 0;
}

static int rf_domain_activate(struct irq_domain *domain, struct irq_data *data, bool reserve)
{
	rf_doorbell_publish_target(data);
	return 0;
}

/* From here on no ring begins; one that has begun meets a vector that is still allocated. */
static void rf_domain_deactivate(struct irq_domain *domain, struct irq_data *data)
{
	rf_doorbell_publish(data, 0);
}

static const struct irq_domain_ops rf_domain_ops = {
	.alloc = rf_domain_alloc,
	.free = irq_domain_free_irqs_common,
	.activate = rf_domain_activate,
	.deactivate = rf_domain_deactivate,
};

static irqreturn_t rf_doorbell_interrupt(int irq, void *arg)
{
	struct rf_doorbell *doorbell = arg;

	rf_count(interrupts);
	rf_brake_rung(doorbell->index);
	doorbell->handler(doorbell->data);
	return IRQ_HANDLED;
}

/* A vector on @cpu, or on any core if there is none left. */
static int rf_doorbell_alloc_irq(struct rf_doorbell *doorbell, unsigned int cpu)
{
	struct rf_doorbell_request request = { .doorbell = doorbell };
	int irq = -ENOSPC;

	if (cpu < nr_cpu_ids && cpu_online(cpu)) {
		request.info.mask = cpumask_of(cpu);
		irq = irq_domain_alloc_irqs(rf_domain, 1, NUMA_NO_NODE, &request);
		/* Else the kernel spreads interrupts as it likes. */
		if (irq > 0)
			irq_set_affinity(irq, cpumask_of(cpu));
	}
	if (irq <= 0) {
		request.info.mask = cpu_online_mask;
		irq = irq_domain_alloc_irqs(rf_domain, 1, NUMA_NO_NODE, &request);
	}
	return irq ?: -ENOSPC;
}

/* ---- doorbells of this kernel ---- */

static int rf_doorbell_pick(u32 index)
{
	lockdep_assert_held(&rf_doorbell_lock);
	if (!rf_doorbells_are_open)
		return -ENOTCONN;
	if (index > RF_DOORBELL_ANY)
		return -EINVAL;
	if (index < RF_DOORBELL_ANY)
		return rcu_access_pointer(rf_doorbells[index]) ? -EBUSY : index;
	for (index = RF_DOORBELL_FREE; index < RF_DOORBELLS_MAX; index++)
		if (!rcu_access_pointer(rf_doorbells[index]))
			return index;
	return -ENOSPC;
}

static int rf_doorbell_begin(struct rf_doorbell *doorbell, unsigned int cpu)
{
	int rc;

	lockdep_assert_held(&rf_doorbell_lock);
	rc = rf_doorbell_alloc_irq(doorbell, cpu);
	if (rc < 0)
		return rc;
	doorbell->irq = rc;
	rc = request_irq(doorbell->irq, rf_doorbell_interrupt, IRQF_NO_THREAD, doorbell->name,
			 doorbell);
	if (rc)
		irq_dispose_mapping(doorbell->irq);
	return rc;
}

/**
 * rf_doorbell_create() - allocate an interrupt that other kernels can send
 * @index: its number in our endpoint, or RF_DOORBELL_ANY
 * @cpu: where it begins; any core if there is no vector left on that one
 * @name: for /proc/interrupts
 * @handler: called for rings; several rings may be one call
 * @data: handed to @handler
 *
 * The interrupt follows affinity changes and leaves a core that goes offline.
 *
 * Context: Process context, may sleep. @handler runs in hard interrupt context, also
 *	before this returns.
 * Return: the doorbell; ERR_PTR(): -ENOTCONN if we are no member, -EBUSY if @index is
 *	taken, -ENOSPC if there is no vector or no free index, -EINVAL, -ENOMEM.
 */
struct rf_doorbell *rf_doorbell_create(u32 index, unsigned int cpu, const char *name,
				       void (*handler)(void *data), void *data)
{
	struct rf_doorbell *doorbell;
	int rc;

	doorbell = kzalloc(sizeof(*doorbell), GFP_KERNEL);
	if (!doorbell)
		return ERR_PTR(-ENOMEM);
	doorbell->handler = handler;
	doorbell->data = data;
	strscpy(doorbell->name, name, sizeof(doorbell->name));
	mutex_lock(&rf_doorbell_lock);
	rc = rf_doorbell_pick(index);
	if (rc >= 0) {
		doorbell->index = rc;
		rc = rf_doorbell_begin(doorbell, cpu);
		if (!rc)
			rcu_assign_pointer(rf_doorbells[doorbell->index], doorbell);
	}
	mutex_unlock(&rf_doorbell_lock);
	if (rc) {
		kfree(doorbell);
		return ERR_PTR(rc);
	}
	return doorbell;
}
EXPORT_SYMBOL_GPL(rf_doorbell_create);

/**
 * rf_doorbell_destroy() - free a doorbell and its interrupt
 * @doorbell: from rf_doorbell_create()
 *
 * Context: Process context, may sleep. The handler has ended when this returns.
 */
void rf_doorbell_destroy(struct rf_doorbell *doorbell)
{
	mutex_lock(&rf_doorbell_lock);
	RCU_INIT_POINTER(rf_doorbells[doorbell->index], NULL);
	free_irq(doorbell->irq, doorbell);
	irq_dispose_mapping(doorbell->irq);
	/* The heartbeat is past it. */
	synchronize_rcu();
	mutex_unlock(&rf_doorbell_lock);
	kfree(doorbell);
}
EXPORT_SYMBOL_GPL(rf_doorbell_destroy);

/**
 * rf_doorbell_index() - the number of a doorbell in our endpoint
 * @doorbell: from rf_doorbell_create()
 *
 * Context: Any.
 */
u32 rf_doorbell_index(const struct rf_doorbell *doorbell)
{
	return doorbell->index;
}
EXPORT_SYMBOL_GPL(rf_doorbell_index);

/* ---- doorbells of others ---- */

/* icr_read() would read the destination, too; in x2APIC mode nothing is ever pending. */
static void rf_icr_wait(void)
{
	int i;

	if (x2apic_enabled())
		return;
	for (i = 0; i < 1000 && (apic->read(APIC_ICR) & APIC_ICR_BUSY); i++)
		cpu_relax();
}

/* Interrupts off. */
static void rf_icr_ring(u32 vector, u32 apic_id)
{
	/* In xAPIC mode an ICR write is two registers, and an NMI can come in between. */
	bool restore = in_nmi() && !x2apic_enabled();
	u32 high = 0;

	if (restore)
		high = apic->read(APIC_ICR2);
	apic->icr_write(APIC_DM_FIXED | APIC_DEST_PHYSICAL | vector, apic_id);
	if (restore) {
		rf_icr_wait();
		apic->write(APIC_ICR2, high);
	}
}

/*
 * The word is only a proposal of its owner: the grant decides. Nothing that waits comes between
 * this decision and the write; but NMI, SMI and virtual processors that stand still do. Nobody
 * else gets the core before we are through: see acknowledge.c.
 */
static int rf_ring_word(u32 member, u64 word)
{
	u32 vector, apic_id;
	unsigned long flags;
	bool owned;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "the endpoint can go");
	if (!rf_doorbell_parse(word, &vector, &apic_id))
		return -ENOENT;
	local_irq_save(flags);
	rf_icr_wait();
	/*
	 * Pairs with the interrupt: its handler sees what was stored before. Needed in x2APIC
	 * mode, where the write is a WRMSR that MFENCE and LFENCE have to hold back.
	 */
	mb();
	rmb();
	owned = rf_grant_owns(member, apic_id);
	if (owned)
		rf_icr_ring(vector, apic_id);
	local_irq_restore(flags);
	if (!owned)
		return -ENOENT;
	rf_count(rings);
	return 0;
}

/**
 * rf_doorbell_ring() - ring a doorbell of a member
 * @member: its number
 * @index: which of its doorbells
 *
 * Context: Any, also NMI. Never waits for the other side.
 * Return: 0; -ENOTCONN if there is no such member; -ENOENT if it has published none, or
 *	one that makes no sense or names a core of somebody else.
 */
int rf_doorbell_ring(u32 member, u32 index)
{
	struct rf_endpoint *endpoint;
	u64 word, before;
	int rc, i;

	if (index >= RF_DOORBELLS_MAX)
		return -ENOENT;
	if (!rf_ficm_present(member))
		return -ENOTCONN;
	rcu_read_lock();
	endpoint = rf_ficm_endpoint(member);
	rc = endpoint ? 0 : -ENOTCONN;
	word = endpoint ? READ_ONCE(endpoint->doorbells[index]) : 0;
	for (i = 0; !rc && i < RF_RING_TRIES; i++) {
		before = word;
		rc = rf_ring_word(member, word);
		/*
		 * Pairs with the owner's move of the interrupt, which publishes the new word before
		 * it gives up the old vector: we rang one that was there, or see the new word.
		 */
		smp_mb();
		word = READ_ONCE(endpoint->doorbells[index]);
		if (word == before)
			break;
	}
	rcu_read_unlock();
	return rc;
}
EXPORT_SYMBOL_GPL(rf_doorbell_ring);

/* ---- life ---- */

/**
 * rf_doorbells_open() - allow or refuse to create doorbells
 * @open: as long as we are a member
 *
 * Context: Process context.
 */
void rf_doorbells_open(bool open)
{
	mutex_lock(&rf_doorbell_lock);
	rf_doorbells_are_open = open;
	mutex_unlock(&rf_doorbell_lock);
}

/**
 * rf_doorbells_restore() - publish words again that were overwritten
 * @endpoint: our own
 *
 * Context: The heartbeat.
 */
void rf_doorbells_restore(struct rf_endpoint *endpoint)
{
	u32 i;

	for (i = 0; i < RF_DOORBELLS_MAX; i++) {
		if (rf_brake_is_on(i))
			WRITE_ONCE(endpoint->doorbells[i], 0);
		else
			rf_republish(&endpoint->doorbells[i], &rf_doorbell_words[i]);
	}
}

/**
 * rf_doorbells_poll() - do what these doorbells would do if they were rung
 * @doorbells: bits
 *
 * Context: The heartbeat, after rf_doorbells_restore().
 */
void rf_doorbells_poll(u32 doorbells)
{
	const struct rf_doorbell *doorbell;
	u32 i;

	if (!doorbells)
		return;
	/*
	 * Pairs with smp_mb() in rf_put(): who did not find our word when it was published again
	 * has sent before, and the handler sees it.
	 */
	smp_mb();
	rcu_read_lock();
	for (i = 0; i < RF_DOORBELLS_MAX; i++) {
		doorbell = doorbells & BIT(i) ? rcu_dereference(rf_doorbells[i]) : NULL;
		if (doorbell)
			doorbell->handler(doorbell->data);
	}
	rcu_read_unlock();
}

int rf_doorbells_init(void)
{
	rf_fwnode = irq_domain_alloc_named_fwnode("rainforest");
	if (!rf_fwnode)
		return -ENOMEM;
	rf_domain = irq_domain_create_hierarchy(x86_vector_domain, 0, RF_DOORBELLS_MAX, rf_fwnode,
						&rf_domain_ops, NULL);
	if (!rf_domain) {
		irq_domain_free_fwnode(rf_fwnode);
		return -ENOMEM;
	}
	return 0;
}

void rf_doorbells_exit(void)
{
	irq_domain_remove(rf_domain);
	irq_domain_free_fwnode(rf_fwnode);
}
