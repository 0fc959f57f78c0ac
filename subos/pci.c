// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions. This kernel runs with pci=off: it looks for no host bridge, touches no
 * configuration port, and reads no MMCONFIG window, which would show it the whole machine.
 * The PCI core itself is there all the same: bus type, drivers, /sys and /proc, and the
 * interrupt domain for MSI (x86_create_pci_msi_domain() does not ask for pci=off), which
 * pcibios_device_add() gives to every function whose bus has none. DMA is direct.
 *
 * So there is one root bus for each physical bus that has a function of ours, and on it
 * nothing but these functions, each reached through its own page of the enhanced
 * configuration space, and through the filter of pci_config.c. The bridges above stay with
 * the supervisor: a function seems to sit on the root.
 *
 * The buses have no windows: a window is where the PCI core may put a BAR, and BARs do not
 * move. Each BAR is claimed where it is, whoever adds the function: this file, or a rescan
 * by the user after a removal by the user.
 *
 * There is no INTx: the pin reads as 0, and the irq of a function is none from the start,
 * for 0 would be the timer's. Functions without MSI and MSI-X are refused.
 *
 * All that is here is changed with the PCI core's rescan lock held, which is not exported
 * and so cannot be asserted, except where a comment says otherwise.
 */
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/numa.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "pci_config.h"
#include "rf_subos.h"

/* Drivers that user space loads when it hears of a function have so long to take it. */
#define RF_BIND_MS		2000
#define RF_LOOK_MS		50

struct rf_pci_function {
	u32 bdf;
	u32 generation;
	void __iomem *page;		/* its configuration space */
	bool bound;			/* to a driver */
	struct rf_config config;	/* lock of the bus */
};

/*
 * A root bus. Lives as long as anybody holds its host bridge, which is as long as anybody
 * holds a function that was there.
 */
struct rf_pci_bus {
	struct list_head node;			/* in rf_pci_buses */
	struct pci_sysdata sysdata;		/* what x86 wants to know of a bus */
	struct resource numbers;		/* of buses: its own */
	struct pci_bus *bus;
	raw_spinlock_t lock;
	struct rf_pci_function *functions[256];	/* by devfn; lock to change, too */
};

static LIST_HEAD(rf_pci_buses);
static DECLARE_WAIT_QUEUE_HEAD(rf_pci_bound);

/* ---- configuration accesses ---- */

static __u32 rf_page_get(void *data, __u32 offset, __u32 size)
{
	const struct rf_pci_function *function = data;

	switch (size) {
	case 1:
		return readb(function->page + offset);
	case 2:
		return readw(function->page + offset);
	default:
		return readl(function->page + offset);
	}
}

static void rf_page_put(void *data, __u32 offset, __u32 size, __u32 value)
{
	const struct rf_pci_function *function = data;

	switch (size) {
	case 1:
		writeb(value, function->page + offset);
		break;
	case 2:
		writew(value, function->page + offset);
		break;
	default:
		writel(value, function->page + offset);
	}
}

static struct rf_pci_bus *rf_bus_of(const struct pci_bus *bus)
{
	return container_of(bus->sysdata, struct rf_pci_bus, sysdata);
}

/* The function that answers there. */
static struct rf_pci_function *rf_answering(struct rf_pci_bus *bus, unsigned int devfn)
{
	struct rf_pci_function *function = devfn < 256 ? bus->functions[devfn] : NULL;

	lockdep_assert_held(&bus->lock);
	if (!function || rf_grant_function_taken(function->bdf, function->generation))
		return NULL;
	return function;
}

static int rf_pci_read(struct pci_bus *pci_bus, unsigned int devfn, int where, int size, u32 *value)
{
	struct rf_pci_bus *bus = rf_bus_of(pci_bus);
	struct rf_pci_function *function;
	unsigned long flags;

	raw_spin_lock_irqsave(&bus->lock, flags);
	function = rf_answering(bus, devfn);
	if (function)
		*value = rf_config_read(&function->config, where, size);
	else
		PCI_SET_ERROR_RESPONSE(value);
	raw_spin_unlock_irqrestore(&bus->lock, flags);
	return function ? PCIBIOS_SUCCESSFUL : PCIBIOS_DEVICE_NOT_FOUND;
}

