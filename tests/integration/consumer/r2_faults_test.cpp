#include "tests/integration/consumer/courier_fixture.hpp"
#include "tests/support/sandbox_faults.hpp"

// R2 and Telegram are one sandbox, in which R2 goes wrong as rules say.

namespace prewarm {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t large = 3'000'000;

class R2Faults : public CourierTest {
protected:
    void play(std::string rules) { test::put_faults(loop, sandbox.url(), std::move(rules)); }

    /// `upload` is carried by a courier that does not wait long for R2.
    Result<Sent> carry_hastily(const Upload& upload) {
        http::ClientOptions hasty;
        hasty.stall = 200ms;
        http::Client impatient{loop.get_executor(), hasty};
        auto changed = options();
        changed.resuming.first_pause = 1ms;
        R2TelegramCourier other{impatient, telegram, std::move(changed)};
        return run(other.carry(upload, turn));
    }

    void expect_whole(const Upload& upload, std::uint64_t resumes) {
        const auto sent = carry_hastily(upload);
        ASSERT_TRUE(sent) << sent.error().detail;
        const auto postings = received();
        ASSERT_THAT(postings, SizeIs(1));
        EXPECT_EQ(postings[0].at("sha256").as_string(), upload.media.sha256.hex());
        EXPECT_EQ(reports.at(0).r2_resumes, resumes);
        EXPECT_EQ(telegram_requests(), 1U);
    }

    void expect_failure(const Upload& upload, FailureKind kind, const std::string& words) {
        const auto sent = carry_hastily(upload);
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().kind, kind) << sent.error().detail;
        EXPECT_THAT(sent.error().detail, HasSubstr(words));
        EXPECT_THAT(received(), IsEmpty());
    }
};

TEST_F(R2Faults, AnObjectThatIsCutIsReadOnWhereItBroke) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "method": "GET", "times": 2, "cut": 700000}])");
    expect_whole(upload, 2);
}

TEST_F(R2Faults, AnObjectThatStallsIsReadOnWhereItStopped) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "times": 1, "stall_at": 1000000, "stall_ms": 3000}])");
    expect_whole(upload, 1);
}

TEST_F(R2Faults, ACorruptByteIsNeverPosted) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "key": "obj", "corrupt": 2999999}])");
    expect_failure(upload, FailureKind::mismatch, "GET media/object");
}

TEST_F(R2Faults, ACorruptByteOfASmallObjectIsNotEvenOffered) {
    const auto upload = uploaded(MediaKind::document, "small");
    play(R"([{"side": "r2", "corrupt": 0}])");
    expect_failure(upload, FailureKind::mismatch, "");
    EXPECT_EQ(telegram_requests(), 0U);
}

TEST_F(R2Faults, AnObjectThatChangesWhileItIsReadIsNeverPosted) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "times": 1, "cut": 1000000}, {"side": "r2", "change": true}])");
    expect_failure(upload, FailureKind::mismatch, "changed while it was read");
}

TEST_F(R2Faults, AnotherObjectThanWasAnnouncedIsNeverPosted) {
    const auto upload = uploaded(MediaKind::document, "small");
    play(R"([{"side": "r2", "change": true}])");
    expect_failure(upload, FailureKind::mismatch, "");
}

TEST_F(R2Faults, AResetBeforeTheAnswerPasses) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "times": 1, "reset": "before"}])");
    const auto sent = carry_hastily(upload);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, FailureKind::transient) << sent.error().detail;
    EXPECT_TRUE(carry_hastily(upload));
}

TEST_F(R2Faults, ALostAnswerToWhatCannotBeGivenAgainMayHaveMadeADuplicate) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    ASSERT_TRUE(carry(upload));
    // The connection is a kept one: what the library would ask again by itself, it cannot.
    play(R"([{"side": "telegram", "times": 1, "lose_answer": true}])");
    const auto sent = carry(upload);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, FailureKind::outcome_unknown) << sent.error().detail;
    EXPECT_TRUE(reports.back().outcome_unknown);
}

struct Refused {
    std::string name;
    std::string what;
    FailureKind kind;
    std::string words;
};

class R2Refusal : public R2Faults, public testing::WithParamInterface<Refused> {};

TEST_P(R2Refusal, IsReadAsWhatItIsAndPasses) {
    const auto& refused = GetParam();
    const auto upload = uploaded(MediaKind::document, "small");
    play(R"([{"side": "r2", "method": "GET", "times": 1, )" + refused.what + "}]");
    expect_failure(upload, refused.kind, refused.words);
    EXPECT_TRUE(carry_hastily(upload));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, R2Refusal,
    testing::Values(
        Refused{"SlowDown", R"("slow_down": true)", FailureKind::throttled, "503 SlowDown"},
        Refused{"Skew", R"("skew": true)", FailureKind::misconfigured, "RequestTimeTooSkewed"},
        Refused{"InternalError", R"("status": 500)", FailureKind::unavailable, "500 InternalError"},
        Refused{"NoSuchKey", R"("status": 404, "code": "NoSuchKey", "message": "Gone.")",
                FailureKind::not_found, "NoSuchKey: Gone."},
        Refused{"AccessDenied", R"("status": 403, "code": "AccessDenied")",
                FailureKind::misconfigured, "AccessDenied"}),
    [](const auto& refused) { return refused.param.name; });

TEST_F(R2Faults, AreForTheObjectsTheyName) {
    const auto upload = uploaded(MediaKind::document, "small");
    play(R"([{"side": "r2", "key": "other/", "status": 500},
             {"side": "r2", "min_bytes": 6, "status": 500}])");
    EXPECT_TRUE(carry_hastily(upload));
}

}  // namespace
}  // namespace prewarm
