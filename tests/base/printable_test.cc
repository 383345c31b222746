#include "base/printable.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

TEST(Printable, HidesNothingAndObeysNothing) {
  EXPECT_EQ(Printable("a\tb\nc"), "a\tb\nc");
  EXPECT_EQ(Printable("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(Printable("\xc2\x9bx"), "\\x9bx");
  EXPECT_EQ(Printable("gr\xc3\xbc\xc3\x9f"
                      "e \xff\xc3"),
            "gr\xc3\xbc\xc3\x9f"
            "e ??");
}

TEST(Printable, IsValidUtf8InOneDirection) {
  EXPECT_EQ(Printable("\xe0\x80\x8a"), "???") << "a newline in three bytes";
  EXPECT_EQ(Printable("\xed\xa0\x80"), "???") << "half of a surrogate pair";
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "????") << "beyond the last character";
  EXPECT_EQ(Printable("\xf0\x9f\x9a\x80"), "\xf0\x9f\x9a\x80");
  EXPECT_EQ(Printable("a\xe2\x80\xae"
                      "b\xe2\x80\xa8"
                      "c"),
            "a\\u202eb\\u2028c");
}

TEST(Printable, InvalidBytesAreReplacedAndNothingElse) {
  EXPECT_EQ(ValidUtf8("a\x1b\xc3\xbc\xf0\x9f\x9a\x80"), "a\x1b\xc3\xbc\xf0\x9f\x9a\x80");
  EXPECT_EQ(ValidUtf8("a\xff\xc3"), "a\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(ValidUtf8(""), "");
}

}  // namespace
}  // namespace kopt
