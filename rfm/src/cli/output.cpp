// SPDX-License-Identifier: GPL-2.0
#include "cli/output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
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

// Returns why the standard output did not take all of it, or 0.
int put(const std::string &words)
{
	errno = 0;
	if ((std::cout << words).flush())
		return 0;
	return errno ? errno : EIO;
}

// A result that nobody could read must not look like success.
void check(int error)
{
	if (error == EPIPE)
		throw ReaderGone();
	if (error)
		throw Error(Code::internal,
			    text("the result could not be written to standard output: ",
				 std::strerror(error)));
}

void put_result(const std::string &words)
{
	check(put(words));
}

// Not flushed: more follows.
void put_part(const std::string &words)
{
	errno = 0;
	if (!(std::cout << words))
		check(errno ? errno : EIO);
}

class JsonOutput : public Output {
public:
	void result(const Json &result, AsText) override { put_result(dump(result, 2) + '\n'); }
	void list(const Json &head, const char *key,
		  const std::function<void(const Sink &sink)> &fill, AsText) override
	{
		const std::string before = dump(head, 2);
		const char *separator = "\n    ";

		// Without its last line, the brace.
		put_part(text(before.substr(0, before.size() - 2), ",\n  \"", key, "\": ["));
		fill([&](const Json &item) {
			put_part(separator + dump(item, -1));
			separator = ",\n    ";
		});
		put_result("\n  ]\n}\n");
	}
	void item(const Json &item, AsText) override { put_result(dump(item, -1) + '\n'); }
	void error(const Error &error) override
	{
		Json body = {{"code", static_cast<int>(error.code())},
			     {"kind", exit_code(error.code()).kind},
			     {"message", one_line(error.what())}};
		body.update(error.details());
		end_progress();
		// In one line: it may end a stream of such.
		if (put(dump({{"error", body}}, -1) + '\n'))
			tell(error);
	}
};

class TextOutput : public Output {
public:
	void result(const Json &result, AsText as_text) override
	{
		end_progress();
		put_result(as_text(result));
	}
	void list(const Json &, const char *, const std::function<void(const Sink &sink)> &fill,
		  AsText as_text) override
	{
		end_progress();
		fill([&](const Json &item) { put_part(as_text(item)); });
		put_result("");
	}
	void item(const Json &item, AsText as_text) override { result(item, as_text); }
	void error(const Error &error) override { tell(error); }
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

void Output::tell(const Error &error)
{
	const auto failed = error.details().find("failed");

	end_progress();
	if (failed == error.details().end())
		std::cerr << "rfm: " << one_line(error.what()) << '\n';
	else	// several, each in its line
		for (const Json &one : *failed)
			std::cerr << "rfm: " << one["message"].get<std::string>() << '\n';
	if (const auto log = error.details().find("log"); log != error.details().end())
		for (const Json &line : *log)
			std::cerr << "  " << line.get<std::string>() << '\n';
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
