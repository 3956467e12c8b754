#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "tests/integration/consumer/courier_fixture.hpp"
#include "tests/support/broken_line.hpp"

namespace prewarm {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::size_t large = 3'000'000;

class CourierFaults : public CourierTest {
protected:
    void expect_failure(const Upload& upload, FailureKind kind) {
        const auto sent = carry(upload);
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().kind, kind) << sent.error().detail;
        EXPECT_THAT(sent.error().detail, Not(HasSubstr("secret")));
        EXPECT_THAT(reports, SizeIs(1));
        EXPECT_EQ(r2.running(), 0U);
        EXPECT_EQ(telegram.running(), 0U);
    }
};

TEST_F(CourierFaults, ACorruptLargeObjectIsNeverPosted) {
    auto upload = uploaded(MediaKind::document, numbered(large));
    upload.media.sha256 = sha256_of("announced");
    expect_failure(upload, FailureKind::mismatch);
    EXPECT_THAT(received(), IsEmpty());
    // It was on its way, and was cut. The sandbox hears of it in its own time.
    int aborted = 0;
    for (int looks = 0; aborted == 0 && looks < 1000; ++looks)
        aborted = stats().at("telegram").at("aborted_uploads").to_number<int>();
    EXPECT_EQ(aborted, 1);
}

TEST_F(CourierFaults, ACorruptSmallObjectIsNotEvenOffered) {
    auto upload = uploaded(MediaKind::document, "small");
    upload.media.sha256 = sha256_of("announced");
    expect_failure(upload, FailureKind::mismatch);
    EXPECT_EQ(telegram_requests(), 0U);
}

TEST_F(CourierFaults, AnObjectOfAnotherSizeIsNotEvenRead) {
    auto upload = uploaded(MediaKind::document, numbered(large));
    upload.bytes += 1;
    expect_failure(upload, FailureKind::mismatch);
    EXPECT_EQ(telegram_requests(), 0U);
}

TEST_F(CourierFaults, AMissingObjectIsNotFound) {
    auto upload = uploaded(MediaKind::document, "small");
    upload.r2_key = "another";
    expect_failure(upload, FailureKind::not_found);
    EXPECT_EQ(telegram_requests(), 0U);
}

TEST_F(CourierFaults, AnEmptyObjectIsRefused) {
    const auto upload = uploaded(MediaKind::document, "");
    expect_failure(upload, FailureKind::refused);
    EXPECT_EQ(telegram_requests(), 0U);
}

TEST_F(CourierFaults, NothingIsSentOfWhatIsKnownToBeTooLarge) {
    auto upload = uploaded(MediaKind::video, "small");
    upload.bytes = telegram::most_cloud_bytes + 1;
    expect_failure(upload, FailureKind::too_large);
    EXPECT_FALSE(stats().at("r2").at("requests").as_object().contains("GET"));
    EXPECT_EQ(telegram_requests(), 0U);
}

TEST_F(CourierFaults, NothingIsSentOfWhatTurnsOutToBeTooLarge) {
    auto upload = uploaded(MediaKind::photo, std::string(telegram::most_photo_bytes + 1, 'x'));
    upload.bytes = 0;
    expect_failure(upload, FailureKind::too_large);
    EXPECT_EQ(telegram_requests(), 0U);
}

TEST_F(CourierFaults, ABotThatIsNotOursIsAMatterOfConfiguration) {
    auto upload = uploaded(MediaKind::document, "small");
    upload.media.bot_slug = "dogs";
    expect_failure(upload, FailureKind::misconfigured);
}

TEST_F(CourierFaults, TheDownloadEndsWhenTelegramAnswersEarly) {
    // Larger than the sandbox, as Telegram's own server, takes.
    const auto upload = uploaded(MediaKind::document, std::string(60'000'000, 'x'));
    auto lenient = options();
    lenient.telegram_server = telegram::Server::local;
    use(std::move(lenient));
    expect_failure(upload, FailureKind::too_large);
    EXPECT_THAT(received(), IsEmpty());
    EXPECT_LT(reports[0].downloaded_bytes, upload.bytes);
    EXPECT_EQ(reports[0].telegram_failure, FailureKind::too_large);
}

TEST_F(CourierFaults, TelegramsRefusalOfTheBotIsReported) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    auto strange = options();
    strange.token_of = [](std::string_view) { return Secret{"not-a-token-but-secret"}; };
    use(std::move(strange));
    expect_failure(upload, FailureKind::bot_refused);
}

