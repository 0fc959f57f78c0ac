// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <clocale>

namespace rf {

// While it lives, libraries take letters for UTF-8 in this thread, whatever the operator's locale
// is. Other programs' words are parsed in the one that it was.
class Utf8Locale {
public:
	Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr))
	{
		if (locale_)
			before_ = ::uselocale(locale_);
	}
	~Utf8Locale()
	{
		if (!locale_)
			return;
		::uselocale(before_);
		::freelocale(locale_);
	}
	Utf8Locale(const Utf8Locale &) = delete;
	Utf8Locale &operator=(const Utf8Locale &) = delete;

private:
	locale_t locale_, before_{};
};

} // namespace rf