static int rf_pci_write(struct pci_bus *pci_bus, unsigned int devfn, int where, int size, u32 value)
{
	struct rf_pci_bus *bus = rf_bus_of(pci_bus);
	struct rf_pci_function *function;
	unsigned long flags;

	raw_spin_lock_irqsave(&bus->lock, flags);
	function = rf_answering(bus, devfn);
	if (function)
		rf_config_write(&function->config, where, size, value);
	raw_spin_unlock_irqrestore(&bus->lock, flags);
	return function ? PCIBIOS_SUCCESSFUL : PCIBIOS_DEVICE_NOT_FOUND;
}

static struct pci_ops rf_pci_ops = {
	.read = rf_pci_read,
	.write = rf_pci_write,
};

/* ---- the PCI core's devices ---- */

/* A BAR that cannot be claimed keeps the function from being enabled. */
static void rf_device_prepare(struct pci_dev *pdev)
{
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		struct resource *bar = &pdev->resource[i];

		if ((bar->flags & IORESOURCE_MEM) && request_resource(&iomem_resource, bar))
			pci_err(pdev, "BAR %d %pR conflicts with another resource\n", i, bar);
	}
	pdev->irq = IRQ_NOTCONNECTED;
}

static bool rf_device_is_claimed(const struct pci_dev *pdev)
{
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++)
		if (pdev->resource[i].flags && !pdev->resource[i].parent)
			return false;
	return true;
}

/* Context: any. */
static void rf_device_note(struct pci_dev *pdev, bool bound)
{
	struct rf_pci_bus *bus = rf_bus_of(pdev->bus);
	struct rf_pci_function *function;
	unsigned long flags;

	raw_spin_lock_irqsave(&bus->lock, flags);
	function = bus->functions[pdev->devfn];
	if (function)
		WRITE_ONCE(function->bound, bound);
	raw_spin_unlock_irqrestore(&bus->lock, flags);
	wake_up_all(&rf_pci_bound);
}

static int rf_device_event(struct notifier_block *block, unsigned long event, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (pdev->bus->ops != &rf_pci_ops)
		return NOTIFY_DONE;
	switch (event) {
	case BUS_NOTIFY_ADD_DEVICE:
		rf_device_prepare(pdev);
		break;
	case BUS_NOTIFY_BOUND_DRIVER:
		rf_device_note(pdev, true);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		rf_device_note(pdev, false);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block rf_device_notifier = {
	.notifier_call = rf_device_event,
};

/* ---- buses ---- */

static struct rf_pci_bus *rf_bus_create(u32 domain, u32 number)
{
	struct pci_host_bridge *bridge = pci_alloc_host_bridge(sizeof(struct rf_pci_bus));
	struct rf_pci_bus *bus;
	int err;

	if (!bridge)
		return ERR_PTR(-ENOMEM);
	bus = pci_host_bridge_priv(bridge);
	raw_spin_lock_init(&bus->lock);
	bus->sysdata.domain = domain;
	bus->sysdata.node = NUMA_NO_NODE;
	bus->numbers = (struct resource){
		.name = "rainforest",
		.start = number,
		.end = number,
		.flags = IORESOURCE_BUS,
	};
	pci_add_resource(&bridge->windows, &bus->numbers);
	bridge->busnr = number;
	bridge->sysdata = &bus->sysdata;
	bridge->ops = &rf_pci_ops;

	/* There is nothing on it yet: functions are looked for one by one. */
	err = pci_scan_root_bus_bridge(bridge);
	if (err) {
		pci_free_host_bridge(bridge);
		return ERR_PTR(err);
	}
	bus->bus = bridge->bus;
	list_add_tail(&bus->node, &rf_pci_buses);
	return bus;
}

static struct rf_pci_bus *rf_bus_find(u32 bdf)
{
	struct rf_pci_bus *bus;

	list_for_each_entry(bus, &rf_pci_buses, node)
		if (bus->sysdata.domain == RF_BDF_DOMAIN(bdf) &&
		    bus->numbers.start == RF_BDF_BUS(bdf))
			return bus;
	return NULL;
}

/* Drop the bus if nothing is on it any more. */
static void rf_bus_put(struct rf_pci_bus *bus)
{
	struct pci_host_bridge *bridge = to_pci_host_bridge(bus->bus->bridge);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bus->functions); i++)
		if (bus->functions[i])
			return;
	list_del(&bus->node);
	pci_stop_root_bus(bus->bus);
	pci_remove_root_bus(bus->bus);
	pci_free_host_bridge(bridge);
}

