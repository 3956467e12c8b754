#include "common/topology/topology.hpp"

#include <gtest/gtest.h>

namespace prewarm::topology {
namespace {

TEST(Names, AreThoseOfTheContract) {
    const Names names;
    EXPECT_EQ(names.upload_exchange, "prewarm");
    EXPECT_EQ(names.upload_queue, "prewarm");
    EXPECT_EQ(names.upload_key, "prewarm");
    EXPECT_EQ(names.dead_letter_exchange, "prewarm.dlx");
    EXPECT_EQ(names.dead_letter_queue, "prewarm.dlq");
    EXPECT_EQ(names.dead_letter_key, "prewarm.dlq");
    EXPECT_EQ(names.media_exchange, "media");
}

TEST(Names, ArePrefixed) {
    const Names names{"stage-"};
    EXPECT_EQ(names.upload_exchange, "stage-prewarm");
    EXPECT_EQ(names.upload_queue, "stage-prewarm");
    EXPECT_EQ(names.dead_letter_exchange, "stage-prewarm.dlx");
    EXPECT_EQ(names.dead_letter_queue, "stage-prewarm.dlq");
    EXPECT_EQ(names.media_exchange, "stage-media");
}

TEST(Keys, NameBotAndKindInLowerCase) {
    EXPECT_EQ(ready_key("alpha_bot", MediaKind::video_note), "media.ready.alpha_bot.video_note");
    EXPECT_EQ(failed_key("alpha_bot", MediaKind::photo), "media.failed.alpha_bot.photo");
}

}  // namespace
}  // namespace prewarm::topology
