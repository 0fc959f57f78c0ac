// SPDX-License-Identifier: GPL-2.0
#include "view/map_svg.hpp"

#include "base/pci_address.hpp"
#include "base/sizes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>

namespace rf {

namespace {

constexpr int width = 1120, margin = 24, inside = width - 2 * margin - 2 * 16;
constexpr int bar_height = 36, chip_width = 196, chip_height = 24, gap = 6;
constexpr const char *ink = "#1a1a1a", *paper = "#ffffff", *soft = "#5c5c5c";

// Okabe and Ito's palette, which people see apart however they see colours. Where there are more
// subOSes, stripes and then dots tell those of one colour apart.
struct Colour {
	const char *fill;
	const char *text;
};
constexpr std::array palette{Colour{"#e69f00", ink},   Colour{"#56b4e9", ink},
			     Colour{"#009e73", ink},   Colour{"#f0e442", ink},
			     Colour{"#0072b2", paper}, Colour{"#d55e00", ink},
			     Colour{"#cc79a7", ink}};
constexpr std::array patterns{"", "stripes", "dots"};

Colour colour_of(int owner)
{
	if (owner == MachineMap::supervisor)
		return {"#d4d4d4", ink};
	if (owner == MachineMap::nobody)
		return {paper, soft};
	return palette[static_cast<std::size_t>(owner - 1) % palette.size()];
}

const char *pattern_of(int owner)
{
	if (owner <= MachineMap::supervisor)
		return "";
	return patterns[static_cast<std::size_t>(owner - 1) / palette.size() % patterns.size()];
}

// A rectangle in its owner's colour.
std::string box(double x, double y, double w, double h, int owner)
{
	const auto rectangle = [&](const std::string &fill, const char *stroke) {
		return text("<rect x=\"", x, "\" y=\"", y, "\" width=\"", w, "\" height=\"", h,
			    "\" rx=\"3\" fill=\"", fill, "\" stroke=\"", stroke, "\"/>");
	};
	const std::string pattern = pattern_of(owner);
	std::string drawn = rectangle(colour_of(owner).fill, soft);

	if (!pattern.empty())
		drawn += rectangle("url(#" + pattern + ")", "none");
	return drawn;
}

struct Font {
	double size = 13;
	const char *colour = ink;
	const char *anchor = "start";
	bool bold = false;
};

std::string words_at(double x, double y, const std::string &words, const Font &font = {})
{
	return text("<text x=\"", x, "\" y=\"", y, "\" font-size=\"", font.size, "\" fill=\"",
		    font.colour, "\" text-anchor=\"", font.anchor, "\"",
		    font.bold ? " font-weight=\"bold\"" : "", ">", xml_text(words), "</text>");
}

std::string titled(const std::string &title, const std::string &drawn)
{
	return text("<g><title>", xml_text(title), "</title>", drawn, "</g>\n");
}

double width_of(const std::string &words, double size)
{
	return static_cast<double>(words.size()) * size * 0.6;
}

std::string owner_text(const MachineMap &map, int owner)
{
	if (owner == MachineMap::supervisor)
		return "the supervisor's";
	if (owner == MachineMap::nobody)
		return "nobody's";
	return "subOS " + map.name_of(owner);
}

// Draws downwards; `y` is where the next thing goes.
class Picture {
public:
	explicit Picture(const MachineMap &map) : map_(map)
	{
		const std::size_t cores = map.cores.size();
		cell_ = cores <= 16 ? 56 : cores <= 64 ? 40 : 28;
	}
	std::string draw()
	{
		body_ += words_at(margin, y_ + 24, "rainforest", {24, ink, "start", true});
		body_ += words_at(margin, y_ + 46, headline(map_), {14, soft}) + "\n";
		y_ += 62;
		legend();
		for (const int node : map_.nodes())
			card(node);
		return head() + body_ + "</svg>\n";
	}

private:
	std::string head() const
	{
		const double height = y_ + margin;

		return text("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width,
			    "\" height=\"", height, "\" viewBox=\"0 0 ", width, " ", height,
			    "\" font-family=\"DejaVu Sans, Verdana, sans-serif\" role=\"img\">\n"
			    "<title>Who owns what of this machine</title>\n<desc>",
			    xml_text(headline(map_)), "</desc>\n<defs>",
			    "<pattern id=\"stripes\" width=\"8\" height=\"8\" "
			    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
			    "<rect width=\"2\" height=\"8\" fill=\"#ffffff\"/></pattern>"
			    "<pattern id=\"dots\" width=\"8\" height=\"8\" "
			    "patternUnits=\"userSpaceOnUse\">"
			    "<circle cx=\"4\" cy=\"4\" r=\"1.6\" fill=\"#ffffff\"/></pattern></defs>\n"
			    "<rect width=\"100%\" height=\"100%\" fill=\"", paper, "\"/>\n");
	}

