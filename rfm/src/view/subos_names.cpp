// SPDX-License-Identifier: GPL-2.0
#include "view/subos_names.hpp"

#include "cli/output.hpp"

#include "inspect/kernel_log.hpp"

#include <algorithm>

namespace rf {

void SubosNames::learn(const std::vector<rf_event> &events)
{
	for (const rf_event &event : events)
		if (event.id != 0)
			known_[event.id] = one_line(inspect::printable(event.name));
}

void SubosNames::look(const Supervisor &supervisor, const std::vector<rf_event> &events)
{
	learn(events);
	if (std::ranges::any_of(events, names_another, &rf_event::type))
		set_living(supervisor.names_by_id());
}

std::optional<std::string> SubosNames::find(std::uint32_t id) const
{
	for (const auto *names : {&living_, &known_})
		if (const auto found = names->find(id); found != names->end())
			return found->second;
	return std::nullopt;
}

bool names_another(std::uint32_t type)
{
	return type == RF_EVENT_CORES_MOVED || type == RF_EVENT_CORES_BORROWED ||
	       type == RF_EVENT_CORES_RETURNED;
}

} // namespace rf
