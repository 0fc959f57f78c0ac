// SPDX-License-Identifier: GPL-2.0
#include "cli/output.hpp"

#include <algorithm>
#include <cstdint>
#include <iostream>

#include <unistd.h>

namespace rf {

namespace {

bool is_inexact(const Json &json)
{
	constexpr std::int64_t most = std::int64_t{1} << 53;

	if (json.is_number_unsigned())
		return json.get<std::uint64_t>() > std::uint64_t{most};
	return json.is_number_integer() &&
	       (json.get<std::int64_t>() > most || json.get<std::int64_t>() < -most);
}

// Readers that keep numbers as doubles lose bits of integers beyond 2^53: these become strings.
Json exact(Json json)
{
	if (json.is_structured())
		for (Json &part : json)
			part = exact(std::move(part));
	else if (is_inexact(json))
		json = json.dump();
	return json;
}

// Bytes from outside need not be UTF-8; JSON text must be.
std::string dump(const Json &json, int indent)
{
	return exact(json).dump(indent, ' ', false, Json::error_handler_t::replace);
}

class JsonOutput : public Output {
public:
	void result(const Json &result, AsText) override
	{
		std::cout << dump(result, 2) << '\n';
		flush();
	}
	void list(const Json &head, const char *key,
		  const std::function<void(const Sink &sink)> &fill, AsText) override
	{
		const std::string before = dump(head, 2);
		const char *separator = "\n    ";

		// Without its last line, the brace.
		std::cout << before.substr(0, before.size() - 2) << ",\n  \"" << key << "\": [";
		fill([&](const Json &item) {
			std::cout << separator << dump(item, -1);
			separator = ",\n    ";
			check();
		});
		std::cout << "\n  ]\n}\n";
		flush();
	}
	void item(const Json &item, AsText) override
	{
		std::cout << dump(item, -1) << '\n';
		flush();
	}
	void error(const Error &error) override
	{
		Json body = {{"code", static_cast<int>(error.code())},
			     {"kind", exit_code(error.code()).kind},
			     {"message", one_line(error.what())}};
		body.update(error.details());
		end_progress();
		// In one line: it may end a stream of such.
		std::cout << dump({{"error", body}}, -1) << '\n';
		std::cout.flush();
	}
};

class TextOutput : public Output {
public:
	void result(const Json &result, AsText as_text) override
	{
		end_progress();
		std::cout << as_text(result);
		flush();
	}
	void list(const Json &, const char *, const std::function<void(const Sink &sink)> &fill,
		  AsText as_text) override
	{
		end_progress();
		fill([&](const Json &item) {
			std::cout << as_text(item);
			check();
		});
		flush();
	}
	void item(const Json &item, AsText as_text) override { result(item, as_text); }
	void error(const Error &error) override
	{
		end_progress();
		std::cout.flush();
		const auto failed = error.details().find("failed");
		if (failed == error.details().end())
			std::cerr << "rfm: " << one_line(error.what()) << '\n';
		else	// several, each in its line
			for (const Json &one : *failed)
				std::cerr << "rfm: " << one["message"].get<std::string>() << '\n';
		if (const auto log = error.details().find("log"); log != error.details().end())
			for (const Json &line : *log)
				std::cerr << "  " << line.get<std::string>() << '\n';
	}
};

} // namespace

std::string Table::str() const
{
	std::vector<std::size_t> widths;
	std::string out;

	for (const auto &row : rows_) {
		widths.resize(std::max(widths.size(), row.size()));
		for (std::size_t i = 0; i < row.size(); i++)
			widths[i] = std::max(widths[i], row[i].size());
	}
	for (const auto &row : rows_) {
		std::string line;
		for (std::size_t i = 0; i < row.size(); i++)
			line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
		line.erase(line.find_last_not_of(' ') + 1);
		out += line + '\n';
	}
	return out;
}

void Output::progress(const std::string &phase)
{
	if (!::isatty(STDERR_FILENO))
		return;
	std::cerr << "\r\033[K" << phase << std::flush;
	line_open_ = true;
}

void Output::end_progress()
{
	if (line_open_)
		std::cerr << "\r\033[K" << std::flush;
	line_open_ = false;
}

void Output::note(const std::string &message)
{
	end_progress();
	std::cerr << "rfm: note: " << one_line(message) << '\n';
}

void Output::flush()
{
	std::cout.flush();
	check();
}

void Output::check() const
{
	// A result that nobody could read must not look like success.
	if (!std::cout)
		throw Error(Code::internal, "the result could not be written to stdout");
}

std::unique_ptr<Output> Output::make(bool json)
{
	if (json)
		return std::make_unique<JsonOutput>();
	return std::make_unique<TextOutput>();
}

std::string join(const Json &words)
{
	std::string line;

	for (const Json &word : words)
		line += (line.empty() ? "" : ", ") + word.get<std::string>();
	return line;
}

std::string one_line(const std::string &message)
{
	std::string line;

	for (const char letter : message) {
		const unsigned char byte = static_cast<unsigned char>(letter);
		// Escapes would hide what the value was: only break lines and controls, also
		// those beyond ASCII (U+0080 to U+009F), which begin sequences, too.
		if (line.ends_with('\xc2') && byte >= 0x80 && byte < 0xa0)
			line.back() = '?';
		else
			line += byte < 0x20 || byte == 0x7f ? '?' : letter;
	}
	return line;
}

} // namespace rf