/* ---- functions ---- */

static void rf_function_free(struct rf_pci_function *function)
{
	iounmap(function->page);
	kvfree(function);
}

/* Map it, and refuse what cannot work. The reason was printed. */
static struct rf_pci_function *rf_function_open(const struct rf_function *granted)
{
	struct rf_pci_function *function = kvzalloc(sizeof(*function), GFP_KERNEL);
	int err;

	if (!function)
		return ERR_PTR(-ENOMEM);
	function->bdf = granted->bdf;
	function->generation = granted->generation;
	function->page = ioremap(granted->config, RF_CONFIG_SIZE);
	if (!function->page) {
		kvfree(function);
		return ERR_PTR(-ENOMEM);
	}
	function->config.get = rf_page_get;
	function->config.put = rf_page_put;
	function->config.data = function;
	err = rf_config_init(&function->config, granted);
	if (!err && !function->config.has_msi)
		err = -EOPNOTSUPP;
	if (err) {
		rf_function_free(function);
		return ERR_PTR(err);
	}
	return function;
}

static void rf_function_publish(struct rf_pci_bus *bus, u32 devfn, struct rf_pci_function *function)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&bus->lock, flags);
	bus->functions[devfn] = function;
	raw_spin_unlock_irqrestore(&bus->lock, flags);
}

/* Take a function off its bus: driver, device, access. @dead: it does not answer any more. */
static void rf_function_remove(struct rf_pci_bus *bus, u32 devfn, bool dead)
{
	struct rf_pci_function *function = bus->functions[devfn];
	struct pci_dev *pdev = pci_get_slot(bus->bus, devfn);

	if (pdev) {
		/* As when it was pulled out: no driver waits for its answers. */
		if (dead || rf_grant_function_taken(function->bdf, function->generation))
			WRITE_ONCE(pdev->error_state, pci_channel_io_perm_failure);
		pci_stop_and_remove_bus_device(pdev);
		pci_dev_put(pdev);
	}
	rf_function_publish(bus, devfn, NULL);
	rf_function_free(function);
}

static int rf_function_scan(struct rf_pci_bus *bus, u32 devfn)
{
	struct pci_dev *pdev = pci_scan_single_device(bus->bus, devfn);

	if (!pdev)
		return -ENODEV;
	if (!rf_device_is_claimed(pdev))
		return -EBUSY;
	pci_bus_add_device(pdev);
	return 0;
}

static int rf_function_add(const struct rf_function *granted)
{
	u32 devfn = RF_BDF_DEVFN(granted->bdf);
	struct rf_pci_bus *bus = rf_bus_find(granted->bdf);
	struct rf_pci_function *function;
	int err;

	if (!bus)
		bus = rf_bus_create(RF_BDF_DOMAIN(granted->bdf), RF_BDF_BUS(granted->bdf));
	if (IS_ERR(bus))
		return PTR_ERR(bus);
	if (bus->functions[devfn])
		return -EEXIST;
	function = rf_function_open(granted);
	if (IS_ERR(function)) {
		err = PTR_ERR(function);
		goto put_bus;
	}
	rf_function_publish(bus, devfn, function);
	err = rf_function_scan(bus, devfn);
	if (err)
		goto remove_function;
	return 0;

remove_function:
	rf_function_remove(bus, devfn, false);
put_bus:
	rf_bus_put(bus);
	return err;
}

