// SPDX-License-Identifier: GPL-2.0
#include "base/error.hpp"

#include <algorithm>
#include <array>

namespace rf {

namespace {

constexpr std::array table{
	ExitCode{Code::ok, "ok", "done"},
	ExitCode{Code::internal, "internal", "an unexpected or internal error"},
	ExitCode{Code::usage, "usage", "wrong usage: unknown command or option, missing operand"},
	ExitCode{Code::bad_value, "bad-value",
		 "a value is not acceptable (core, memory, PCI function, name, configuration key, "
		 "...); "
		 "check: create would be refused here"},
	ExitCode{Code::no_such_subos, "no-such-subos", "no subOS has that name"},
	ExitCode{Code::busy, "busy",
		 "the name or a PCI function is in use, or another rfm got there first"},
	ExitCode{Code::not_enough, "not-enough", "not enough memory, cores or low-memory slices"},
	ExitCode{Code::bad_file, "bad-file",
		 "a kernel, initrd or agent file is missing or unusable"},
	ExitCode{Code::not_permitted, "not-permitted", "not root, or the kernel is locked down"},
	ExitCode{Code::no_module, "no-module", "the module rf_supervisor is not loaded"},
	ExitCode{Code::not_up, "not-up",
		 "the subOS did not come up in time, went down in the meantime, or is not running"},
	ExitCode{Code::incomplete, "incomplete",
		 "not everything could be given back, or changed as requested"},
	ExitCode{Code::no_log, "no-log",
		 "no kernel log or VMCOREINFO can be found in the subOS's memory yet"},
	ExitCode{Code::no_answer, "no-answer",
		 "the subOS did not comply in time, or has no agent that can"},
	ExitCode{Code::interrupted, "interrupted", "interrupted by a signal"},
};

} // namespace

std::span<const ExitCode> exit_codes()
{
	return table;
}

const ExitCode &exit_code(Code code)
{
	return *std::find_if(table.begin(), table.end(),
			     [code](const ExitCode &row) { return row.code == code; });
}

} // namespace rf
