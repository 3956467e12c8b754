#include "common/telegram/form.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/telegram/limits.hpp"

namespace prewarm::telegram {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A file's content is followed by its name.
Fields fields(OutgoingMedia media) {
    Fields listed;
    for (const auto& part : form_of(std::move(media))) {
        auto text = std::get<std::string>(part.content);
        if (part.file_name) text += "@" + *part.file_name;
        listed.emplace_back(part.name, text);
    }
    return listed;
}

OutgoingMedia media(MediaKind kind) {
    return {.kind = kind,
            .chat_id = -100123,
            .content = std::string{"bytes"},
            .file_name = "n.x",
            .attributes = {.width = 640,
                           .height = 480,
                           .duration = 12'700ms,
                           .title = "T",
                           .performer = "P",
                           .supports_streaming = true,
                           .thumbnail_r2_key = "key"},
            .thumbnail = "jpeg"};
}

TEST(Form, OfAPhoto) {
    EXPECT_THAT(fields(media(MediaKind::photo)),
                ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                            Pair("photo", "bytes@n.x")));
}

TEST(Form, OfAVideo) {
    EXPECT_THAT(fields(media(MediaKind::video)),
                ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                            Pair("supports_streaming", "true"), Pair("width", "640"),
                            Pair("height", "480"), Pair("duration", "13"),
                            Pair("thumbnail", "jpeg@thumbnail.jpg"), Pair("video", "bytes@n.x")));
}

TEST(Form, OfAnAnimation) {
    EXPECT_THAT(
        fields(media(MediaKind::animation)),
        ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                    Pair("width", "640"), Pair("height", "480"), Pair("duration", "13"),
                    Pair("thumbnail", "jpeg@thumbnail.jpg"), Pair("animation", "bytes@n.x")));
}

TEST(Form, OfAnAudio) {
    EXPECT_THAT(fields(media(MediaKind::audio)),
                ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                            Pair("title", "T"), Pair("performer", "P"), Pair("duration", "13"),
                            Pair("thumbnail", "jpeg@thumbnail.jpg"), Pair("audio", "bytes@n.x")));
}

TEST(Form, OfAVoice) {
    EXPECT_THAT(fields(media(MediaKind::voice)),
                ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                            Pair("duration", "13"), Pair("voice", "bytes@n.x")));
}

TEST(Form, OfAVideoNote) {
    EXPECT_THAT(
        fields(media(MediaKind::video_note)),
        ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                    Pair("length", "640"), Pair("duration", "13"),
                    Pair("thumbnail", "jpeg@thumbnail.jpg"), Pair("video_note", "bytes@n.x")));
}

TEST(Form, OfADocument) {
    EXPECT_THAT(
        fields(media(MediaKind::document)),
        ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                    Pair("disable_content_type_detection", "true"),
                    Pair("thumbnail", "jpeg@thumbnail.jpg"), Pair("document", "bytes@n.x")));
}

TEST(Form, OfASticker) {
    EXPECT_THAT(fields(media(MediaKind::sticker)),
                ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                            Pair("sticker", "bytes@n.x")));
}

TEST(Form, SaysNothingOfWhatIsNotKnown) {
    auto plain = media(MediaKind::video);
    plain.attributes = {};
    plain.thumbnail = "";
    EXPECT_THAT(fields(plain),
                ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                            Pair("video", "bytes@n.x")));
}

TEST(Form, GivesAShortClipASecondRatherThanNone) {
    auto clip = media(MediaKind::video);
    clip.attributes.duration = 200ms;
    EXPECT_THAT(fields(clip), Contains(Pair("duration", "1")));
}

TEST(Form, KeepsAPercentSignThroughTheServersDecoding) {
    auto odd = media(MediaKind::photo);
    odd.file_name = "100%41.jpg";
    EXPECT_THAT(fields(odd), Contains(Pair("photo", "bytes@100%2541.jpg")));
}

TEST(Form, OfAnAlbumSaysWhatEachFileIs) {
    auto odd = media(MediaKind::photo);
    odd.file_name = "100%41.jpg";
    std::vector<OutgoingMedia> photos;
    photos.push_back(media(MediaKind::photo));
    photos.push_back(std::move(odd));
    Fields listed;
    for (const auto& part : form_of_album(std::move(photos)))
        listed.emplace_back(part.name,
                            std::get<std::string>(part.content) +
                                (part.file_name ? "@" + *part.file_name : std::string{}));
    EXPECT_THAT(listed,
                ElementsAre(Pair("chat_id", "-100123"), Pair("disable_notification", "true"),
                            Pair("media", R"([{"type":"photo","media":"attach://file0"},)"
                                          R"({"type":"photo","media":"attach://file1"}])"),
                            Pair("file0", "bytes@n.x"), Pair("file1", "bytes@100%2541.jpg")));
}

TEST(SendMethod, IsNamedAfterTheKind) {
    EXPECT_EQ(send_method(MediaKind::photo), "sendPhoto");
    EXPECT_EQ(send_method(MediaKind::video_note), "sendVideoNote");
}

TEST(SizeLimit, RefusesOnlyWhatCanNeverBeTaken) {
    const auto kind = [](MediaKind of, std::uint64_t bytes, Server server) {
        const auto checked = check_size(of, bytes, server);
        return checked ? std::optional<FailureKind>{} : checked.error().kind;
    };
    EXPECT_EQ(kind(MediaKind::photo, 10'485'760, Server::cloud), std::nullopt);
    EXPECT_EQ(kind(MediaKind::photo, 10'485'761, Server::cloud), FailureKind::too_large);
    EXPECT_EQ(kind(MediaKind::photo, 10'485'761, Server::local), FailureKind::too_large);
    EXPECT_EQ(kind(MediaKind::video, 52'428'800, Server::cloud), std::nullopt);
    EXPECT_EQ(kind(MediaKind::video, 52'428'801, Server::cloud), FailureKind::too_large);
    EXPECT_EQ(kind(MediaKind::video, 52'428'801, Server::local), std::nullopt);
    EXPECT_EQ(kind(MediaKind::document, 2'097'152'001, Server::local), FailureKind::too_large);
    EXPECT_EQ(kind(MediaKind::voice, 0, Server::cloud), FailureKind::refused);
}

}  // namespace
}  // namespace prewarm::telegram
