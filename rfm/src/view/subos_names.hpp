// SPDX-License-Identifier: GPL-2.0
// Names for the ids in events. Ids are never used again, names are: who is gone is said to be.
#pragma once

#include "client/supervisor.hpp"

#include <map>
#include <optional>
#include <string>

namespace rf {

class SubosNames {
public:
	// Names that events tell of; what became of these subOSes they do not.
	void learn(const std::vector<rf_event> &events);
	// Those that there are now.
	void set_living(std::map<std::uint32_t, std::string> living) { living_ = std::move(living); }
	// Both; asks the module only if one of the events names another subOS.
	void look(const Supervisor &supervisor, const std::vector<rf_event> &events);

	// Nothing if nobody tells.
	std::optional<std::string> find(std::uint32_t id) const;
	bool is_gone(std::uint32_t id) const { return id != 0 && !living_.contains(id); }

private:
	std::map<std::uint32_t, std::string> living_, known_;
};

// Whether args[1] of such an event is the id of another subOS.
bool names_another(std::uint32_t type);

} // namespace rf
