// SPDX-License-Identifier: GPL-2.0
#include "cli/phases.hpp"

#include "base/sizes.hpp"

namespace rf {

void to_json(Json &json, const Phase &phase)
{
	json = {{"phase", phase.name}, {"seconds", phase.seconds}};
	if (!phase.detail.empty())
		json["detail"] = phase.detail;
}

void Phases::enter(const std::string &name)
{
	leave();
	output_.progress(name + " ...");
	current_ = name;
	entered_ = monotonic_ns();
}

void Phases::leave()
{
	if (current_.empty())
		return;
	add(std::exchange(current_, ""), entered_, monotonic_ns(), std::exchange(detail_, ""));
}

void Phases::remark(const std::string &detail)
{
	detail_ = detail;
}

void Phases::add(const std::string &name, std::uint64_t from_ns, std::uint64_t to_ns,
		 const std::string &detail)
{
	if (!from_ns || to_ns < from_ns)
		return;
	const double seconds = static_cast<double>(to_ns - from_ns) / 1e9;
	list_.push_back({name, seconds, detail});
	output_.detail(text(name, ": ", format_seconds(seconds), detail.empty() ? "" : ", ", detail));
}

double Phases::total_seconds() const
{
	return static_cast<double>(monotonic_ns() - begin_) / 1e9;
}

} // namespace rf
