// SPDX-License-Identifier: GPL-2.0
#include "client/problem.hpp"

#include <gtest/gtest.h>

#include <set>

namespace rf {
namespace {

constexpr std::uint32_t disk = RF_BDF(0, 1, 0), twin = RF_BDF(0, 1, 1), card = RF_BDF(0, 2, 0),
			bridge = RF_BDF(0, 0, 8);

// A disk of two functions that are reset together, a card, and a bridge.
Inventory inventory()
{
	Inventory inventory;

	inventory.functions = {
		{.bdf = bridge, .problem = RF_PROBLEM_BRIDGE, .group = bridge},
		{.bdf = disk, .group = disk, .reset = RF_RESET_BUS, .iommu = 1},
		{.bdf = twin, .group = disk, .reset = RF_RESET_BUS, .iommu = 1},
		{.bdf = card, .group = card, .reset = RF_RESET_FUNCTION},
	};
	inventory.owners = {{3, "db"}};
	return inventory;
}

rf_function_info &at(Inventory &inventory, std::uint32_t bdf)
{
	return const_cast<rf_function_info &>(*inventory.find(bdf));
}

// The problem's word, "" if there is none.
std::string refusal(const Inventory &inventory, const std::vector<std::uint32_t> &wanted,
		    std::uint32_t flags = 0, std::uint32_t receiver = 0)
{
	try {
		check_functions(inventory, wanted, flags, receiver);
	} catch (const Error &error) {
		return error.details()["problem"];
	}
	return "";
}

TEST(Problem, EachHasAWordAndASentenceOfItsOwn)
{
	std::set<std::string> words, sentences;

	for (std::uint32_t problem = RF_PROBLEM_ABSENT; problem <= RF_PROBLEM_ATS; problem++) {
		const Error error = problem_error(card, problem, inventory());
		const std::string sentence = error.what();
		EXPECT_TRUE(words.insert(problem_word(problem)).second) << problem;
		EXPECT_TRUE(sentences.insert(sentence).second) << problem;
		EXPECT_TRUE(sentence.starts_with("PCI function 0000:02:00.0 ")) << sentence;
		EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
		EXPECT_EQ(error.details()["function"], "0000:02:00.0");
		EXPECT_NE(error.code(), Code::internal);
		EXPECT_EQ(is_forceable(problem), problem == RF_PROBLEM_NO_RESET ||
							 problem == RF_PROBLEM_STUCK)
			<< problem;
		EXPECT_EQ(sentence.find("--force") != std::string::npos, is_forceable(problem));
	}
	EXPECT_STREQ(problem_word(RF_PROBLEM_NONE), "");
	EXPECT_STREQ(problem_word(99), "unknown");
}

TEST(Problem, NamesTheRemedy)
{
	Inventory lent = inventory();
	at(lent, card).owner = 3;

	const std::tuple<std::uint32_t, std::uint32_t, const char *> table[] = {
		{card, RF_PROBLEM_REMAPPED, "intremap=off"},
		{card, RF_PROBLEM_ATS, "pci=noats"},
		{card, RF_PROBLEM_VFS, "'rfm pci vf 0000:02:00.0 0'"},
		{disk, RF_PROBLEM_GROUP, "the others are 0000:01:00.1"},
		{card, RF_PROBLEM_LENT, "its owner is 'db'"},
		{card, RF_PROBLEM_NO_IOMMU, "--require-iommu"},
	};
	for (const auto &[bdf, problem, remedy] : table) {
		const std::string sentence = problem_error(bdf, problem, lent).what();
		EXPECT_NE(sentence.find(remedy), std::string::npos) << sentence;
	}
	EXPECT_EQ(problem_error(card, RF_PROBLEM_LENT, lent).code(), Code::busy);
	EXPECT_EQ(problem_error(card, RF_PROBLEM_NO_MSI, lent).code(), Code::bad_value);
}

TEST(Problem, OfWhatIsWanted)
{
	EXPECT_EQ(refusal(inventory(), {}), "");
	EXPECT_EQ(refusal(inventory(), {card}), "");
	EXPECT_EQ(refusal(inventory(), {RF_BDF(0, 9, 0)}), "absent");
	EXPECT_EQ(refusal(inventory(), {bridge}), "bridge");
	EXPECT_EQ(refusal(inventory(), {bridge}, RF_PCI_FORCE), "bridge");

	Inventory lent = inventory();
	at(lent, card).owner = 3;
	at(lent, card).problem = RF_PROBLEM_LENT;
	EXPECT_EQ(refusal(lent, {card}, RF_PCI_FORCE), "lent");
}

TEST(Problem, OfWholeGroups)
{
	EXPECT_EQ(refusal(inventory(), {disk}), "group");
	EXPECT_EQ(refusal(inventory(), {twin, card}), "group");
	EXPECT_EQ(refusal(inventory(), {twin, disk}), "");
	// The rest of it is there already.
	Inventory lent = inventory();
	at(lent, twin).owner = 3;
	EXPECT_EQ(refusal(lent, {disk}, 0, 3), "");
	EXPECT_EQ(refusal(lent, {disk}, 0, 4), "group");
	EXPECT_EQ(refusal(lent, {disk}), "group");
}

TEST(Problem, ThatForceOverrules)
{
	Inventory stuck = inventory();
	at(stuck, card).problem = RF_PROBLEM_STUCK;
	EXPECT_EQ(refusal(stuck, {card}), "stuck");
	EXPECT_EQ(refusal(stuck, {card}, RF_PCI_FORCE), "");
	at(stuck, card).problem = RF_PROBLEM_NO_MSI;
	EXPECT_EQ(refusal(stuck, {card}, RF_PCI_FORCE), "no-msi");
}

TEST(Problem, WithoutAnIommu)
{
	EXPECT_EQ(refusal(inventory(), {disk, twin}, RF_PCI_REQUIRE_IOMMU), "");
	EXPECT_EQ(refusal(inventory(), {card}, RF_PCI_REQUIRE_IOMMU), "no-iommu");
	EXPECT_EQ(not_confined(inventory(), {disk, card}), std::vector<std::uint32_t>{card});
	EXPECT_NE(not_confined_note({card}).find("0000:02:00.0"), std::string::npos);
}

} // namespace
} // namespace rf
