#include "sandbox/telegram/multipart_header.hpp"

#include <gtest/gtest.h>

namespace prewarm::sandbox {
namespace {

std::optional<PartHeader> header_of(const std::string& disposition) {
    return part_header_of("Content-Disposition: " + disposition + "\r\n");
}

TEST(PartHeader, HasANameInQuotesOrWithout) {
    EXPECT_EQ(header_of("form-data; name=\"a b\"")->name, "a b");
    EXPECT_EQ(header_of("form-data; name=ab")->name, "ab");
    EXPECT_EQ(header_of("form-data; filename=x.jpg ; name= ab ")->name, "ab");
}

TEST(PartHeader, IsAFileIfAndOnlyIfItHasAFileName) {
    EXPECT_EQ(header_of("form-data; name=a")->file_name, std::nullopt);
    EXPECT_EQ(header_of("form-data; name=a; filename=\"\"")->file_name, "");
    EXPECT_EQ(header_of("form-data; name=a; FileName=\"b;c=d.jpg\"")->file_name, "b;c=d.jpg");
}

TEST(PartHeader, IgnoresTheExtendedFileName) {
    EXPECT_EQ(header_of("form-data; name=a; filename*=UTF-8''b.jpg")->file_name, std::nullopt);
}

TEST(PartHeader, DecodesPercentSignsButNoPlus) {
    EXPECT_EQ(header_of("form-data; name=a; filename=\"a+b%22%C3%A4%zz%2\"")->file_name,
              "a+b\"\xC3\xA4%zz%2");
}

TEST(PartHeader, TakesBackslashesForWhatTheyAre) {
    EXPECT_EQ(header_of(R"(form-data; name=a; filename="a\"b\\c\d")")->file_name, R"(a"b\c\d)");
}

TEST(PartHeader, SurvivesWhatIsNoHeader) {
    for (const auto* const text : {"form-data", "form-data;", "form-data; name", "form-data; name=",
                                   "form-data; name=\"", "form-data;;=;", "attachment; name=a", ""})
        EXPECT_FALSE(header_of(text)) << text;
    EXPECT_FALSE(part_header_of("no colon\r\n"));
    EXPECT_FALSE(part_header_of(""));
}

TEST(PartHeader, TakesAnUnclosedQuoteToTheEnd) {
    EXPECT_EQ(header_of("form-data; name=\"abc")->name, "abc");
}

TEST(Boundary, IsFoundInQuotesAndBesideOtherParameters) {
    EXPECT_EQ(boundary_of("multipart/form-data; boundary=abc"), "abc");
    EXPECT_EQ(boundary_of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\""), "a b");
}

TEST(Boundary, IsNoneOfAnotherTypeOrLength) {
    EXPECT_FALSE(boundary_of("multipart/mixed; boundary=abc"));
    EXPECT_FALSE(boundary_of("multipart/form-data"));
    EXPECT_FALSE(boundary_of("multipart/form-data; boundary="));
    EXPECT_FALSE(boundary_of("multipart/form-data; boundary=" + std::string(71, 'a')));
    EXPECT_TRUE(boundary_of("multipart/form-data; boundary=" + std::string(70, 'a')));
    EXPECT_FALSE(boundary_of(""));
}

TEST(MediaType, IsWhatStandsBeforeTheParameters) {
    EXPECT_EQ(media_type_of("Text/HTML ; charset=utf-8"), "text/html");
    EXPECT_EQ(media_type_of(""), "");
}

}  // namespace
}  // namespace prewarm::sandbox
