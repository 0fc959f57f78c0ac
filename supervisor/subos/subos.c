// SPDX-License-Identifier: GPL-2.0
/* The list of subOSes: lookup by name or id, and the changes that poll() waits for. */
#include <linux/string.h>

#include "subos/subos.h"

LIST_HEAD(rf_subos_list);

/**
 * rf_subos_find() - look a subOS up by name
 * @name: NUL-terminated
 *
 * Context: Any.
 * Return: the subOS with a reference for the caller (kobject_put()), or NULL.
 */
struct rf_subos *rf_subos_find(const char *name)
{
	struct rf_subos *subos, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	list_for_each_entry(subos, &rf_subos_list, node)
		if (!strcmp(subos->name, name)) {
			found = subos;
			kobject_get(&found->kobj);
			break;
		}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return found;
}

/**
 * rf_subos_of_id() - look a subOS up by id
 * @id: never reused
 *
 * Context: Any.
 * Return: the subOS with a reference for the caller (kobject_put()), or NULL.
 */
struct rf_subos *rf_subos_of_id(u32 id)
{
	struct rf_subos *subos, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	list_for_each_entry(subos, &rf_subos_list, node)
		if (subos->id == id) {
			kobject_get(&subos->kobj);
			found = subos;
			break;
		}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return found;
}

/* Note a change that poll() reports. Context: state lock held. */
void rf_subos_changed(struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	subos->generation++;
	wake_up_all(&subos->wait);
}

/* Note when something happened. Context: any. */
void rf_subos_moment(struct rf_subos *subos, enum rf_moment moment)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	subos->moments[moment] = ktime_get_ns();
	spin_unlock_irqrestore(&rf_state_lock, flags);
}
