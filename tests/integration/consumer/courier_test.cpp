#include "tests/integration/consumer/courier_fixture.hpp"

namespace prewarm {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class EveryKind : public CourierTest, public testing::WithParamInterface<MediaKind> {};

TEST_P(EveryKind, IsCarriedAndComesBackAsItself) {
    const auto sample = test::sample_of(GetParam());
    const auto bytes = bytes_of(sample);
    auto upload = uploaded(GetParam(), bytes);
    upload.mime_type = sample.mime_type;  // The key says nothing.
    const auto sent = carry(upload);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(sent->actual_kind, GetParam());
    EXPECT_EQ(sent->bytes, bytes.size());
    EXPECT_EQ(sent->chat_id, -100123);

    const auto postings = received();
    ASSERT_THAT(postings, SizeIs(1));
    EXPECT_EQ(postings[0].at("sha256").as_string(), upload.media.sha256.hex());
    EXPECT_EQ(postings[0].at("file_id").as_string(), sent->file_id);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, testing::ValuesIn(all_media_kinds),
                         [](const auto& kind) { return std::string{name_of(kind.param)}; });

TEST_F(CourierTest, SaysWhatAFileBecameThatTelegramTookForAnotherKind) {
    // What begins every Matroska file: no MP4.
    const auto film = carry(uploaded(MediaKind::video, "\x1A\x45\xDF\xA3" + numbered(1000)));
    ASSERT_TRUE(film) << film.error().detail;
    EXPECT_EQ(film->actual_kind, MediaKind::document);

    const auto sound =
        carry(uploaded(MediaKind::audio, bytes_of(test::sample_of(MediaKind::voice))));
    ASSERT_TRUE(sound) << sound.error().detail;
    EXPECT_EQ(sound->actual_kind, MediaKind::voice);
}

TEST_F(CourierTest, IsToldThatBytesAreNoPhoto) {
    const auto sent = carry(uploaded(MediaKind::photo, numbered(1000)));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, FailureKind::refused) << sent.error().detail;
    EXPECT_THAT(sent.error().detail, HasSubstr("IMAGE_PROCESS_FAILED"));
}

class AnySize : public CourierTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(AnySize, ArrivesUnchanged) {
    const auto bytes = numbered(GetParam());
    const auto upload = uploaded(MediaKind::document, bytes);
    const auto sent = carry(upload);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(sent->bytes, bytes.size());
    const auto postings = received();
    ASSERT_THAT(postings, SizeIs(1));
    EXPECT_EQ(postings[0].at("sha256").as_string(), upload.media.sha256.hex());

    ASSERT_THAT(reports, SizeIs(1));
    EXPECT_EQ(reports[0].downloaded_bytes, bytes.size());
    EXPECT_EQ(reports[0].uploaded_bytes, bytes.size());
    EXPECT_GT(reports[0].r2_first_byte->count(), 0);
    EXPECT_GT(reports[0].transfer->count(), 0);
    EXPECT_GT(reports[0].telegram->count(), 0);
    EXPECT_FALSE(reports[0].outcome_unknown);
}

// Around a piece of libcurl's, the ring, and several rings.
INSTANTIATE_TEST_SUITE_P(Sizes, AnySize,
                         testing::Values(1, 16'384, 262'143, 262'144, 262'145, 278'528, 278'529,
                                         1'000'000, 7'654'321));

TEST_F(CourierTest, CarriesAnObjectOfUnknownSize) {
    auto upload = uploaded(MediaKind::document, numbered(1'000'000));
    upload.bytes = 0;
    const auto sent = carry(upload);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(sent->bytes, 1'000'000U);
}

TEST_F(CourierTest, TellsTheSizeBeforeTelegramIsGivenAnything) {
    std::vector<std::uint64_t> told;
    errand.size_is_known = [&](std::uint64_t bytes) -> Result<> {
        told.push_back(bytes);
        return Failure{FailureKind::throttled, "another turn"};
    };
    for (const std::size_t size : {1000U, 1'000'000U}) {
        auto upload = uploaded(MediaKind::document, numbered(size));
        upload.bytes = 0;
        EXPECT_EQ(carry(upload).error().kind, FailureKind::throttled);
    }
    EXPECT_THAT(told, testing::ElementsAre(1000, 1'000'000));
    EXPECT_EQ(telegram_requests(), 0U);
}

