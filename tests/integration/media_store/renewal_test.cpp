#include <gmock/gmock.h>

#include "tests/integration/media_store/media_store_test.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

class RenewalTest : public test::MediaStoreTest {
protected:
    Renewal renew(std::string file_id = "") {
        return run(store.renew_file_id(upload().media, std::move(file_id))).value();
    }
    ReadyMedia warm(std::string file_id) {
        const auto lease = take(upload());
        const auto ready = commit(lease, sent(std::move(file_id)));
        (void)run(store.told(lease.media, lease.token));
        return ready;
    }
};

TEST_F(RenewalTest, MakesAReadyMediaDueAgainAndItsNextFileIdOneVersionUp) {
    const auto first = warm("refused");
    EXPECT_EQ(renew("refused"), Renewal::begun);
    EXPECT_EQ(column("status || ' ' || file_id"), "warming refused");
    EXPECT_THAT(run(store.take_due({{upload().media.bot_slug, 10}}, {}, 10, 30s)).value(),
                SizeIs(1));
    EXPECT_EQ(warm("new").version, first.version + 1);
}

TEST_F(RenewalTest, DoesNothingWhenAnotherFileIdIsOnRecordByNow) {
    (void)warm("new");
    EXPECT_EQ(renew("refused"), Renewal::has_another);
    EXPECT_EQ(column("status"), "ready");
}

TEST_F(RenewalTest, IsBegunOnce) {
    (void)warm("refused");
    EXPECT_EQ(renew(), Renewal::begun);
    EXPECT_EQ(renew(), Renewal::not_ready);
}

TEST_F(RenewalTest, NeedsTheEventOfAMediaThatIsKnown) {
    EXPECT_EQ(renew(), Renewal::unknown);
    (void)warm("refused");
    database.run("UPDATE media_cache SET event = NULL");
    EXPECT_EQ(renew(), Renewal::has_no_event);
    EXPECT_EQ(column("status"), "ready");
}

}  // namespace
}  // namespace prewarm