static const char *rf_reason(int err)
{
	switch (err) {
	case -ENOENT:
		return "it is not granted";
	case -EINVAL:
		return "it is a bridge, or its grant makes no sense";
	case -EOPNOTSUPP:
		return "it has neither MSI nor MSI-X, and there is no INTx in a subOS";
	case -ENODEV:
		return "it does not answer";
	case -EBUSY:
		return "its BARs are where something else is";
	case -EEXIST:
		return "it is there already";
	default:
		return "the PCI core does not take it";
	}
}

/* Add the function that the grant page has under this name. */
static int rf_pci_bring_in(u32 bdf)
{
	struct rf_function granted;
	int err;

	err = rf_grant_function(bdf, &granted);
	if (!err && (granted.flags & RF_FUNCTION_TAKEN))
		err = -ENODEV;
	if (!err) {
		pci_lock_rescan_remove();
		err = rf_function_add(&granted);
		pci_unlock_rescan_remove();
	}
	if (err)
		pr_err_ratelimited("PCI function %04x:%02x:%02x.%u refused: %s (%d)\n",
				   RF_BDF_DOMAIN(bdf), RF_BDF_BUS(bdf),
				   PCI_SLOT(RF_BDF_DEVFN(bdf)), PCI_FUNC(RF_BDF_DEVFN(bdf)),
				   rf_reason(err), err);
	return err;
}

static void rf_pci_take_out(u32 bdf, bool dead)
{
	u32 devfn = RF_BDF_DEVFN(bdf);
	struct rf_pci_bus *bus;

	pci_lock_rescan_remove();
	bus = rf_bus_find(bdf);
	if (bus && bus->functions[devfn]) {
		rf_function_remove(bus, devfn, dead);
		rf_bus_put(bus);
	}
	pci_unlock_rescan_remove();
}

/* Only requests take functions away, and they come one after the other. */
static const struct rf_pci_function *rf_pci_find(u32 bdf)
{
	const struct rf_pci_function *function = NULL;
	struct rf_pci_bus *bus;

	pci_lock_rescan_remove();
	bus = rf_bus_find(bdf);
	if (bus)
		function = bus->functions[RF_BDF_DEVFN(bdf)];
	pci_unlock_rescan_remove();
	return function;
}

/**
 * rf_pci_start() - add the functions that this kernel was given from the start.
 *
 * A function that cannot be used is no reason not to boot: the log says why.
 *
 * Context: process context, may sleep. The grant page is open.
 */
void rf_pci_start(void)
{
	u32 bdfs[RF_FUNCTIONS_MAX];
	int err, count, i;

	err = bus_register_notifier(&pci_bus_type, &rf_device_notifier);
	if (err)
		pr_err("cannot watch drivers of PCI functions: error %d\n", err);
	count = rf_grant_functions(bdfs);
	if (count < 0)
		pr_err("cannot read PCI functions from the grant page: error %d\n", count);
	for (i = 0; i < count; i++)
		rf_pci_bring_in(bdfs[i]);
}

/* RF_OP_PCI_ADD. Context: process context, may sleep. */
int rf_pci_add(struct rf_request *request, const s64 *args, s64 *results)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(RF_BIND_MS);
	const struct rf_pci_function *function;
	int err;

	if (args[0] < 0 || args[0] >= RF_BDF_NONE)
		return -EINVAL;
	err = rf_pci_bring_in(args[0]);
	if (err)
		return err;
	function = rf_pci_find(args[0]);
	while (!READ_ONCE(function->bound) && time_before(jiffies, deadline) &&
	       !rf_request_cancelled(request))
		wait_event_timeout(rf_pci_bound, READ_ONCE(function->bound),
				   msecs_to_jiffies(RF_LOOK_MS));
	if (rf_request_cancelled(request)) {
		rf_pci_take_out(args[0], false);
		return -ECANCELED;
	}
	results[0] = READ_ONCE(function->bound);
	return 0;
}

/*
 * RF_OP_PCI_REMOVE. As long as a driver takes for it: this is what the supervisor waits
 * for, and it has its own deadline. Context: process context, may sleep.
 */
int rf_pci_remove(struct rf_request *request, const s64 *args, s64 *results)
{
	if (args[0] < 0 || args[0] >= RF_BDF_NONE)
		return -EINVAL;
	rf_pci_take_out(args[0], args[1]);
	return 0;
}
