#include "tests/integration/producer/prewarmctl_fixture.hpp"

namespace prewarm::producer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST_F(PrewarmctlTest, MigratesOnce) {
    const auto first = run({"migrate"});
    EXPECT_EQ(first.status, 0) << first.err;
    EXPECT_THAT(first.out, HasSubstr("applied 0001_media\n"));
    EXPECT_EQ(database.run("SELECT count(*) FROM media_cache")[0][0].as<int>(), 0);

    const auto second = run({"migrate"});
    EXPECT_EQ(second.status, 0) << second.err;
    EXPECT_EQ(second.out, "the database is up to date\n");
    EXPECT_EQ(run({"migrate", "--json"}).out, "{\"applied\":[]}\n");
}

TEST_F(PrewarmctlTest, SaysWhereADatabaseShouldBe) {
    variables["DATABASE_URL"] = "postgresql://someone:hunter2@127.0.0.1:1/nothing";
    const auto ended = run({"migrate"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("Connection refused"), HasSubstr("see DATABASE_URL")));
    EXPECT_THAT(ended.err, testing::Not(HasSubstr("hunter2")));
}

TEST_F(PrewarmctlTest, DeclaresTheTopologyAsOftenAsOneLikes) {
    for (int time = 0; time < 2; ++time) {
        const auto ended = run({"topology", "--json"});
        EXPECT_EQ(ended.status, 0) << ended.err;
        const auto told = objects(ended.out).at(0);
        EXPECT_EQ(told.at("queues"),
                  (boost::json::array{names.upload_queue, names.dead_letter_queue}));
    }
    for (const auto& queue : {names.upload_queue, names.dead_letter_queue})
        EXPECT_EQ(must(run_coroutine(channel->inspect_queue(queue, soon()))).name, queue);
}

TEST_F(PrewarmctlTest, NamesBothSidesOfAQueueThatDiffersAndLeavesIt) {
    must(run_coroutine(channel->declare_queue({.name = names.upload_queue}, soon())));
    must(channel->publish("", names.upload_queue, {.body = "kept"}, false));
    const auto ended = run({"topology"});
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, AllOf(HasSubstr(names.upload_queue), HasSubstr("x-dead-letter"),
                                 HasSubstr("received"), HasSubstr("current is none")));
    EXPECT_EQ(queued().size(), 1U);
}

TEST_F(PrewarmctlTest, TellsARefusedLoginFromABrokerThatIsAway) {
    const auto url = test::required_variable("RABBITMQ_URL");
    variables["RABBITMQ_URL"] = "amqp://nobody:hunter2" + url.substr(url.find('@'));
    const auto refused = run({"topology"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("ACCESS_REFUSED"), HasSubstr("See RABBITMQ_URL")));
    EXPECT_THAT(refused.err, testing::Not(HasSubstr("hunter2")));

    variables["RABBITMQ_URL"] = "amqp://127.0.0.1:1";
    const auto away = run({"topology"});
    EXPECT_EQ(away.status, 1);
    EXPECT_THAT(away.err, HasSubstr("Connection refused"));
}

}  // namespace
}  // namespace prewarm::producer
