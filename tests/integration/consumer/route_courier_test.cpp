/// The ways besides streaming, to a sandbox that forwards and fetches as Telegram does.
#include "consumer/adapters/route_courier.hpp"

#include "tests/integration/consumer/courier_fixture.hpp"
#include "tests/support/sandbox_faults.hpp"

namespace prewarm {
namespace {

using testing::HasSubstr;
using testing::Not;

class RouteCourierTest : public CourierTest {
protected:
    RouteOptions route_options() {
        return {
            .r2 = endpoint_at(sandbox.url()),
            .r2_bucket = "media",
            .telegram_api_url = sandbox.url(),
            .token_of = options().token_of,
            .message_of_another_bot = [this](const Upload&) -> Task<std::optional<StoredMessage>> {
                co_return original;
            },
            .on_carried = [this](const Upload&,
                                 const CarryReport& one) { reports.push_back(one); }};
    }

    Upload photo() {
        auto bytes = bytes_of(test::sample_of(MediaKind::photo));
        auto upload = uploaded(MediaKind::photo, bytes);
        upload.mime_type = "image/jpeg";
        put(upload.r2_key, std::move(bytes), upload.mime_type);
        return upload;
    }

    /// As another bot posted it before.
    void post_by_another_bot(const Upload& upload) {
        auto as_other = options();
        as_other.token_of = [](std::string_view) -> std::optional<Secret> {
            return Secret{"777777:secret-of-the-bot-that-is-forwarded-from"};
        };
        R2TelegramCourier other{r2, telegram, std::move(as_other)};
        const auto sent = run(other.carry(upload, errand));
        ASSERT_TRUE(sent) << sent.error().detail;
        original = StoredMessage{sent->chat_id, sent->message_id, sent->bytes};
        reports.clear();
    }

    Result<Sent> carry_by(RouteOptions changed, const Upload& upload) {
        RouteCourier routes{*courier, telegram, std::move(changed)};
        return run(routes.carry(upload, errand));
    }

    std::optional<StoredMessage> original;
};

TEST_F(RouteCourierTest, ForwardsWhatAnotherBotHas) {
    const auto upload = photo();
    post_by_another_bot(upload);
    auto forwarding = route_options();
    forwarding.forwards = true;
    const auto sent = carry_by(std::move(forwarding), upload);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(sent->actual_kind, MediaKind::photo);
    EXPECT_EQ(sent->bytes, upload.bytes);
    EXPECT_NE(sent->message_id, original->message_id);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].route, Route::forward);
    EXPECT_EQ(reports[0].saved_bytes, upload.bytes);
    EXPECT_EQ(reports[0].uploaded_bytes, 0U);
    EXPECT_EQ(stats().at("telegram").at("requests").at("forwardMessage").to_number<int>(), 1);
}

TEST_F(RouteCourierTest, ForwardsNothingUnlessToldTo) {
    const auto upload = photo();
    post_by_another_bot(upload);
    ASSERT_TRUE(carry_by(route_options(), upload));
    EXPECT_EQ(reports.at(0).route, Route::multipart);
}

TEST_F(RouteCourierTest, UploadsWhatCannotBeForwarded) {
    const auto upload = photo();
    original = StoredMessage{-100123, 987'654, upload.bytes};
    auto forwarding = route_options();
    forwarding.forwards = true;
    RouteCourier routes{*courier, telegram, std::move(forwarding)};
    const auto closed = run(routes.carry(upload, errand));
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().kind, FailureKind::way_closed) << closed.error().detail;
    EXPECT_THAT(closed.error().detail, HasSubstr("not found"));
    EXPECT_TRUE(run(routes.carry(upload, errand)));
    EXPECT_EQ(reports.at(0).saved_bytes, 0U);
    EXPECT_EQ(reports.at(1).route, Route::multipart);
}

TEST_F(RouteCourierTest, UploadsWhileTheDatabaseIsAway) {
    auto forwarding = route_options();
    forwarding.forwards = true;
    forwarding.message_of_another_bot = [](const Upload&) -> Task<std::optional<StoredMessage>> {
        co_return Failure{FailureKind::unavailable, "postgres"};
    };
    EXPECT_TRUE(carry_by(std::move(forwarding), photo()));
    EXPECT_EQ(reports.at(0).route, Route::multipart);
}