	void legend()
	{
		double x = margin;
		const auto add = [&](int owner, const std::string &words) {
			const double size = 40 + width_of(words, 13);
			if (x > margin && x + size > width - margin) {
				x = margin;
				y_ += 26;
			}
			body_ += box(x, y_, 18, 18, owner) +
				 mark(x + 9, y_ + 13, owner, 11) +
				 words_at(x + 26, y_ + 14, words) + "\n";
			x += size;
		};
		for (std::size_t i = 0; i < map_.owners.size(); i++)
			add(static_cast<int>(i), legend_text(static_cast<int>(i)));
		if (map_.memory_of(MachineMap::nobody) || map_.cores_of(MachineMap::nobody))
			add(MachineMap::nobody,
			    text("nobody: ", format_size(map_.pool_free), " free, ",
				 format_size(map_.pool_shared), " shared by all kernels"));
		y_ += 40;
	}
	std::string legend_text(int owner) const
	{
		const std::string &state = map_.owners[static_cast<std::size_t>(owner)].state;
		const unsigned cores = map_.cores_of(owner), functions = map_.functions_of(owner);

		return text(map_.name_of(owner), state.empty() || state == "running" ? "" : " (",
			    state == "running" ? "" : state,
			    state.empty() || state == "running" ? "" : ")", ": ", cores,
			    cores == 1 ? " core, " : " cores, ", format_size(map_.memory_of(owner)),
			    functions ? text(", ", functions, " PCI") : std::string());
	}

	// The letter that tells who it is without the colour.
	static std::string mark(double x, double y, int owner, double size)
	{
		if (owner <= MachineMap::supervisor)
			return "";
		return words_at(x, y, std::string(1, MachineMap::mark_of(owner)),
				{size, colour_of(owner).text, "middle", true});
	}

	void card(int node)
	{
		const double top = y_;
		const std::size_t at = body_.size();

		y_ += 14;
		body_ += words_at(margin + 16, y_ + 14,
				  node < 0 ? "On no node" : text("Node ", node),
				  {16, ink, "start", true}) +
			 "\n";
		y_ += 30;
		cores(node);
		memory(node);
		functions(node);
		y_ += 6;
		body_.insert(at, text("<rect x=\"", margin, "\" y=\"", top, "\" width=\"",
				      width - 2 * margin, "\" height=\"", y_ - top,
				      "\" rx=\"8\" fill=\"#fafafa\" stroke=\"#c8c8c8\"/>\n"));
		y_ += 16;
	}

	void cores(int node)
	{
		double x = margin + 16;
		bool any = false;

		for (std::size_t i = 0; i < map_.cores.size();) {
			std::size_t end = i;
			std::vector<MachineMap::Core> group;
			for (; end < map_.cores.size() && map_.cores[end].group == map_.cores[i].group;
			     end++)
				if (map_.cores[end].node == node)
					group.push_back(map_.cores[end]);
			i = end;
			const double size = static_cast<double>(group.size()) * cell_ + 4;
			if (group.empty())
				continue;
			if (any && x + size > margin + 16 + inside) {
				x = margin + 16;
				y_ += cell_ + 4 + gap;
			}
			any = true;
			// Siblings in one frame.
			body_ += text("<rect x=\"", x, "\" y=\"", y_, "\" width=\"", size,
				      "\" height=\"", cell_ + 4,
				      "\" rx=\"5\" fill=\"none\" stroke=\"#8a8a8a\"/>\n");
			for (std::size_t at = 0; at < group.size(); at++)
				core(x + 2 + static_cast<double>(at) * cell_, group[at]);
			x += size + gap;
		}
		y_ += any ? cell_ + 4 + 14 : 0;
	}
	void core(double x, const MachineMap::Core &core)
	{
		const bool idle = core.owner == MachineMap::supervisor && !core.online;
		const double size = cell_ - 2, middle = x + cell_ / 2.0;
		const Font font{cell_ > 30 ? 13.0 : 9.5, colour_of(core.owner).text, "middle"};

		body_ += titled(text("core ", core.cpu, ", APIC id ", core.apic_id, ": ",
				     owner_text(map_, core.owner), idle ? ", offline" : ""),
				text(box(x + 1, y_ + 3, size, size,
					 idle ? MachineMap::nobody : core.owner),
				     words_at(middle, y_ + cell_ * 0.48, std::to_string(core.cpu), font),
				     mark(middle, y_ + cell_ * 0.86, core.owner, font.size)));
	}

