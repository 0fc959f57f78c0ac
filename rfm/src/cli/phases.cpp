// SPDX-License-Identifier: GPL-2.0
#include "cli/phases.hpp"

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
	const std::string detail = std::exchange(detail_, "");
	const std::size_t before = list_.size();
	add(std::exchange(current_, ""), entered_, monotonic_ns());
	if (list_.size() > before)
		list_.back().detail = detail;
}

void Phases::remark(const std::string &detail)
{
	detail_ = detail;
}

void Phases::add(const std::string &name, std::uint64_t from_ns, std::uint64_t to_ns)
{
	if (!from_ns || to_ns < from_ns)
		return;
	list_.push_back({name, static_cast<double>(to_ns - from_ns) / 1e9, ""});
}

double Phases::total_seconds() const
{
	return static_cast<double>(monotonic_ns() - begin_) / 1e9;
}

} // namespace rf
