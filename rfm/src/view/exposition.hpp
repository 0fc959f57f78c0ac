// SPDX-License-Identifier: GPL-2.0
// Numbers in Prometheus' text format (version 0.0.4): families of samples, each with HELP and TYPE.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rf {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Exposition {
public:
	enum class Type { gauge, counter };

	// A family begins: a name that is not used twice. It is left out if no sample follows.
	void family(const std::string &name, Type type, const std::string &help);
	void add(const Labels &labels, std::uint64_t value) { add(labels, std::to_string(value)); }
	void add(const Labels &labels, double value);

	const std::string &text() const { return text_; }
	unsigned samples() const { return samples_; }

private:
	void add(const Labels &labels, const std::string &value);

	std::string name_, head_, text_;
	unsigned samples_ = 0;
};

// What stands between the quotes of a label, whatever the value contains: ASCII, in one line.
std::string label_value(const std::string &value);

} // namespace rf
