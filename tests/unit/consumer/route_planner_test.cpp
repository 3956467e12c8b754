#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consumer/routes/planner.hpp"

namespace prewarm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PlanRoutes : public ::testing::Test {
protected:
    std::vector<Route> routes() const {
        std::vector<Route> all;
        for (const auto& choice : plan_routes(facts).value())
            all.push_back(choice.route);
        return all;
    }
    std::string why_multipart() const { return plan_routes(facts).value().back().why; }

    RouteFacts facts{.kind = MediaKind::photo,
                     .bytes = 100'000,
                     .mime_type = "image/jpeg",
                     .url_mode = UrlMode::presigned};
};

TEST_F(PlanRoutes, LetTelegramFetchASmallPhotoAndStreamItShouldThatFail) {
    EXPECT_THAT(routes(), ElementsAre(Route::url, Route::multipart));
}

TEST_F(PlanRoutes, StreamEverythingUnlessToldOtherwise) {
    facts.url_mode = UrlMode::off;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
    EXPECT_THAT(why_multipart(), HasSubstr("PREWARM_URL_MODE"));
}

TEST_F(PlanRoutes, StreamWhatIsTooLargeToBeFetched) {
    facts.bytes = 5'000'001;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
    facts.kind = MediaKind::document;
    facts.mime_type = "application/pdf";
    EXPECT_THAT(routes(), ElementsAre(Route::url, Route::multipart));
    facts.bytes = 20'000'001;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
    facts.kind = MediaKind::voice;
    facts.mime_type = "audio/ogg";
    facts.bytes = 1'000'001;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
    facts.bytes = 0;
    EXPECT_THAT(why_multipart(), HasSubstr("size is not known"));
}

TEST_F(PlanRoutes, StreamWhatWouldNotKeepItsKind) {
    facts.kind = MediaKind::video;
    facts.mime_type = "video/mp4";
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
    EXPECT_THAT(why_multipart(), HasSubstr("may not stay a video"));
    facts.kind = MediaKind::document;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
}

TEST_F(PlanRoutes, StreamWhatNeedsSomethingDeclared) {
    facts.has_attributes = true;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
}

TEST_F(PlanRoutes, NeverUseAnAddressAgainThatHasFailed) {
    facts.url_has_failed = true;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
}

TEST_F(PlanRoutes, ForwardWhatStandsInAChatThatBothBotsAreIn) {
    facts.stands_with_another_bot = true;
    EXPECT_THAT(routes(), ElementsAre(Route::url, Route::multipart));
    facts.forwards = true;
    EXPECT_THAT(routes(), ElementsAre(Route::forward, Route::url, Route::multipart));
}

TEST_F(PlanRoutes, ForwardNothingAWhileAfterThatFailed) {
    facts.stands_with_another_bot = facts.forwards = facts.forward_has_failed = true;
    EXPECT_THAT(routes(), ElementsAre(Route::url, Route::multipart));
}

TEST_F(PlanRoutes, StreamWhatIsToKeepItsKind) {
    facts.stands_with_another_bot = facts.forwards = facts.insists = true;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
    EXPECT_THAT(why_multipart(), HasSubstr("kind is to be kept"));
}

TEST_F(PlanRoutes, StreamWhatHasATurnInAnAlbum) {
    facts.stands_with_another_bot = facts.forwards = facts.has_album_turn = true;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
}

TEST_F(PlanRoutes, StreamWhatStandsInABucketWithoutAnAddress) {
    facts.has_address = false;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
}

TEST_F(PlanRoutes, StreamWhatTelegramWouldNotLookInto) {
    facts.kind = MediaKind::audio;
    facts.mime_type = "audio/mpeg";
    facts.bytes = 10'000'000;
    EXPECT_THAT(routes(), ElementsAre(Route::url, Route::multipart));
    facts.bytes = 10'000'001;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
}

TEST_F(PlanRoutes, KnowBeforehandWhatNoWayTakes) {
    facts.kind = MediaKind::video;
    facts.bytes = 52'428'801;
    EXPECT_EQ(plan_routes(facts).error().kind, FailureKind::too_large);
    facts.server = telegram::Server::local;
    EXPECT_THAT(routes(), ElementsAre(Route::multipart));
    facts.bytes = 2'097'152'001;
    EXPECT_EQ(plan_routes(facts).error().kind, FailureKind::too_large);
    facts.forwards = facts.stands_with_another_bot = true;
    EXPECT_THAT(routes(), ElementsAre(Route::forward));
}

}  // namespace
}  // namespace prewarm
