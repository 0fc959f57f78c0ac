// SPDX-License-Identifier: GPL-2.0
/*
 * An agent that lies, played by libFuzzer: any answers to one request. What is accepted is
 * held against what was asked, and against a naive record of what was accepted before.
 */
#include "fuzz_input.hpp"
#include "wire/control_check.h"

#include <set>

namespace {

constexpr std::uint64_t block = 128 << 20;

bool is_error(std::int64_t value)
{
	return value < 0 && value >= -133;
}

class Asked {
public:
	explicit Asked(Input &input)
	{
		request_.op = RF_OP_HELLO + input.take<std::uint8_t>() % (RF_OP_NR - RF_OP_HELLO);
		for (auto &arg : request_.args)
			arg = input.take<std::int16_t>();
		if (request_.op == RF_OP_MEMORY_REMOVE)
			request_.args[0] = (1 + input.take<std::uint8_t>() % 8) * block;
		if (request_.op == RF_OP_MEMORY_ADD)
			request_.args[1] = (1 + input.take<std::uint8_t>() % 8) * block;
		asked_.args = request_.args;
		asked_.op = request_.op;
		asked_.units = input.take<std::uint8_t>();
		asked_.unit = block;
		units_ = asked_.units;
	}

	void answer(Input &input)
	{
		rf_control control = {1, request_.op, 0, {}};

		control.answer = input.take<std::uint8_t>() % 6;
		if (input.take<std::uint8_t>() % 8 == 0)
			control.op = input.take<std::uint16_t>();
		for (auto &arg : control.args)
			arg = value(input);
		if (input.take<std::uint8_t>() % 4)
			control.args[RF_CONTROL_REPORTED] = reported_;
		if (rf_control_takes(&asked_, &control))
			accept(control);
	}

private:
	static std::int64_t value(Input &input)
	{
		switch (input.take<std::uint8_t>() % 4) {
		case 0:
			return input.take<std::int64_t>();
		case 1:
			return input.take<std::int8_t>();
		case 2:
			return input.take<std::uint8_t>() * static_cast<std::int64_t>(block);
		default:
			return 0;
		}
	}

	void accept(const rf_control &control)
	{
		require(!over_ && control.op == request_.op);
		require(control.args[RF_CONTROL_REPORTED] == reported_);
		if (control.answer == RF_ANSWER_PROGRESS)
			return progress(control.args);
		over_ = true;
		require(control.answer >= RF_ANSWER_DONE && control.answer <= RF_ANSWER_CANCELLED);
		if (control.answer == RF_ANSWER_FAILED)
			require(is_error(control.args[0]));
		if (control.answer == RF_ANSWER_DONE)
			done(control.args);
	}

	void progress(const __s64 *args)
	{
		require(units_-- > 0);
		reported_++;
		if (request_.op == RF_OP_MEMORY_REMOVE) {
			require(args[0] >= 0 && args[1] > 0);
			require(args[0] % block == 0 && args[1] % block == 0);
			given_ += args[1];
			require(given_ <= request_.args[0]);
			return;
		}
		require(request_.op == RF_OP_CORES_ADD || request_.op == RF_OP_CORES_REMOVE);
		require(args[0] >= 0 && args[0] < RF_CONTROL_APIC_IDS);
		require(rf_control_has_core(request_.args, args[0]));
		require(cores_.insert(args[0]).second);
		require(!args[1] || is_error(args[1]));
		given_ += !args[1];
	}

	void done(const __s64 *args) const
	{
		if (request_.op == RF_OP_MEMORY_REMOVE)
			require(args[0] == given_ && args[0] <= request_.args[0]);
		if (request_.op == RF_OP_MEMORY_ADD)
			require(args[0] >= 0 && args[0] <= request_.args[1]);
		if (request_.op == RF_OP_CORES_REMOVE)
			require(args[0] == given_ && args[0] <= RF_CONTROL_APIC_IDS);
		if (request_.op == RF_OP_CORES_ADD)
			require(args[0] >= 1 && args[0] <= RF_CONTROL_APIC_IDS);
	}

	rf_control request_ = {1, 0, RF_ANSWER_NONE, {}};
	rf_control_asked asked_ = {};
	std::set<std::int64_t> cores_;
	std::int64_t given_ = 0;
	int units_ = 0;
	int reported_ = 0;
	bool over_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	Input input(data, size);
	Asked asked(input);

	while (!input.empty())
		asked.answer(input);
	return 0;
}
