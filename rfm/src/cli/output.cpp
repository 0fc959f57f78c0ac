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

// Every object of its own, so also each of a stream, says which schema it follows.
Json with_schema(Json json)
{
	Json whole = {{"schema", json_schema_version}};

	whole.update(json);
	return whole;
}

class JsonOutput : public Output {
public:
	void show(const View &view) override
	{
		put_result(dump(with_schema(view.json()), 2) + '\n');
	}
	void show_list(const Json &head, const char *key,
		       const std::function<void(const Sink &sink)> &fill) override
	{
		const std::string before = dump(with_schema(head), 2);
		const char *separator = "\n    ";

		// Without its last line, the brace.
		put_part(text(before.substr(0, before.size() - 2), ",\n  \"", key, "\": ["));
		fill([&](const View &item) {
			put_part(separator + dump(item.json(), -1));
			separator = ",\n    ";
		});
		put_result("\n  ]\n}\n");
	}
	void show_item(const View &view) override
	{
		put_result(dump(with_schema(view.json()), -1) + '\n');
	}
	void error(const Error &error) override
	{
		Json body = {{"code", static_cast<int>(error.code())},
			     {"kind", exit_code(error.code()).kind},
			     {"message", one_line(error.what())}};
		body.update(error.details());
		end_progress();
		// In one line: it may end a stream of such.
		if (put(dump(with_schema({{"error", body}}), -1) + '\n'))
			tell(error);
	}
};

class TextOutput : public Output {
public:
	explicit TextOutput(Format format) : csv_(format == Format::csv) {}
	void show(const View &view) override
	{
		end_progress();
		put_result(words_of(view));
	}
	void show_list(const Json &, const char *,
		       const std::function<void(const Sink &sink)> &fill) override
	{
		end_progress();
		fill([&](const View &item) { put_part(words_of(item)); });
		put_result("");
	}
	void show_item(const View &view) override { show(view); }
	void error(const Error &error) override { tell(error); }

private:
	std::string words_of(const View &view) const { return csv_ ? view.csv() : view.text(); }

	const bool csv_;
};

} // namespace

std::string View::csv() const
{
	// parse_request() lets nobody ask for it.
	throw Error(Code::internal, "this result has no rows, so it cannot be CSV");
}

Format parse_format(const std::string &word)
{
	if (word == "table")
		return Format::table;
	if (word == "json")
		return Format::json;
	if (word == "csv")
		return Format::csv;
	throw Error(Code::usage, text("unknown output format '", word, "': give table, json or csv"));
}

Format format_of(const std::vector<std::string> &words)
{
	const auto given = [&](std::size_t at) -> std::string {
		const std::string &word = words[at];
		const bool follows = at + 1 < words.size();
		if (word == "--json")
			return "json";
		if (word == "--output")
			return follows ? words[at + 1] : "";
		if (word.starts_with("--output="))
			return word.substr(std::size("--output=") - 1);
		// Also behind letters of options without a value: -qo FORMAT.
		const std::size_t letter = word.find_first_not_of("afhqv", 1);
		if (word.starts_with("--") || !word.starts_with('-') || letter == word.npos ||
		    word[letter] != 'o')
			return "";
		return letter + 1 < word.size() ? word.substr(letter + 1)
						 : follows ? words[at + 1] : "";
	};

	Format format = Format::table;

	for (std::size_t at = 0; at < words.size(); at++) {
		const std::string word = given(at);
		if (word == "json")
			return Format::json;
		if (word == "csv")
			format = Format::csv;
	}
	return format;
}

ErrorWithLog::ErrorWithLog(Code code, const std::string &message, Json details,
			   std::vector<std::string> log)
	: Error(code, message,
		[&] {
			details["log"] = log;
			return details;
		}()),
	  log_(std::move(log))
{
}

SeveralErrors::SeveralErrors(std::vector<Failure> failures, Json details)
	: Error(failures.front().error.code(), failures.front().error.what(),
		[&] {
			details["failed"] = failures;
			return details;
		}()),
	  failures_(std::move(failures))
{
}

void to_json(Json &json, const Failure &failure)
{
	json = {{"name", failure.name},
		{"code", static_cast<int>(failure.error.code())},
		{"kind", exit_code(failure.error.code()).kind},
		{"message", one_line(failure.error.what())}};
}

void Output::progress(const std::string &phase)
{
	if (level_ == Level::quiet || !::isatty(STDERR_FILENO))
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
	if (level_ == Level::quiet)
		return;
	end_progress();
	std::cerr << "rfm: note: " << one_line(message) << '\n';
}

void Output::detail(const std::string &message)
{
	if (level_ != Level::verbose)
		return;
	end_progress();
	std::cerr << "rfm: detail: " << one_line(message) << '\n';
}

void Output::names(const std::vector<std::string> &names)
{
	std::string lines;

	for (const std::string &name : names)
		lines += name + '\n';
	end_progress();
	put_result(lines);
}

void Output::tell(const Error &error)
{
	end_progress();
	if (const auto *several = dynamic_cast<const SeveralErrors *>(&error))
		for (const Failure &one : several->failures())
			std::cerr << "rfm: " << one_line(one.error.what()) << '\n';
	else
		std::cerr << "rfm: " << one_line(error.what()) << '\n';
	if (const auto *with = dynamic_cast<const ErrorWithLog *>(&error))
		for (const std::string &line : with->log())
			std::cerr << "  " << line << '\n';
}

std::unique_ptr<Output> Output::make(Format format)
{
	if (format == Format::json)
		return std::make_unique<JsonOutput>();
	return std::make_unique<TextOutput>(format);
}

std::string join(const std::vector<std::string> &words)
{
	std::string line;

	for (const std::string &word : words)
		line += (line.empty() ? "" : ", ") + word;
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
