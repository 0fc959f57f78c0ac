// SPDX-License-Identifier: GPL-2.0
#include "wire/arena.h"

#include <gtest/gtest.h>

namespace {

bool parses(__u64 word)
{
	__u32 vector, apic_id;

	return rf_doorbell_parse(word, &vector, &apic_id);
}

TEST(Doorbell, SaysWhatWasPutIn)
{
	for (const __u32 vector : {RF_DOORBELL_VECTOR_MIN, RF_DOORBELL_VECTOR_MAX})
		for (const __u32 apic_id : {0u, 255u, 0xffffffffu}) {
			__u32 vector_read, apic_id_read;

			EXPECT_TRUE(rf_doorbell_parse(rf_doorbell_word(vector, apic_id), &vector_read,
						      &apic_id_read));
			EXPECT_EQ(vector_read, vector);
			EXPECT_EQ(apic_id_read, apic_id);
		}
}

TEST(Doorbell, IsNotRungByAWordThatIsNone)
{
	EXPECT_FALSE(parses(0));
	EXPECT_FALSE(parses(~0ull));
	EXPECT_FALSE(parses(rf_doorbell_word(RF_DOORBELL_VECTOR_MIN - 1, 1)));
	EXPECT_FALSE(parses(rf_doorbell_word(RF_DOORBELL_VECTOR_MAX + 1, 1)));
	EXPECT_FALSE(parses(rf_doorbell_word(RF_DOORBELL_VECTOR_NOT, 1)));
}

TEST(Doorbell, IsNotRungByAWordWithAWrongBit)
{
	const __u64 word = rf_doorbell_word(0x41, 3);

	EXPECT_TRUE(parses(word));
	for (int bit = 0; bit < 64; bit++)
		EXPECT_FALSE(parses(word ^ 1ull << bit)) << bit;
}

} // namespace
