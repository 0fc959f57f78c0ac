// SPDX-License-Identifier: GPL-2.0
/* What may be read and written in a function's configuration space, and what is done instead. */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <string.h>
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif
#include <linux/pci_regs.h>

#include "pci_config.h"

#define RF_ALL			0xffffffffu
#define RF_HEADER_SIZE		0x40
#define RF_CAPABILITIES_MAX	48	/* as many as fit behind the header */

/* Always so in the hardware, whatever the subOS sees of it. */
#define RF_COMMAND_ON		(PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE)
#define RF_COMMAND_OFF		PCI_COMMAND_IO

/* Of the device control register: to whom errors are reported, and how packets look on the link. */
#define RF_DEVCTL_KEPT \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE | \
	 PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_PHANTOM | \
	 PCI_EXP_DEVCTL_AUX_PME)
#define RF_DEVCTL_WRITE \
	(PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ | \
	 PCI_EXP_DEVCTL_BCR_FLR)

static struct rf_config_rule *rf_rule(struct rf_config *config, __u32 offset)
{
	return &config->rules[offset / 4];
}

/* Writes to it do nothing. */
static void rf_rule_read_only(struct rf_config *config, __u32 offset)
{
	rf_rule(config, offset)->write = 0;
}

static void rf_rule_fixed(struct rf_config *config, __u32 offset, __u32 own, __u32 value)
{
	struct rf_config_rule *rule = rf_rule(config, offset);

	rule->own = own;
	rule->value = value & own;
	rule->write = 0;
}

/* The class is never all ones, and also virtual functions have it in their own space. */
static bool rf_config_answers(const struct rf_config *config)
{
	return config->get(config->data, PCI_CLASS_REVISION, 4) != RF_ALL;
}

/* Put back what a reset cleared; the BARs before decoding. */
static void rf_config_settle(struct rf_config *config)
{
	__u32 i, offset, now, should;

	if (!rf_config_answers(config))
		return;
	config->stale = false;
	for (i = 0; i < RF_BARS && !config->is_virtual; i++) {
		offset = PCI_BASE_ADDRESS_0 + 4 * i;
		if (config->bar_masks[i] &&
		    config->get(config->data, offset, 4) != config->bars[i])
			config->put(config->data, offset, 4, config->bars[i]);
	}
	if (config->express) {
		offset = config->express + PCI_EXP_DEVCTL;
		now = config->get(config->data, offset, 2);
		should = (now & ~RF_DEVCTL_KEPT & ~PCI_EXP_DEVCTL_BCR_FLR) |
			 (config->device_control & RF_DEVCTL_KEPT);
		if (now != should)
			config->put(config->data, offset, 2, should);
	}
	now = config->get(config->data, PCI_COMMAND, 2);
	should = (now | RF_COMMAND_ON) & ~RF_COMMAND_OFF;
	if (now != should)
		config->put(config->data, PCI_COMMAND, 2, should);
}

/* ---- rules ---- */

static void rf_rules_bars(struct rf_config *config, const struct rf_function *function)
{
	__u32 i;

	for (i = 0; i < RF_BARS; i++) {
		const struct rf_bar *bar = &function->bars[i];
		__u64 mask = ~(bar->size - 1);

		rf_rule_fixed(config, PCI_BASE_ADDRESS_0 + 4 * i, RF_ALL, 0);
		if (!bar->size)
			continue;
		config->bars[i] = (__u32)bar->start | function->bar_types[i];
		config->bar_masks[i] = (__u32)mask | function->bar_types[i];
		rf_rule(config, PCI_BASE_ADDRESS_0 + 4 * i)->value = config->bars[i];
		if (!(function->bar_types[i] & RF_BAR_64) || i + 1 == RF_BARS)
			continue;
		i++;
		config->bars[i] = bar->start >> 32;
		config->bar_masks[i] = mask >> 32;
		rf_rule_fixed(config, PCI_BASE_ADDRESS_0 + 4 * i, RF_ALL, config->bars[i]);
	}
}

