#include "common/http/body_source.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace prewarm::http {
namespace {

class BodySourceTest : public testing::Test, protected BodySource::Owner {
protected:
    void on_given() override { ++given; }
    void on_rewound() override { ++rewound; }
    void on_dry() override { ++dry; }
    void on_data() override { ++data; }

    static std::string read(BodySource& source, std::size_t most) {
        std::string text(most, '\0');
        const auto got = BodySource::on_read(text.data(), 1, most, &source);
        if (got > most) return got == CURL_READFUNC_PAUSE ? "pause" : "abort";
        text.resize(got);
        return text;
    }

    int given = 0;
    int rewound = 0;
    int dry = 0;
    int data = 0;
    BytePipe pipe{64};
};

TEST_F(BodySourceTest, GivesTextAndCanGiveItAgain) {
    BodySource source{std::string{"abcdef"}, *this};
    EXPECT_EQ(read(source, 4), "abcd");
    EXPECT_FALSE(source.is_spent());
    EXPECT_EQ(read(source, 4), "ef");
    EXPECT_TRUE(source.is_spent());
    EXPECT_EQ(read(source, 4), "");
    EXPECT_EQ(BodySource::on_seek(&source, 0, SEEK_SET), CURL_SEEKFUNC_OK);
    EXPECT_FALSE(source.is_spent());
    EXPECT_EQ(read(source, 9), "abcdef");
    EXPECT_EQ(given, 3);
    EXPECT_EQ(rewound, 1);
}

TEST_F(BodySourceTest, GivesAFileAndCanGiveItAgain) {
    BodySource source{FileBytes{std::make_shared<std::istringstream>("abcdef"), 6}, *this};
    EXPECT_EQ(read(source, 9), "abcdef");
    EXPECT_EQ(read(source, 9), "");
    EXPECT_EQ(BodySource::on_seek(&source, 0, SEEK_SET), CURL_SEEKFUNC_OK);
    EXPECT_EQ(read(source, 9), "abcdef");
}

TEST_F(BodySourceTest, BreaksOffWhenAFileHasBecomeShorter) {
    BodySource source{FileBytes{std::make_shared<std::istringstream>("abc"), 6}, *this};
    EXPECT_EQ(read(source, 9), "abc");
    EXPECT_EQ(read(source, 9), "abort");
}

TEST_F(BodySourceTest, PausesUntilThePipeHasSomething) {
    BodySource source{PipedBytes{&pipe, 4}, *this};
    EXPECT_EQ(read(source, 9), "pause");
    EXPECT_EQ(dry, 1);
    EXPECT_EQ(data, 0);
    pipe.write(std::string_view{"ab"});
    EXPECT_EQ(data, 1);
    EXPECT_EQ(read(source, 9), "ab");
}

TEST_F(BodySourceTest, BreaksOffWhenThePipeEndsShort) {
    BodySource source{PipedBytes{&pipe, 4}, *this};
    pipe.write(std::string_view{"abc"});
    pipe.close();
    EXPECT_EQ(read(source, 9), "abc");
    EXPECT_EQ(read(source, 9), "abort");
}

TEST_F(BodySourceTest, BreaksOffWithThePipe) {
    BodySource source{PipedBytes{&pipe, 4}, *this};
    EXPECT_EQ(read(source, 9), "pause");
    pipe.break_off();
    EXPECT_EQ(data, 1);
    EXPECT_EQ(read(source, 9), "abort");
}

TEST_F(BodySourceTest, NeverGivesMoreThanWasPromised) {
    BodySource source{PipedBytes{&pipe, 4}, *this};
    pipe.write(std::string_view{"abcdef"});
    EXPECT_EQ(read(source, 9), "abcd");
    EXPECT_EQ(read(source, 9), "");
}

TEST_F(BodySourceTest, CannotGiveAgainWhatAPipeHasGiven) {
    BodySource source{PipedBytes{&pipe, 4}, *this};
    pipe.write(std::string_view{"abcd"});
    EXPECT_EQ(BodySource::on_seek(&source, 0, SEEK_SET), CURL_SEEKFUNC_OK);
    EXPECT_EQ(read(source, 2), "ab");
    EXPECT_EQ(BodySource::on_seek(&source, 0, SEEK_SET), CURL_SEEKFUNC_FAIL);
}

TEST_F(BodySourceTest, LeavesThePipeAloneWhenItIsGone) {
    {
        BodySource source{PipedBytes{&pipe, 4}, *this};
        EXPECT_EQ(read(source, 9), "pause");
    }
    pipe.write(std::string_view{"ab"});
    EXPECT_EQ(data, 0);
}

}  // namespace
}  // namespace prewarm::http
