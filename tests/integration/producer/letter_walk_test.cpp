#include "producer/dead_letters/letter_walk.hpp"

#include "tests/integration/producer/dlq_fixture.hpp"

namespace prewarm::producer {
namespace {

using testing::ElementsAre;

class LetterWalkTest : public DlqTest {
protected:
    LetterWalk::Options options() const {
        return {.queue = names.dead_letter_queue, .window = 2, .largest_body = 1000};
    }

    /// The event id of the next one, which is kept.
    std::string next(LetterWalk& walk) {
        const auto delivery = must(run_coroutine(walk.next()));
        if (!delivery) return "the end";
        walk.keep(delivery->tag);
        return delivery->message.message_id;
    }
};

TEST_F(LetterWalkTest, GoesOnWhenAllOfItsWindowIsKept) {
    put_letters(5);
    LetterWalk walk{loop.get_executor(), *connection, options()};
    must(run_coroutine(walk.begin()));
    EXPECT_EQ(walk.waiting(), 5U);
    std::vector<std::string> seen;
    for (int number = 0; number < 6; ++number)
        seen.push_back(next(walk));
    EXPECT_THAT(seen,
                ElementsAre("event-0", "event-1", "event-2", "event-3", "event-4", "the end"));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 0U);
    must(run_coroutine(walk.give_back()));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 5U);
    EXPECT_EQ(listed(), event_ids(5));
}

TEST_F(LetterWalkTest, SeesOnlyWhatWasThereWhenItBegan) {
    put_letters(2);
    LetterWalk walk{loop.get_executor(), *connection, options()};
    must(run_coroutine(walk.begin()));
    put({letter(7)});
    EXPECT_EQ(next(walk), "event-0");
    EXPECT_EQ(next(walk), "event-1");
    EXPECT_EQ(next(walk), "the end");
    must(run_coroutine(walk.give_back()));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 3U);
}

TEST_F(LetterWalkTest, EndsWhenOthersTakeTheRest) {
    put_letters(3);
    auto narrow = options();
    narrow.window = 1;
    LetterWalk walk{loop.get_executor(), *connection, narrow};
    must(run_coroutine(walk.begin()));
    EXPECT_EQ(next(walk), "event-0");
    must(run_coroutine(channel->purge_queue(names.dead_letter_queue, soon())));
    EXPECT_EQ(next(walk), "the end");
    must(run_coroutine(walk.give_back()));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 1U);
}

TEST_F(LetterWalkTest, GivesBackWhatItHoldsForLong) {
    put_letters(3);
    auto hasty = options();
    hasty.longest_hold = 0s;
    LetterWalk walk{loop.get_executor(), *connection, hasty};
    must(run_coroutine(walk.begin()));
    std::vector<std::string> seen;
    for (int number = 0; number < 4; ++number)
        seen.push_back(next(walk));
    EXPECT_THAT(seen, ElementsAre("event-0", "event-1", "event-2", "event-0"));
    must(run_coroutine(walk.give_back()));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 3U);
}

TEST_F(LetterWalkTest, GivesTheseBackBeforeTheOthers) {
    put_letters(4);
    LetterWalk walk{loop.get_executor(), *connection, options()};
    must(run_coroutine(walk.begin()));
    std::vector<amqp::DeliveryTag> odd;
    for (int number = 0; number < 4; ++number) {
        const auto delivery = must(run_coroutine(walk.next()));
        walk.keep(delivery->tag);
        if (number % 2 == 1) odd.push_back(delivery->tag);
    }
    must(run_coroutine(walk.give_back(odd)));
    EXPECT_THAT(listed(), ElementsAre("event-1", "event-3", "event-0", "event-2"));
}

TEST_F(LetterWalkTest, SkipsTheBodyOfAMessageThatIsTooLarge) {
    auto large = letter(1);
    large.body = std::string(1001, 'x');
    put({large});
    LetterWalk walk{loop.get_executor(), *connection, options()};
    must(run_coroutine(walk.begin()));
    const auto delivery = must(run_coroutine(walk.next()));
    ASSERT_TRUE(delivery);
    EXPECT_TRUE(delivery->oversized);
    EXPECT_EQ(delivery->body_bytes, 1001U);
    must(run_coroutine(walk.give_back()));
}

}  // namespace
}  // namespace prewarm::producer
