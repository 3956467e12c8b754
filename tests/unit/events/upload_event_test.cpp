#include "common/events/upload_event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::events {
namespace {

using namespace std::chrono_literals;

Upload full_upload() {
    Upload upload;
    upload.event_id = "0b0f7ee2-6d5e-4f3e-9b0e-0a4c2b1d9f00";
    upload.occurred_at = std::chrono::system_clock::time_point{1'700'000'000'123ms};
    upload.media = {.bot_slug = "shop", .sha256 = sha256_of("x"), .kind = MediaKind::video};
    upload.r2_bucket = "other";
    upload.r2_key = "a//b c+é.mp4";
    upload.bytes = 1;
    upload.mime_type = "video/mp4";
    upload.file_name = "b c.mp4";
    upload.warmup_chat_id = -1001;
    upload.cache_keys = {"k1", "k2"};
    upload.cache_tags = {"t1"};
    upload.attributes = {.width = 640,
                         .height = 480,
                         .duration = 1500ms,
                         .title = "t",
                         .performer = "p",
                         .supports_streaming = true,
                         .thumbnail_r2_key = "a/thumb.jpg"};
    return upload;
}

/// The reason and detail for a good event after `spoil` was done to it.
template <class Spoil>
BadEvent refused_after(Spoil spoil) {
    auto upload = full_upload();
    spoil(upload);
    auto decoded = decode_upload(encode_upload(upload), protobuf_content_type);
    EXPECT_FALSE(decoded);
    return decoded ? BadEvent{} : decoded.error();
}

void expect_same(const Upload& got, const Upload& want) {
    EXPECT_EQ(got.event_id, want.event_id);
    EXPECT_EQ(got.occurred_at, want.occurred_at);
    EXPECT_EQ(got.media, want.media);
    EXPECT_EQ(got.r2_bucket, want.r2_bucket);
    EXPECT_EQ(got.r2_key, want.r2_key);
    EXPECT_EQ(got.bytes, want.bytes);
    EXPECT_EQ(got.mime_type, want.mime_type);
    EXPECT_EQ(got.file_name, want.file_name);
    EXPECT_EQ(got.warmup_chat_id, want.warmup_chat_id);
    EXPECT_EQ(got.cache_keys, want.cache_keys);
    EXPECT_EQ(got.cache_tags, want.cache_tags);
    EXPECT_EQ(got.attributes, want.attributes);
}

TEST(UploadEvent, SurvivesProtobuf) {
    const auto got = decode_upload(encode_upload(full_upload()), protobuf_content_type);
    ASSERT_TRUE(got) << got.error().detail;
    expect_same(*got, full_upload());
}

TEST(UploadEvent, SurvivesJson) {
    const auto got =
        decode_upload(upload_as_json(full_upload()), "application/json; charset=utf-8");
    ASSERT_TRUE(got) << got.error().detail;
    expect_same(*got, full_upload());
}

TEST(UploadEvent, IsRecognisedWithoutAContentType) {
    EXPECT_TRUE(decode_upload(upload_as_json(full_upload()), ""));
    EXPECT_TRUE(decode_upload(encode_upload(full_upload()), ""));
}

TEST(UploadEvent, MayHoldFieldsOfTheFuture) {
    auto json = upload_as_json(full_upload());
    json.insert(1, R"("colour":"green",)");
    EXPECT_TRUE(decode_upload(json, json_content_type));
}

TEST(UploadEvent, OfAnotherContentTypeIsUndecodable) {
    const auto got = decode_upload(encode_upload(full_upload()), "text/plain");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().reason, FailureReason::undecodable);
}

TEST(UploadEvent, CutAnywhereNeverDecodesToSomethingElse) {
    const auto whole = encode_upload(full_upload());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto got = decode_upload(std::string_view{whole}.substr(0, size), "");
        // A cut between two fields may leave a smaller event, but never another media.
        if (got) EXPECT_EQ(got->media, full_upload().media);
    }
}

TEST(UploadEvent, TellsWhichFieldIsWrong) {
    EXPECT_EQ(refused_after([](Upload& u) { u.media.bot_slug = "No Slug"; }).reason,
              FailureReason::invalid_event);
    EXPECT_EQ(refused_after([](Upload& u) { u.r2_key = ""; }).detail, "r2_key is missing");
    EXPECT_EQ(refused_after([](Upload& u) { u.r2_key = "a/../b"; }).detail,
              "r2_key holds a `..` segment");
    EXPECT_EQ(refused_after([](Upload& u) { u.r2_key = ".."; }).detail,
              "r2_key holds a `..` segment");
    EXPECT_EQ(refused_after([](Upload& u) { u.r2_key = std::string("a\0b", 3); }).detail,
              "r2_key holds a control character");
    EXPECT_EQ(refused_after([](Upload& u) { u.r2_key = std::string(1025, 'k'); }).detail,
              "r2_key is 1025 bytes long; at most 1024 are allowed");
    EXPECT_EQ(refused_after([](Upload& u) { u.attributes.thumbnail_r2_key = "../t.jpg"; }).detail,
              "thumbnail_r2_key holds a `..` segment");
    EXPECT_EQ(refused_after([](Upload& u) { u.mime_type = "a\r\nb"; }).detail,
              "mime_type holds a control character");
    EXPECT_EQ(refused_after([](Upload& u) { u.event_id = ""; }).detail, "event_id is missing");
    EXPECT_EQ(refused_after([](Upload& u) { u.cache_keys.assign(1001, "k"); }).detail,
              "cache_keys has 1001 entries; at most 1000 are allowed");
}

TEST(UploadEvent, LetsDotsBeInNames) {
    auto upload = full_upload();
    upload.r2_key = "a/b..c/...jpg";
    EXPECT_TRUE(decode_upload(encode_upload(upload), ""));
}

TEST(UploadEvent, SaysThatAHexDigestIsNotBase64) {
    auto json = upload_as_json(full_upload());
    const auto at = json.find("\"sha256\":\"") + 10;
    json.replace(at, json.find('"', at) - at, full_upload().media.sha256.hex());
    const auto got = decode_upload(json, json_content_type);
    ASSERT_FALSE(got);
    EXPECT_THAT(got.error().detail, ::testing::HasSubstr("not hex"));
    EXPECT_EQ(got.error().bot_slug, "shop");
}

TEST(UploadEvent, IsBounded) {
    const auto got = decode_upload(std::string(max_event_bytes + 1, ' '), json_content_type);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().reason, FailureReason::undecodable);
}

TEST(Priority, PutsSmallBeforeLargeAndPhotosBeforeVideos) {
    const auto priority = [](MediaKind kind, std::uint64_t bytes) {
        auto upload = full_upload();
        upload.media.kind = kind;
        upload.bytes = bytes;
        return priority_of(upload);
    };
    EXPECT_GT(priority(MediaKind::photo, 50'000), priority(MediaKind::video, 50'000));
    EXPECT_GT(priority(MediaKind::photo, 2'000'000), priority(MediaKind::video, 2'000'000));
    EXPECT_GT(priority(MediaKind::video, 50'000), priority(MediaKind::video, 2'000'000));
    EXPECT_GT(priority(MediaKind::video, 2'000'000), priority(MediaKind::video, 20'000'000));
}

}  // namespace
}  // namespace prewarm::events
