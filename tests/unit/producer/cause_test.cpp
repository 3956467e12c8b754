#include "producer/dead_letters/cause.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

TEST(CauseOf, IsTheSameForLettersOfOneCause) {
    const std::vector<std::pair<std::string, std::string>> same{
        {"transfer: GET media/a/1.jpg: HTTP 404 NoSuchKey: The specified key does not exist.",
         "transfer: GET media/b c/x: y.mp4: HTTP 404 NoSuchKey: The specified key does not exist."},
        {"transfer: GET media/a.jpg: it has 5 bytes, but 6 were announced",
         "transfer: GET media/b.jpg: it has 1234 bytes, but 77 were announced"},
        {"GET m/k: its SHA-256 is 9f86d081884c7d65, but 60303ae22b998861 was announced",
         "GET m/l: its SHA-256 is deadbeef00000000, but 0123456789abcdef was announced"},
        {"no bot `shop` in PREWARM_BOTS_FILE", "no bot `other-1` in PREWARM_BOTS_FILE"},
        {"kind 9 is none of the eight media kinds", "kind 4711 is none of the eight media kinds"},
        {"60000000 bytes are too many for a video: Telegram takes 50000000",
         "70000000 bytes are too many for a video: Telegram takes 50000000"},
        {"not the JSON of a prewarm.v1.MediaUploaded: Unexpected token.\\x0a{\"a\": \\x0a^",
         "not the JSON of a prewarm.v1.MediaUploaded: Unexpected token.\\x0anonsense\\x0a^"},
        {"chat -1001234567890 is gone since 2026-11-21T10:50:12.123Z",
         "chat -5 is gone since 2026-11-22 11:00:00"},
        {"job 123e4567-e89b-12d3-a456-426614174000 took 1.5 s",
         "job 00000000-0000-4000-8000-000000000000 took 12 s"},
        {"id AgACAgIAAxkDAAIBZ2b1-8aJx9Kqz was refused",
         "id BAADBAADfAIAAiZ1eVJ0000xyzw was refused"},
    };
    for (const auto& [one, other] : same)
        EXPECT_EQ(cause_of(one), cause_of(other));
}

TEST(CauseOf, DiffersWhereTheCauseDoes) {
    const std::vector<std::string> details{
        "transfer: GET media/a.jpg: HTTP 404 NoSuchKey",
        "transfer: GET media/a.jpg: HTTP 403 AccessDenied",
        "transfer: GET media/a.jpg: HTTP 403 RequestTimeTooSkewed",
        "transfer: sendPhoto: 400: Bad Request: PHOTO_INVALID_DIMENSIONS",
        "transfer: sendPhoto: 400: Bad Request: IMAGE_PROCESS_FAILED",
        "transfer: sendVideo: 400: Bad Request: IMAGE_PROCESS_FAILED",
        "transfer: sendVideo: 413: Request Entity Too Large",
        "event_id is missing",
        "r2_key is missing",
        "sha256 is 5 bytes long, not 32",
        "r2_key is 1025 bytes long; at most 1024 are allowed",
        "the body is empty",
    };
    for (std::size_t one = 0; one < details.size(); ++one) {
        for (std::size_t other = 0; other < one; ++other)
            EXPECT_NE(cause_of(details[one]), cause_of(details[other]));
    }
}

TEST(CauseOf, CanStillBeRead) {
    EXPECT_EQ(cause_of("transfer: GET media/a.jpg: HTTP 404 NoSuchKey"),
              "transfer: GET <key>: HTTP 404 NoSuchKey");
    EXPECT_EQ(cause_of("transfer: sendPhoto: 400: Bad Request: wrong file"),
              "transfer: sendPhoto: 400: Bad Request: wrong file");
    EXPECT_EQ(cause_of("its SHA-256 is 9f86d081884c7d65"), "its SHA-256 is <id>");
    EXPECT_EQ(cause_of("sha256 is 5 bytes long, not 32"), "sha256 is <n> bytes long, not <n>");
    EXPECT_EQ(cause_of("content-type `text/html` isn't application/json, can't read it"),
              "content-type <text> isn't application/json, can't read it");
    EXPECT_EQ(cause_of("see logs/2026/11.txt."), "see <key>.");
    EXPECT_EQ(cause_of("retry after 31"), "retry after <n>");
}

TEST(CauseOf, TakesAnyText) {
    EXPECT_EQ(cause_of(""), "");
    EXPECT_EQ(cause_of("`"), "`");
    EXPECT_EQ(cause_of("- -"), "- -");
    EXPECT_EQ(cause_of("GET "), "GET ");
    EXPECT_EQ(cause_of("\xff\x01 12"), "\xff\x01 <n>");
    EXPECT_EQ(cause_of("HTTP "), "HTTP ");
    EXPECT_EQ(cause_of("2026-11-21T10:50:12."), "<time>");
}

}  // namespace
}  // namespace prewarm::producer