TEST_F(RouteCourierTest, LetsTelegramFetchByAPresignedAddress) {
    auto fetching = route_options();
    fetching.url_mode = UrlMode::presigned;
    const auto upload = photo();
    const auto sent = carry_by(std::move(fetching), upload);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(sent->actual_kind, MediaKind::photo);
    EXPECT_EQ(sent->bytes, upload.bytes);
    EXPECT_EQ(reports.at(0).route, Route::url);
    EXPECT_EQ(reports.at(0).saved_bytes, upload.bytes);
    EXPECT_EQ(reports.at(0).downloaded_bytes, 0U);
}

TEST_F(RouteCourierTest, GivesEachContentOfAKeyAnAddressOfItsOwn) {
    auto upload = photo();
    std::vector<std::string> forms;
    test::ScriptedServer server{
        loop, [&](test::Connection& connection) -> asio::awaitable<void> {
            const auto head = co_await connection.read_head();
            forms.push_back(co_await connection.read_bytes(connection.body_size(head)));
            co_await connection.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        }};
    auto fetching = route_options();
    fetching.url_mode = UrlMode::public_address;
    fetching.public_base_url = "https://media.example.org/m";
    fetching.telegram_api_url = server.url("");
    RouteCourier routes{*courier, telegram, std::move(fetching)};
    upload.r2_key = "a b/+.jpg";
    upload.event_id = "first";
    const auto carry_and_stop = [&]() -> asio::awaitable<void> {
        (void)co_await routes.carry(upload, errand);
        upload.media.sha256 = sha256_of("another content");
        (void)co_await routes.carry(upload, errand);
        upload.event_id = "again";
        (void)co_await routes.carry(upload, errand);
        server.stop();
    };
    test::run_to_end(loop, carry_and_stop());
    ASSERT_EQ(forms.size(), 3U);
    EXPECT_THAT(forms[0], HasSubstr("https://media.example.org/m/a%20b/%2B.jpg?sha256=" +
                                    sha256_of(bytes_of(test::sample_of(MediaKind::photo))).hex()));
    EXPECT_THAT(forms[0], HasSubstr("&event=first"));
    EXPECT_THAT(forms[1], HasSubstr("sha256=" + upload.media.sha256.hex() + "&event=first"));
    EXPECT_THAT(forms[2], HasSubstr("&event=again"));
}

TEST_F(RouteCourierTest, LeavesAnAddressOpenWhereTheChatRefuses) {
    test::put_faults(loop, sandbox.url(),
                     R"([{"side": "telegram", "method": "sendPhoto", "times": 1, "status": 403,
                           "description": "Forbidden: bot was kicked from the channel chat"}])");
    auto fetching = route_options();
    fetching.url_mode = UrlMode::presigned;
    RouteCourier routes{*courier, telegram, std::move(fetching)};
    const auto upload = photo();
    EXPECT_EQ(run(routes.carry(upload, errand)).error().kind, FailureKind::chat_refused);
    EXPECT_TRUE(run(routes.carry(upload, errand)));
    EXPECT_EQ(reports.at(1).route, Route::url);
}

TEST_F(RouteCourierTest, RemembersAnAddressThatFailed) {
    auto upload = photo();
    upload.r2_key = "nothing-there";
    auto fetching = route_options();
    fetching.url_mode = UrlMode::presigned;
    RouteCourier routes{*courier, telegram, std::move(fetching)};
    const auto closed = run(routes.carry(upload, errand));
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().kind, FailureKind::way_closed);
    EXPECT_THAT(closed.error().detail, Not(HasSubstr("X-Amz"))) << "a URL lets anybody in";
    const auto missing = run(routes.carry(upload, errand));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, FailureKind::not_found) << "it was streamed";
    EXPECT_EQ(stats().at("telegram").at("requests").at("sendPhoto").to_number<int>(), 1);
}

TEST_F(RouteCourierTest, KnowsBeforehandWhatIsTooLarge) {
    Upload upload;
    upload.media = {.bot_slug = "cats", .kind = MediaKind::video};
    upload.bytes = 60'000'000;
    const auto refused = carry_by(route_options(), upload);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureKind::too_large);
    EXPECT_TRUE(reports.empty());
}

TEST_F(RouteCourierTest, GivesTelegramNothingThatCannotBeNoted) {
    errand.before_posting = []() -> Task<> {
        co_return Failure{FailureKind::unavailable, "postgres"};
    };
    auto fetching = route_options();
    fetching.url_mode = UrlMode::presigned;
    EXPECT_FALSE(carry_by(std::move(fetching), photo()));
    EXPECT_FALSE(carry_by(route_options(), photo()));
    EXPECT_EQ(telegram_requests(), 0U);
}

}  // namespace
}  // namespace prewarm