	void memory(int node)
	{
		std::vector<MachineMap::Memory> pieces;
		double size = 0, x = margin + 16;

		for (const MachineMap::Memory &piece : map_.memory)
			if (piece.node == node && piece.size) {
				pieces.push_back(piece);
				size += static_cast<double>(piece.size);
			}
		if (pieces.empty())
			return;
		// What is too small to be seen gets a little; all others give it.
		constexpr double least = 3;
		const auto wide = [&](const MachineMap::Memory &piece) {
			const double spare =
				std::max(0.0, inside - least * static_cast<double>(pieces.size()));
			return std::min(least, inside / static_cast<double>(pieces.size())) +
			       spare * static_cast<double>(piece.size) / size;
		};
		for (const MachineMap::Memory &piece : pieces) {
			memory_piece(x, wide(piece), piece);
			x += wide(piece);
		}
		y_ += bar_height + 14;
	}
	void memory_piece(double x, double w, const MachineMap::Memory &piece)
	{
		const std::string amount = format_size(piece.size);
		const std::string words = map_.name_of(piece.owner) + " " + amount;
		const Font font{12, colour_of(piece.owner).text, "middle"};
		const std::string place =
			piece.start ? text("at 0x", std::hex, *piece.start) : "where, root is told";
		std::string drawn = box(x, y_, w, bar_height, piece.owner);

		if (w > width_of(words, font.size) + 8)
			drawn += words_at(x + w / 2, y_ + 23, words, font);
		else if (w > 14)
			drawn += mark(x + w / 2, y_ + 23, piece.owner, font.size);
		body_ += titled(text(amount, " of memory ", place, ": ",
				     owner_text(map_, piece.owner)),
				drawn);
	}

	void functions(int node)
	{
		double x = margin + 16;
		bool any = false;

		for (const MachineMap::Function &function : map_.functions) {
			if (function.node != node || function.bridge)
				continue;
			if (any && x + chip_width > margin + 16 + inside) {
				x = margin + 16;
				y_ += chip_height + gap;
			}
			any = true;
			chip(x, function);
			x += chip_width + gap;
		}
		y_ += any ? chip_height + 14 : 0;
	}
	void chip(double x, const MachineMap::Function &function)
	{
		const std::string bdf = format_bdf(function.bdf);
		const Font font{12, colour_of(function.owner).text};
		const char letter = MachineMap::mark_of(function.owner);
		const std::string words = text(bdf, " ", function.driver).substr(0, 24);

		body_ += titled(text("PCI function ", bdf, ", ", function.what, ": ",
				     owner_text(map_, function.owner)),
				text(box(x, y_, chip_width, chip_height, function.owner),
				     words_at(x + 24, y_ + 16, words, font),
				     function.owner > MachineMap::supervisor
					     ? words_at(x + 8, y_ + 16, std::string(1, letter),
							{12, font.colour, "start", true})
					     : std::string()));
	}

	const MachineMap &map_;
	double y_ = margin;
	double cell_;
	std::string body_;
};

} // namespace

std::string xml_text(const std::string &words)
{
	std::string safe;

	for (const char letter : words) {
		const unsigned char byte = static_cast<unsigned char>(letter);
		switch (letter) {
		case '&': safe += "&amp;"; break;
		case '<': safe += "&lt;"; break;
		case '>': safe += "&gt;"; break;
		case '"': safe += "&quot;"; break;
		default: safe += byte < 0x20 || byte >= 0x7f ? '?' : letter;
		}
	}
	return safe;
}

std::string to_svg(const MachineMap &map)
{
	return Picture(map).draw();
}

} // namespace rf
