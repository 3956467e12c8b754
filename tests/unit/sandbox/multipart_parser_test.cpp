#include "sandbox/telegram/multipart_parser.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::sandbox {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Part {
    std::string name;
    std::optional<std::string> file_name;
    std::string content;
    bool ended = false;

    bool operator==(const Part&) const = default;
};

void PrintTo(const Part& part, std::ostream* out) {
    *out << part.name << " (" << part.file_name.value_or("no file") << "): " << part.content
         << (part.ended ? "" : "...");
}

class Parts final : public MultipartSink {
public:
    void begin_part(PartHeader header) override {
        parts.push_back({header.name, header.file_name, {}});
    }
    void part_bytes(std::string_view bytes) override { parts.back().content += bytes; }
    void end_part() override { parts.back().ended = true; }

    std::vector<Part> parts;
};

struct Parsed {
    std::vector<Part> parts;
    bool complete = false;
};

Parsed parse(const std::vector<std::string_view>& pieces) {
    Parts sink;
    MultipartParser parser{"xyz", sink};
    for (const auto piece : pieces) {
        if (!parser.feed(piece)) return {sink.parts, false};
    }
    return {sink.parts, parser.finish().has_value()};
}

const std::string body =
    "--xyz\r\n"
    "Content-Disposition: form-data; name=\"chat_id\"\r\n"
    "\r\n"
    "-1001\r\n"
    "--xyz\r\n"
    "Content-Type: image/jpeg\r\n"
    "content-disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n"
    "\r\n"
    "\r\n--xy\r\r\n-\r\n--xyy\n\r\n"  // Everything that looks like a delimiter and is none.
    "\r\n"
    "--xyz\r\n"
    "Content-Disposition: form-data; name=\"empty\"; filename=\"\"\r\n"
    "\r\n"
    "\r\n"
    "--xyz--\r\n";

const auto is_the_body = ElementsAre(Part{"chat_id", std::nullopt, "-1001", true},
                                     Part{"photo", "a.jpg", "\r\n--xy\r\r\n-\r\n--xyy\n\r\n", true},
                                     Part{"empty", "", "", true});

TEST(MultipartParser, ReadsAWholeBody) {
    const auto parsed = parse({body});
    EXPECT_TRUE(parsed.complete);
    EXPECT_THAT(parsed.parts, is_the_body);
}

TEST(MultipartParser, ReadsABodyCutAnywhereInTwo) {
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
        const std::string_view whole{body};
        const auto parsed = parse({whole.substr(0, cut), whole.substr(cut)});
        ASSERT_TRUE(parsed.complete) << "cut at " << cut;
        ASSERT_THAT(parsed.parts, is_the_body) << "cut at " << cut;
    }
}

TEST(MultipartParser, ReadsABodyCutAnywhereInThree) {
    const std::string_view whole{body};
    for (std::size_t first = 0; first <= body.size(); ++first) {
        for (std::size_t second = first; second <= body.size(); ++second) {
            const auto parsed = parse({whole.substr(0, first), whole.substr(first, second - first),
                                       whole.substr(second)});
            ASSERT_TRUE(parsed.complete) << "cut at " << first << " and " << second;
            ASSERT_THAT(parsed.parts, is_the_body) << "cut at " << first << " and " << second;
        }
    }
}

TEST(MultipartParser, ReadsABodyByteByByte) {
    std::vector<std::string_view> bytes;
    for (const auto& byte : body)
        bytes.emplace_back(&byte, 1);
    const auto parsed = parse(bytes);
    EXPECT_TRUE(parsed.complete);
    EXPECT_THAT(parsed.parts, is_the_body);
}

TEST(MultipartParser, TakesABodyCutShortForIncompleteWhereverItIs) {
    // Without its last CR LF it is complete.
    for (std::size_t size = 0; size < body.size() - 2; ++size)
        ASSERT_FALSE(parse({std::string_view{body}.substr(0, size)}).complete) << size;
}

TEST(MultipartParser, LeavesAPartUnendedThatWasCutShort) {
    const auto cut = body.find("--xyz--") + 3;
    const auto parsed = parse({std::string_view{body}.substr(0, cut)});
    ASSERT_EQ(parsed.parts.size(), 3U);
    EXPECT_FALSE(parsed.parts.back().ended);
}

TEST(MultipartParser, IgnoresWhatSurroundsTheParts) {
    const auto parsed =
        parse({"preamble --xyz is not a boundary\r\n" + body + "--xyz\r\nepilogue"});
    EXPECT_TRUE(parsed.complete);
    EXPECT_THAT(parsed.parts, is_the_body);
}

TEST(MultipartParser, RefusesABodyWithNothingButItsClosingBoundary) {
    const auto parsed = parse({"--xyz--\r\n"});
    EXPECT_FALSE(parsed.complete);
    EXPECT_THAT(parsed.parts, IsEmpty());
}

TEST(MultipartParser, RefusesABoundaryThatIsTheBeginningOfALongerOne) {
    EXPECT_FALSE(parse({"--xyz1\r\n"
                        "Content-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--xyz1--\r\n"})
                     .complete);
}

TEST(MultipartParser, RefusesAPartWithoutAName) {
    EXPECT_FALSE(parse({"--xyz\r\nContent-Type: text/plain\r\n\r\nb\r\n--xyz--\r\n"}).complete);
    EXPECT_FALSE(parse({"--xyz\r\n\r\nb\r\n--xyz--\r\n"}).complete);
    EXPECT_FALSE(
        parse({"--xyz\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nb\r\n--xyz--\r\n"})
            .complete);
}

TEST(MultipartParser, RefusesAnEndlessHeader) {
    const std::string endless(100'000, 'a');
    EXPECT_FALSE(parse({"--xyz\r\n", endless}).complete);
}

TEST(MultipartParser, HandsLargeContentOnAsItComes) {
    Parts sink;
    MultipartParser parser{"xyz", sink};
    ASSERT_TRUE(parser.feed("--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"));
    ASSERT_TRUE(parser.feed("0123456789"));
    EXPECT_EQ(sink.parts.at(0).content, "0123456789");
}

}  // namespace
}  // namespace prewarm::sandbox
