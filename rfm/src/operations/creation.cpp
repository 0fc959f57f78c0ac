// SPDX-License-Identifier: GPL-2.0
#include "operations/creation.hpp"

namespace rf {

namespace {

constexpr const char *undone = "everything taken is given back";

} // namespace

Partition take_for(const Plan &plan, const Supervisor &supervisor, Phases &phases)
{
	stop_if_interrupted(undone);
	phases.show(text("take what '", plan.wanted.name, "' is to have ..."));
	Partition subos = [&] {
		try {
			return supervisor.create(plan.request);
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
