// SPDX-License-Identifier: GPL-2.0
// From stopped to running again: what start and restart share.
#pragma once

#include "client/supervisor.hpp"
#include "operations/launch.hpp"

namespace rf {

// In which states, besides ended, it may be now.
struct RestartFrom {
	bool running = false;	// it is going to be stopped first
	bool lost = false;	// its cores are then held without asking
};

// What is needed to start a subOS again, checked before anything is changed.
class RestartOperation {
public:
	// Reads the definition and the files that it names. Throws Error(busy) if the subOS
	// cannot be started in its state.
	RestartOperation(const Supervisor &supervisor, const std::string &name, RestartFrom from,
			 Phases &phases);

	void set_timeout(std::chrono::milliseconds timeout) { plan_.wanted.timeout = timeout; }
	// As --until says; throws like parse_until().
	void set_until(const Request &request)
	{
		plan_.wanted.until = parse_until(request, plan_.wanted.until, plan_.wanted);
	}
	// Returns the result.
	Launched start(Phases &phases) const;

private:
	void forget_image() const;

	const Supervisor &supervisor_;
	const Partition subos_;
	const RestartFrom from_;
	Plan plan_;
	std::optional<Loaded> loaded_;	// nothing is to be built
	bool was_loaded_ = false;	// the definition names an image
};

} // namespace rf
