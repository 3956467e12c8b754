#include "sandbox/telegram/form.hpp"

#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"
#include "tests/unit/sandbox/requests.hpp"

namespace prewarm::sandbox {
namespace {

using test::part;

class ReadForm : public testing::Test {
protected:
    std::expected<Form, NoForm> read() {
        return prewarm::test::run_to_end(loop, read_form(asked.request, limits));
    }
    std::expected<Form, NoForm> read(std::string content_type, std::string body) {
        asked.add_header("Content-Type", std::move(content_type));
        asked.body.text = std::move(body);
        return read();
    }
    std::expected<Form, NoForm> read_parts(const std::string& parts) {
        return read("multipart/form-data; boundary=X", parts + "--X--\r\n");
    }

    asio::io_context loop;
    test::Asked asked{"POST", "/bot1:x/sendPhoto"};
    FormLimits limits;
};

TEST_F(ReadForm, TakesTheQueryOfARequestWithoutABody) {
    asked.request.query = {{"chat_id", "7"}};
    EXPECT_EQ(read()->text("chat_id"), "7");
}

TEST_F(ReadForm, TakesUrlencodedText) {
    const auto form = read("application/x-www-form-urlencoded", "chat_id=-5&caption=a+b%26");
    EXPECT_EQ(form->number("chat_id"), -5);
    EXPECT_EQ(form->text("caption"), "a b&");
}

TEST_F(ReadForm, TakesJsonWithValuesOfAnyType) {
    const auto form = read("application/json; charset=utf-8",
                           R"({"chat_id": -1001234567890, "protect_content": true, "none": null,
                              "media": ["a", 1], "caption": "\u00e4"})");
    EXPECT_EQ(form->number("chat_id"), -1001234567890);
    EXPECT_TRUE(form->flag("protect_content"));
    EXPECT_EQ(form->text("none"), "");
    EXPECT_EQ(form->text("media"), R"(["a",1])");
    EXPECT_EQ(form->text("caption"), "\xC3\xA4");
}

TEST_F(ReadForm, RefusesJsonThatIsNoObject) {
    EXPECT_EQ(read("application/json", "[1]").error().status, 400U);
}

TEST_F(ReadForm, RefusesBrokenUrlencodedText) {
    EXPECT_EQ(read("application/x-www-form-urlencoded", "a=%").error().status, 400U);
}

TEST_F(ReadForm, TellsFilesFromTexts) {
    const auto form = read_parts(part("photo", "JPEG", "a.jpg") + part("chat_id", "7"));
    EXPECT_EQ(form->text("chat_id"), "7");
    EXPECT_EQ(form->file("chat_id"), nullptr);
    ASSERT_NE(form->file("photo"), nullptr);
    EXPECT_EQ(form->file("photo")->file_name, "a.jpg");
    EXPECT_EQ(form->file("photo")->bytes, 4U);
    EXPECT_EQ(form->file("photo")->sha256, sha256_of("JPEG"));
    EXPECT_EQ(form->text("photo"), "");
}

TEST_F(ReadForm, HashesEachFileByItself) {
    const auto form = read_parts(part("a", "one", "1") + part("b", "two", "2"));
    EXPECT_EQ(form->file("a")->sha256, sha256_of("one"));
    EXPECT_EQ(form->file("b")->sha256, sha256_of("two"));
}

TEST_F(ReadForm, SaysThatTheClientHungUp) {
    asked.body.breaks_off = true;
    const auto form = read_parts(part("photo", "JPEG", "a.jpg"));
    EXPECT_TRUE(form.error().aborted);
}

TEST_F(ReadForm, RefusesAMultipartBodyThatEndsEarly) {
    const auto form =
        read("multipart/form-data; boundary=X", part("photo", "JPEG", "a.jpg") + "--X");
    EXPECT_EQ(form.error().status, 400U);
    EXPECT_FALSE(form.error().aborted);
}

TEST_F(ReadForm, RefusesAMultipartBodyWithoutABoundary) {
    EXPECT_EQ(read("multipart/form-data", part("a", "b")).error().status, 400U);
}

TEST_F(ReadForm, RefusesABodyOverTheLimit) {
    limits.body_bytes = 100;
    const auto form = read_parts(part("photo", std::string(200, 'x'), "a.jpg"));
    EXPECT_EQ(form.error().status, 413U);
}

TEST_F(ReadForm, RefusesMoreTextThanTelegramReads) {
    asked.body.piece_bytes = 64 * 1024;
    const auto form = read_parts(part("photo", std::string(1024 * 1024 + 1, 'x')));
    EXPECT_EQ(form.error().status, 413U);
}

TEST_F(ReadForm, RefusesMoreFilesThanTelegramReads) {
    std::string parts;
    for (int i = 0; i < 51; ++i)
        parts += part("file" + std::to_string(i), "x", "x");
    EXPECT_EQ(read_parts(parts).error().status, 413U);
}

TEST(Form, ReadsFlagsAsTelegramDoes) {
    const Form form{.parameters = {{"a", "true"}, {"b", "YES"}, {"c", "1"}, {"d", "on"}},
                    .files = {}};
    EXPECT_TRUE(form.flag("a") && form.flag("b") && form.flag("c"));
    EXPECT_FALSE(form.flag("d") || form.flag("e"));
}

TEST(Form, TakesTheFirstOfParametersOfOneName) {
    const Form form{.parameters = {{"a", "1"}, {"a", "2"}}, .files = {}};
    EXPECT_EQ(form.text("a"), "1");
}

TEST(Form, HasNoNumberWhereThereIsMoreThanDigits) {
    const Form form{.parameters = {{"a", "1x"}, {"b", ""}, {"c", "99999999999999999999"}},
                    .files = {}};
    EXPECT_FALSE(form.number("a") || form.number("b") || form.number("c") || form.number("d"));
}

}  // namespace
}  // namespace prewarm::sandbox