TEST_F(CourierFaults, TelegramBeingAwayIsReported) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    auto away = options();
    away.telegram_api_url = "http://127.0.0.1:1";
    use(std::move(away));
    expect_failure(upload, FailureKind::unavailable);
    const auto there = run(courier->check_telegram());
    ASSERT_FALSE(there);
    EXPECT_EQ(there.error().kind, FailureKind::unavailable);
}

TEST_F(CourierFaults, R2BeingAwayIsReported) {
    auto upload = uploaded(MediaKind::document, "small");
    auto away = options();
    away.r2 = endpoint_at("http://127.0.0.1:1");
    use(std::move(away));
    expect_failure(upload, FailureKind::unavailable);
    const auto there = run(courier->check_r2());
    ASSERT_FALSE(there);
    EXPECT_EQ(there.error().kind, FailureKind::unavailable);
}

TEST_F(CourierFaults, R2RefusingOurKeyIsAMatterOfConfiguration) {
    auto upload = uploaded(MediaKind::document, "small");
    auto wrong = options();
    wrong.r2 = *s3::Endpoint::at(sandbox.url(), {"sandbox-access-key", Secret{"another"}});
    use(std::move(wrong));
    expect_failure(upload, FailureKind::misconfigured);
    EXPECT_FALSE(run(courier->check_r2()));
}

TEST_F(CourierFaults, ACancelledUploadIsNotPosted) {
    const auto upload = uploaded(MediaKind::document, numbered(40'000'000));
    asio::cancellation_signal cancel;
    std::exception_ptr thrown;
    loop.restart();
    asio::co_spawn(
        loop, courier->carry(upload, turn),
        asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr& error,
                                                        const Result<Sent>&) { thrown = error; }));
    // As soon as both transfers are at work.
    const std::function<void()> look = [&] {
        if (telegram.running() == 1) return cancel.emit(asio::cancellation_type::terminal);
        asio::post(loop, look);
    };
    asio::post(loop, look);
    loop.run();
    EXPECT_TRUE(thrown);
    EXPECT_EQ(r2.running(), 0U);
    EXPECT_EQ(telegram.running(), 0U);
    EXPECT_THAT(received(), IsEmpty());
    EXPECT_THAT(reports, IsEmpty());
}

/// R2 does what a script says; Telegram is the sandbox.
class ScriptedR2 : public CourierFaults {
protected:
    void expect_failure_of(test::ScriptedServer::Serve script, FailureKind kind) {
        test::ScriptedServer server{loop, std::move(script)};
        auto scripted = options();
        scripted.r2 = endpoint_at(server.url(""));
        scripted.resuming.first_pause = 1ms;
        http::ClientOptions hasty;
        hasty.stall = 100ms;
        http::Client impatient{loop.get_executor(), hasty};
        R2TelegramCourier other{impatient, telegram, std::move(scripted)};
        Upload upload;
        upload.media = {
            .bot_slug = "cats", .sha256 = sha256_of(numbered(large)), .kind = MediaKind::document};
        upload.r2_key = "object";
        const auto sent =
            run([](R2TelegramCourier& by, test::ScriptedServer& at, Upload what) -> Task<Sent> {
                auto done = co_await by.carry(what, {.chat_id = 1});
                at.stop();
                co_return done;
            }(other, server, upload));
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().kind, kind) << sent.error().detail;
        EXPECT_THAT(sent.error().detail, HasSubstr("GET media/object"));
        EXPECT_THAT(received(), IsEmpty());
        EXPECT_EQ(telegram.running(), 0U);
    }

    static std::string head() {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large) + "\r\n\r\n";
    }
};

TEST_F(ScriptedR2, HangsUpHalfway) {
    expect_failure_of(
        [](test::Connection& connection) -> asio::awaitable<void> {
            co_await connection.read_head();
            co_await connection.write(head() + numbered(large).substr(0, large / 2));
        },
        FailureKind::transient);
}

TEST_F(ScriptedR2, HangsUpBeforeTheLastByte) {
    expect_failure_of(
        [](test::Connection& connection) -> asio::awaitable<void> {
            co_await connection.read_head();
            co_await connection.write(head() + numbered(large).substr(0, large - 1));
        },
        FailureKind::transient);
}

TEST_F(ScriptedR2, FallsSilentHalfway) {
    expect_failure_of(
        [](test::Connection& connection) -> asio::awaitable<void> {
            co_await connection.read_head();
            co_await connection.write(head() + numbered(large).substr(0, large / 2));
            co_await connection.read_head();
        },
        FailureKind::transient);
}

TEST_F(ScriptedR2, GivesOtherLastBytes) {
    expect_failure_of(
        [](test::Connection& connection) -> asio::awaitable<void> {
            co_await connection.read_head();
            co_await connection.write(head() + numbered(large).substr(0, large - 1) + "!");
            co_await connection.read_head();
        },
        FailureKind::mismatch);
}

