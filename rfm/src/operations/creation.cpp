// SPDX-License-Identifier: GPL-2.0
#include "operations/creation.hpp"

#include "cli/interrupt.hpp"

namespace rf {

namespace {

constexpr const char *undone = "everything taken is given back";
// Each time somebody else got some: it ends long before.
constexpr unsigned choices_most = 64;

// Nothing if there are not as many any more: then those that were picked are what there is to say.
std::vector<unsigned> other_cores(const Plan &plan, const Supervisor &supervisor)
{
	try {
		return cores_now(plan, supervisor);
	} catch (const Error &) {
		return {};
	}
}

} // namespace

Partition create_for(const Plan &plan, const Supervisor &supervisor)
{
	CreateRequest request = plan.request;

	for (unsigned choices = 1;; choices++) {
		try {
			return supervisor.create(request);
		} catch (const Error &error) {
			if (interrupted() || error.code() != Code::busy || choices == choices_most)
				throw;
			std::vector<unsigned> others = other_cores(plan, supervisor);
			if (others.empty() || others == request.cpus)
				throw;
			request.cpus = std::move(others);
		}
	}
}

Partition take_for(const Plan &plan, const Supervisor &supervisor, Phases &phases)
{
	stop_if_interrupted(undone);
	phases.show(text("take what '", plan.wanted.name, "' is to have ..."));
	Partition subos = [&] {
		try {
			return create_for(plan, supervisor);
		} catch (const Error &) {
			stop_if_interrupted(undone);
			throw;
		}
	}();
	subos.set_policies(plan.wanted.policies);
	return subos;
}

void launch(const Partition &subos, const Plan &plan, const Supervisor &supervisor,
	    Phases &phases)
{
	const boot::BootImage image = load_image(plan, supervisor, subos, undone, phases);
	const Loaded how = loaded(image);

	subos.define(format_definition(plan.wanted, plan.files.user_initrd.path(),
				       plan.wanted.start ? std::nullopt : std::optional(how)));
	if (plan.wanted.start)
		start_and_await(subos, how, plan.wanted, phases);
	else
		subos.publish();
}

} // namespace rf