static void rf_rules_header(struct rf_config *config, const struct rf_function *function)
{
	struct rf_config_rule *command = rf_rule(config, PCI_COMMAND);
	__u32 offset;

	for (offset = 0; offset < RF_HEADER_SIZE; offset += 4)
		rf_rule_read_only(config, offset);
	rf_rule_fixed(config, PCI_VENDOR_ID, RF_ALL,
		      function->vendor | (__u32)function->device << 16);

	/*
	 * Decoding is what sizing turns off for a while and drivers for good; it is shown to
	 * follow. INTx would reach the supervisor, where nobody expects it. Errors are told
	 * as the supervisor wants it.
	 */
	command->own = RF_COMMAND_ON | RF_COMMAND_OFF;
	command->store = RF_COMMAND_ON;
	command->write = PCI_COMMAND_MASTER | 0xffff0000u;
	command->event = 0xffff0000u;

	rf_rule(config, PCI_CACHE_LINE_SIZE)->write = 0xff;
	rf_rules_bars(config, function);
	rf_rule_fixed(config, PCI_ROM_ADDRESS, RF_ALL, 0);
	rf_rule_fixed(config, PCI_INTERRUPT_LINE, 0xffff, 0);
}

/* Power states are its own; events of power management go to the root port. */
static void rf_rules_power(struct rf_config *config, __u32 at)
{
	struct rf_config_rule *control = rf_rule(config, at + PCI_PM_CTRL);

	rf_rule_fixed(config, at, (__u32)PCI_PM_CAP_PME_MASK << 16, 0);
	control->write = PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_DATA_SEL_MASK |
			 PCI_PM_CTRL_PME_STATUS;
	control->event = PCI_PM_CTRL_PME_STATUS;
	/* From D3hot a function comes back as from a reset. */
	control->resets = true;
}

/* Vital product data can be read. The flag that would begin a write is never set. */
static void rf_rules_vpd(struct rf_config *config, __u32 at)
{
	rf_rule(config, at)->write = PCI_VPD_ADDR_MASK << 16;
	rf_rule(config, at)->event = (__u32)PCI_VPD_ADDR_F << 16;
	rf_rule_read_only(config, at + PCI_VPD_DATA);
}

/* The link is shared with the port, and the port with others. */
static void rf_rules_express(struct rf_config *config, __u32 at)
{
	struct rf_config_rule *control = rf_rule(config, at + PCI_EXP_DEVCTL);
	__u32 flags = config->get(config->data, at + PCI_EXP_FLAGS, 2);
	__u32 type = (flags & PCI_EXP_FLAGS_TYPE) >> 4, offset;

	config->express = at;
	config->device_control = config->get(config->data, at + PCI_EXP_DEVCTL, 2);
	control->write = RF_DEVCTL_WRITE | 0xffff0000u;
	control->event = PCI_EXP_DEVCTL_BCR_FLR | 0xffff0000u;
	control->resets = true;

	/* Version 1 ends behind the link, or before it for what has none. */
	if ((flags & PCI_EXP_FLAGS_VERS) >= 2) {
		for (offset = PCI_EXP_LNKCAP; offset <= PCI_EXP_SLTCAP2 + 4; offset += 4)
			rf_rule_read_only(config, at + offset);
		rf_rule(config, at + PCI_EXP_DEVCTL2)->write =
			PCI_EXP_DEVCTL2_COMP_TIMEOUT | PCI_EXP_DEVCTL2_COMP_TMOUT_DIS;
	} else if (type != PCI_EXP_TYPE_RC_END) {
		rf_rule_read_only(config, at + PCI_EXP_LNKCAP);
		rf_rule_read_only(config, at + PCI_EXP_LNKCTL);
	}
}

/* The rules of the capability @id at @at. A capability that is not known has no id. */
static void rf_rules_capability(struct rf_config *config, __u32 id, __u32 at)
{
	switch (id) {
	case PCI_CAP_ID_PM:
		rf_rules_power(config, at);
		break;
	case PCI_CAP_ID_VPD:
		rf_rules_vpd(config, at);
		break;
	case PCI_CAP_ID_EXP:
		rf_rules_express(config, at);
		break;
	case PCI_CAP_ID_AF:
		rf_rule(config, at + PCI_AF_CTRL)->resets = true;
		break;
	case PCI_CAP_ID_MSI:
	case PCI_CAP_ID_MSIX:
		config->has_msi = true;
		break;
	case PCI_CAP_ID_PCIX:
	case PCI_CAP_ID_VNDR:
	case PCI_CAP_ID_DBG:
	case PCI_CAP_ID_SATA:
		break;
	default:
		rf_rule_fixed(config, at, 0xff, 0);
	}
}

