// SPDX-License-Identifier: GPL-2.0
// What was found, as check and setup show it.
#include "plan/requirements.hpp"

namespace rf {

void to_json(Json &json, const Finding &finding)
{
	json = {{"name", finding.name},
		{"status", verdict_name(finding.verdict)},
		{"detail", finding.detail},
		{"remedy", finding.remedy}};
}

std::string to_text(const std::vector<Finding> &findings)
{
	Table table({"CHECK", "STATUS", "DETAIL"});
	std::string remedies;

	for (const Finding &finding : findings) {
		table.add({finding.name, verdict_name(finding.verdict), finding.detail});
		if (!finding.remedy.empty())
			remedies += text("  ", finding.name, ": ", finding.remedy, "\n");
	}
	if (!remedies.empty())
		remedies = "\nSuggested remedies:\n" + remedies;
	return table.str() + remedies;
}

} // namespace rf
