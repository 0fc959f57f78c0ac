// SPDX-License-Identifier: GPL-2.0
#include "base/pci_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace rf {

namespace {

[[noreturn]] void refuse(std::string_view word)
{
	throw Error(Code::bad_value,
		    text("PCI function '", word, "' is not acceptable: give its address, such as "
						 "0000:00:04.0 or 00:04.0; 'rfm pci' lists them"));
}

// One part of an address: hexadecimal digits, as many as sysfs has or fewer.
std::uint32_t parse_part(std::string_view word, std::string_view digits, std::size_t digits_most,
			 std::uint32_t most)
{
	std::uint32_t number = 0;
	const char *last = digits.data() + digits.size();
	const auto [end, error] = std::from_chars(digits.data(), last, number, 16);

	if (digits.empty() || digits.size() > digits_most || error != std::errc{} || end != last ||
	    number > most)
		refuse(word);
	return number;
}

} // namespace

std::uint32_t parse_bdf(std::string_view word)
{
	std::string_view rest = word;
	std::uint32_t domain = 0;
	const auto until = [&](char mark) {
		const std::size_t at = rest.find(mark);
		if (at == rest.npos)
			refuse(word);
		const std::string_view part = rest.substr(0, at);
		rest.remove_prefix(at + 1);
		return part;
	};

	if (std::count(word.begin(), word.end(), ':') > 1)
		domain = parse_part(word, until(':'), 4, 0xffff);
	const std::uint32_t bus = parse_part(word, until(':'), 2, 0xff);
	const std::uint32_t slot = parse_part(word, until('.'), 2, 0x1f);
	const std::uint32_t function = parse_part(word, rest, 1, 7);
	const std::uint32_t bdf = RF_BDF(domain, bus, slot << 3 | function);

	if (bdf == RF_BDF_NONE)
		refuse(word);
	return bdf;
}

std::string format_bdf(std::uint32_t bdf)
{
	char words[16];

	std::snprintf(words, sizeof(words), "%04x:%02x:%02x.%x", RF_BDF_DOMAIN(bdf) & 0xffff,
		      RF_BDF_BUS(bdf), RF_BDF_DEVFN(bdf) >> 3, RF_BDF_DEVFN(bdf) & 7);
	return words;
}

std::vector<std::uint32_t> parse_bdfs(std::string_view list)
{
	std::vector<std::uint32_t> bdfs;

	for (std::size_t from = 0; from <= list.size();) {
		const std::size_t comma = std::min(list.find(',', from), list.size());
		const std::uint32_t bdf = parse_bdf(list.substr(from, comma - from));
		if (std::find(bdfs.begin(), bdfs.end(), bdf) != bdfs.end())
			throw Error(Code::bad_value,
				    text("PCI function ", format_bdf(bdf), " is named twice in '",
					 list, "': name each function once"));
		bdfs.push_back(bdf);
		from = comma + 1;
	}
	if (bdfs.size() > RF_FUNCTIONS_MAX)
		throw Error(Code::bad_value,
			    text(bdfs.size(), " PCI functions were asked for: a subOS has at most ",
				 RF_FUNCTIONS_MAX));
	return bdfs;
}

std::string format_bdfs(const std::vector<std::uint32_t> &bdfs, const char *separator)
{
	std::string list;

	for (const std::uint32_t bdf : bdfs)
		list += text(list.empty() ? "" : separator, format_bdf(bdf));
	return list;
}

Json bdfs_json(const std::vector<std::uint32_t> &bdfs)
{
	Json list = Json::array();

	for (const std::uint32_t bdf : bdfs)
		list.push_back(format_bdf(bdf));
	return list;
}

} // namespace rf