static void rf_rules_capabilities(struct rf_config *config)
{
	__u32 i, id, at;

	if (!(config->get(config->data, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return;
	at = config->get(config->data, PCI_CAPABILITY_LIST, 1) & 0xfc;
	for (i = 0; i < RF_CAPABILITIES_MAX && at >= RF_HEADER_SIZE; i++) {
		id = config->get(config->data, at + PCI_CAP_LIST_ID, 1);
		if (id == 0xff)
			return;
		rf_rules_capability(config, id, at);
		at = config->get(config->data, at + PCI_CAP_LIST_NEXT, 1) & 0xfc;
	}
}

/*
 * Behind the first 256 bytes nothing is there but what is opened: capabilities that describe the
 * function itself. All others control the path to it, or make more functions of it, and new ones
 * are invented every year. Return: bytes of the capability, 0: it is not opened.
 */
static __u32 rf_extended_size(struct rf_config *config, __u32 id, __u32 at)
{
	switch (id) {
	case PCI_EXT_CAP_ID_DSN:
		return PCI_EXT_CAP_DSN_SIZEOF;
	case PCI_EXT_CAP_ID_PWR:
		return PCI_EXT_CAP_PWR_SIZEOF;
	case PCI_EXT_CAP_ID_VNDR:
		at += PCI_VNDR_HEADER;
		return at < RF_CONFIG_SIZE ? config->get(config->data, at, 4) >> 20 : 0;
	default:
		return 0;
	}
}

/* The chain goes on behind it; id and version 0 is a capability that does nothing. */
static void rf_rules_hide(struct rf_config *config, __u32 at)
{
	rf_rule_fixed(config, at, 0x000fffff, 0);
}

/* As far as it says that it reaches, but not into another one. */
static void rf_rules_open(struct rf_config *config, __u32 at)
{
	__u32 id = PCI_EXT_CAP_ID(config->get(config->data, at, 4));
	__u32 end = at + rf_extended_size(config, id, at), offset;
	struct rf_config_rule *rule;

	if (end > at)
		rf_rule_fixed(config, at, 0, 0);
	for (offset = at + 4; offset < end && offset < RF_CONFIG_SIZE; offset += 4) {
		rule = rf_rule(config, offset);
		if (rule->own != RF_ALL)
			return;
		rule->own = 0;
		if (id == PCI_EXT_CAP_ID_VNDR)
			rule->write = RF_ALL;
		else if (id == PCI_EXT_CAP_ID_PWR && offset == at + PCI_PWR_DSR)
			rule->write = 0xff;
	}
}

static void rf_extended_walk(struct rf_config *config,
			     void (*visit)(struct rf_config *config, __u32 at))
{
	__u32 at = PCI_CFG_SPACE_SIZE, header, i;

	for (i = 0; i < RF_CONFIG_SIZE / 8 && at >= PCI_CFG_SPACE_SIZE; i++) {
		header = config->get(config->data, at, 4);
		if (!header || header == RF_ALL)
			return;
		visit(config, at);
		at = PCI_EXT_CAP_NEXT(header);
	}
}

static void rf_rules_extended(struct rf_config *config)
{
	__u32 offset;

	for (offset = PCI_CFG_SPACE_SIZE; offset < RF_CONFIG_SIZE; offset += 4)
		rf_rule_fixed(config, offset, RF_ALL, 0);
	if (!config->express)
		return;
	rf_extended_walk(config, rf_rules_hide);
	rf_extended_walk(config, rf_rules_open);
}

/**
 * rf_config_init() - make the rules for a function.
 * @config: get, put and data are set; the rest is filled in
 * @function: as granted, checked
 *
 * What the hardware holds now is what the supervisor set up. Decoding is on afterwards.
 *
 * Context: Any.
 * Return: 0; -ENODEV: the function does not answer; -EINVAL: it is a bridge.
 */
int rf_config_init(struct rf_config *config, const struct rf_function *function)
{
	__u32 i;

	memset(config->rules, 0, sizeof(config->rules));
	for (i = 0; i < RF_CONFIG_WORDS; i++)
		config->rules[i].write = RF_ALL;
	memset(config->bars, 0, sizeof(config->bars));
	memset(config->bar_masks, 0, sizeof(config->bar_masks));
	config->is_virtual = function->flags & RF_FUNCTION_VF;
	config->has_msi = false;
	config->stale = false;
	config->express = 0;

	if (!rf_config_answers(config))
		return -ENODEV;
	if ((config->get(config->data, PCI_HEADER_TYPE, 1) & 0x7f) != PCI_HEADER_TYPE_NORMAL)
		return -EINVAL;
	rf_rules_header(config, function);
	rf_rules_capabilities(config);
	rf_rules_extended(config);
	rf_config_settle(config);
	return 0;
}

/* ---- accesses ---- */

static __u32 rf_size_mask(__u32 size)
{
	return size == 4 ? RF_ALL : (1u << 8 * size) - 1;
}

static bool rf_access_ok(__u32 offset, __u32 size)
{
	return (size == 1 || size == 2 || size == 4) && offset % size == 0 &&
	       offset < RF_CONFIG_SIZE;
}

/**
 * rf_config_read() - what the subOS sees of a register.
 * @config: initialised
 * @offset: in bytes
 * @size: 1, 2 or 4
 *
 * Context: Any; accesses to one function are serialised.
 * Return: its value; ones where there is no such register, or nothing answers.
 */
__u32 rf_config_read(struct rf_config *config, __u32 offset, __u32 size)
{
	const struct rf_config_rule *rule;
	__u32 mask, own, shift, value;

	if (!rf_access_ok(offset, size))
		return RF_ALL;
	if (config->stale)
		rf_config_settle(config);
	rule = rf_rule(config, offset);
	mask = rf_size_mask(size);
	shift = offset % 4 * 8;
	own = (rule->own >> shift) & mask;
	value = config->get(config->data, offset, size) & mask;
	/* What does not answer has nothing to show: drivers find out by that. */
	if (!own || (value == mask && !rf_config_answers(config)))
		return value;
	return (value & ~own) | ((rule->value >> shift) & own);
}

/* A BAR answers the question for its size. It does not move. */
static void rf_bar_write(struct rf_config *config, __u32 offset, __u32 size, __u32 value)
{
	__u32 i = (offset - PCI_BASE_ADDRESS_0) / 4;

	rf_rule(config, offset)->value =
		size == 4 && value == RF_ALL ? config->bar_masks[i] : config->bars[i];
}

/**
 * rf_config_write() - let of a write through what concerns nobody else.
 * @config: initialised
 * @offset: in bytes; a write to where no register is does nothing
 * @size: 1, 2 or 4
 * @value: what the subOS writes
 *
 * Context: Any; accesses to one function are serialised.
 */
void rf_config_write(struct rf_config *config, __u32 offset, __u32 size, __u32 value)
{
	struct rf_config_rule *rule;
	__u32 mask, shift, store, write, now;

	if (!rf_access_ok(offset, size))
		return;
	if (offset >= PCI_BASE_ADDRESS_0 && offset < PCI_BASE_ADDRESS_5 + 4) {
		rf_bar_write(config, offset, size, value);
		return;
	}
	if (config->stale || offset / 4 == PCI_COMMAND / 4)
		rf_config_settle(config);

	rule = rf_rule(config, offset);
	mask = rf_size_mask(size);
	shift = offset % 4 * 8;
	value &= mask;
	store = rule->store & (mask << shift);
	rule->value = (rule->value & ~store) | ((value << shift) & store);

	write = (rule->write >> shift) & mask;
	if (!write)
		return;
	if (write != mask) {
		now = config->get(config->data, offset, size) & mask;
		value = (now & ~write & ~(rule->event >> shift)) | (value & write);
	}
	config->put(config->data, offset, size, value);
	if (rule->resets)
		config->stale = true;
}