/// R2 answers over a line that breaks; Telegram is the sandbox.
class BrokenR2 : public CourierFaults {
protected:
    Result<Sent> carry_over_line(const Upload& upload, std::deque<test::Fate> fates) {
        test::BrokenLine line{loop, boost::urls::parse_uri(sandbox.url())->port_number()};
        line.fates = std::move(fates);
        auto broken = options();
        broken.r2 = endpoint_at(line.url());
        broken.resuming.first_pause = 1ms;
        use(std::move(broken));
        auto sent =
            run([](R2TelegramCourier& by, test::BrokenLine& to_stop, Upload what) -> Task<Sent> {
                auto done = co_await by.carry(what, {.chat_id = 1});
                to_stop.stop();
                co_return done;
            }(*courier, line, upload));
        body_bytes = line.body_bytes;
        return sent;
    }

    void expect_posted_once(const Upload& upload, std::uint64_t resumes) {
        EXPECT_EQ(telegram_requests(), 1U);
        const auto postings = received();
        ASSERT_THAT(postings, SizeIs(1));
        EXPECT_EQ(postings[0].at("sha256").as_string(), upload.media.sha256.hex());
        ASSERT_THAT(reports, SizeIs(1));
        EXPECT_EQ(reports[0].r2_resumes, resumes);
        EXPECT_EQ(reports[0].downloaded_bytes, upload.bytes);
        EXPECT_EQ(body_bytes, upload.bytes);
    }

    std::uint64_t body_bytes = 0;
};

TEST_F(BrokenR2, IsReadOnInTheSameUpload) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    const auto sent =
        carry_over_line(upload, {{.body_bytes = 1'000'000},
                                 {.body_bytes = 700'000, .end = test::Fate::End::resets},
                                 {.answer = "HTTP/1.1 503 Service Unavailable\r\n"
                                            "Content-Length: 0\r\n\r\n"},
                                 {.body_bytes = 1}});
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(telegram_requests(), 1U);
    ASSERT_THAT(received(), SizeIs(1));
    EXPECT_EQ(received()[0].at("sha256").as_string(), upload.media.sha256.hex());
    EXPECT_EQ(reports.at(0).r2_resumes, 4U);
}

TEST_F(BrokenR2, IsReadOnBeforeItsLastByte) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    const auto sent = carry_over_line(upload, {{.body_bytes = large - 1}});
    ASSERT_TRUE(sent) << sent.error().detail;
    expect_posted_once(upload, 1);
}

TEST_F(BrokenR2, IsReadOnForAnObjectThatIsSentAsAWhole) {
    const auto upload = uploaded(MediaKind::document, numbered(100'000));
    const auto sent = carry_over_line(upload, {{.body_bytes = 30'000}, {.body_bytes = 30'000}});
    ASSERT_TRUE(sent) << sent.error().detail;
    expect_posted_once(upload, 2);
}

TEST_F(BrokenR2, LeavesNothingPostedOfAnObjectThatWasReplaced) {
    auto upload = uploaded(MediaKind::document, numbered(large));
    const auto replace = [this]() -> asio::awaitable<void> {
        s3::ObjectWriter writer{r2, own_r2};
        auto other = numbered(large);
        other.back() = '!';
        EXPECT_TRUE(
            co_await writer.put({"media", "object"}, std::move(other), "", deadline_in(60s)));
    };
    const auto sent = carry_over_line(upload, {{.body_bytes = large / 2}, {.before = replace}});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, FailureKind::mismatch) << sent.error().detail;
    EXPECT_THAT(sent.error().detail, HasSubstr("changed while it was read"));
    EXPECT_THAT(received(), IsEmpty());
}

TEST_F(CourierFaults, APostingWithoutAnAnswerMayHaveHappened) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    test::ScriptedServer server{
        loop, [](test::Connection& connection) -> asio::awaitable<void> {
            const auto head = co_await connection.read_head();
            co_await connection.read_bytes(test::Connection::body_size(head));
        }};
    auto mute = options();
    mute.telegram_api_url = server.url("");
    use(std::move(mute));
    const auto sent =
        run([](R2TelegramCourier& by, test::ScriptedServer& at, Upload what) -> Task<Sent> {
            auto done = co_await by.carry(what, {.chat_id = 1});
            at.stop();
            co_return done;
        }(*courier, server, upload));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, FailureKind::outcome_unknown);
    ASSERT_THAT(reports, SizeIs(1));
    EXPECT_TRUE(reports[0].outcome_unknown);
    EXPECT_EQ(reports[0].uploaded_bytes, large);
}

}  // namespace
}  // namespace prewarm