TEST_F(CourierTest, CarriesFromTheBucketThatTheUploadNames) {
    auto upload = uploaded(MediaKind::document, "in media");
    auto elsewhere = options();
    elsewhere.r2_bucket = "not-there";
    use(std::move(elsewhere));
    EXPECT_FALSE(carry(upload));
    upload.r2_bucket = "media";
    EXPECT_TRUE(carry(upload));
}

TEST_F(CourierTest, NamesTheFileAfterTheUpload) {
    auto upload = uploaded(MediaKind::document, "text");
    upload.file_name = "hello.txt";
    ASSERT_TRUE(carry(upload));
    EXPECT_EQ(received()[0].at("file_name").as_string(), "hello.txt");
}

class Thumbnail : public CourierTest {
protected:
    // What the sandbox notes of a small video that came without one.
    static constexpr std::size_t made_by_telegram = 7'421;

    Thumbnail() {
        upload.attributes.width = 640;
        upload.attributes.height = 480;
        upload.attributes.duration = 3s;
        upload.attributes.thumbnail_r2_key = "thumbnail";
    }

    std::size_t thumbnail_bytes_sent() {
        return received().at(0).at("thumbnail_bytes").to_number<std::size_t>();
    }

    Upload upload = uploaded(MediaKind::video, bytes_of(test::sample_of(MediaKind::video)));
    std::string thumbnail = bytes_of(test::sample_of(MediaKind::photo));
};

TEST_F(Thumbnail, GoesWithItsVideo) {
    put("thumbnail", thumbnail);
    const auto sent = carry(upload);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(thumbnail_bytes_sent(), thumbnail.size());
    EXPECT_THAT(boost::json::serialize(received()[0].at("declared")), HasSubstr("640"));
}

TEST_F(Thumbnail, IsDoneWithoutWhenItIsMissing) {
    const auto sent = carry(upload);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(thumbnail_bytes_sent(), made_by_telegram);
}

TEST_F(Thumbnail, IsDoneWithoutWhenItIsTooLarge) {
    put("thumbnail", std::string(most_thumbnail_bytes + 1, 'x'));
    const auto sent = carry(upload);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(thumbnail_bytes_sent(), made_by_telegram);
}

TEST_F(Thumbnail, IsNotFetchedForAKindThatHasNone) {
    put("thumbnail", thumbnail);
    upload = uploaded(MediaKind::photo, thumbnail);
    upload.attributes.thumbnail_r2_key = "thumbnail";
    ASSERT_TRUE(carry(upload));
    EXPECT_EQ(stats().at("r2").at("requests").at("GET").to_number<int>(), 1);
}

TEST_F(CourierTest, CarriesManyAtOnceOverKeptConnections) {
    const auto large = uploaded(MediaKind::document, numbered(2'000'000));
    constexpr int rounds = 2;
    constexpr int at_once = 16;
    int carried = 0;
    for (int round = 0; round < rounds; ++round) {
        loop.restart();
        for (int i = 0; i < at_once; ++i) {
            asio::co_spawn(loop, courier->carry(large, errand),
                           [&](const std::exception_ptr& thrown, const Result<Sent>& sent) {
                               if (!thrown && sent) ++carried;
                           });
        }
        loop.run();
    }
    EXPECT_EQ(carried, rounds * at_once);
    for (const auto& posting : received())
        EXPECT_EQ(posting.at("sha256").as_string(), large.media.sha256.hex());
    EXPECT_LE(telegram.connections_made(), static_cast<std::uint64_t>(at_once));
    EXPECT_LE(r2.connections_made(), static_cast<std::uint64_t>(at_once + 1));
}

TEST_F(CourierTest, SeesThatBothAreThere) {
    EXPECT_TRUE(run(courier->check_r2()));
    EXPECT_TRUE(run(courier->check_telegram()));
}

}  // namespace
}  // namespace prewarm
