/// A courier between the two halves of a sandbox.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/s3/object_writer.hpp"
#include "consumer/adapters/r2_telegram_courier.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/sandbox_process.hpp"
#include "tests/support/scripted_server.hpp"

namespace prewarm {

using namespace std::chrono_literals;

class CourierTest : public testing::Test {
protected:
    static s3::Endpoint endpoint_at(const std::string& url) {
        return *s3::Endpoint::at(url, {"sandbox-access-key", Secret{"sandbox-secret-key"}});
    }

    CourierOptions options() {
        return {.r2 = endpoint_at(sandbox.url()),
                .r2_bucket = "media",
                .telegram_api_url = sandbox.url(),
                .token_of = [](std::string_view slug) -> std::optional<Secret> {
                    if (slug != "cats") return std::nullopt;
                    return Secret{"123456:secret-of-the-bot-that-is-carried-for"};
                },
                .any_token = [] { return Secret{"123456:secret-of-the-bot-that-is-carried-for"}; },
                .on_carried = [this](const Upload&,
                                     const CarryReport& one) { reports.push_back(one); }};
    }

    /// With other options than these.
    void use(CourierOptions changed) {
        courier = std::make_unique<R2TelegramCourier>(r2, telegram, std::move(changed));
    }

    template <class T>
    T run(asio::awaitable<T> task) {
        return test::run_to_end(loop, std::move(task));
    }

    void put(const std::string& key, std::string bytes, std::string mime_type = "") {
        s3::ObjectWriter writer{r2, own_r2};
        const auto stored = run(
            writer.put({"media", key}, std::move(bytes), std::move(mime_type), deadline_in(60s)));
        ASSERT_TRUE(stored) << stored.error().detail;
    }

    /// An object in R2, and the event that announces it.
    Upload uploaded(MediaKind kind, std::string bytes) {
        Upload upload;
        upload.media = {.bot_slug = "cats", .sha256 = sha256_of(bytes), .kind = kind};
        upload.r2_key = "object";
        upload.bytes = bytes.size();
        put(upload.r2_key, std::move(bytes));
        return upload;
    }

    /// To this chat, with nobody to ask before it is posted.
    static warm::Errand errand_to(std::int64_t chat_id) {
        return {.turn = {.chat_id = chat_id, .permit = {}},
                .size_is_known = [](std::uint64_t) { return Result<>{}; },
                .before_posting = []() -> Task<> { co_return Result<>{}; }};
    }
    warm::Errand errand = errand_to(-100123);

    Result<Sent> carry(const Upload& upload) { return run(courier->carry(upload, errand)); }

    std::string ask(const std::string& path) {
        http::Client other{loop.get_executor(), {}};
        return run(other.send({.method = http::Method::get,
                               .url = Secret{sandbox.url() + path},
                               .what = path,
                               .headers = {},
                               .body = {},
                               .deadline = deadline_in(60s)},
                              10'000'000))
            ->body;
    }

    /// What was posted, oldest first.
    std::vector<boost::json::object> received() {
        std::vector<boost::json::object> postings;
        const auto lines = ask("/sandbox/received");
        for (std::size_t at = 0; at < lines.size();) {
            const auto end = lines.find('\n', at);
            postings.push_back(boost::json::parse(lines.substr(at, end - at)).as_object());
            at = end + 1;
        }
        return postings;
    }

    boost::json::value stats() { return boost::json::parse(ask("/sandbox/stats")); }

    std::uint64_t telegram_requests() {
        std::uint64_t requests = 0;
        for (const auto& method : stats().at("telegram").at("requests").as_object())
            requests += method.value().to_number<std::uint64_t>();
        return requests;
    }

    // Not those that the environment may hold for another server.
    test::SandboxProcess sandbox{PREWARM_SANDBOX,
                                 {"--bucket", "media", "--access-key-id", "sandbox-access-key",
                                  "--secret-access-key", "sandbox-secret-key", "--region", "auto"}};
    asio::io_context loop;
    http::Client r2{loop.get_executor(), {}};
    http::Client telegram{loop.get_executor(), telegram::client_options()};
    s3::Endpoint own_r2 = endpoint_at(sandbox.url());
    std::vector<CarryReport> reports;
    std::unique_ptr<R2TelegramCourier> courier =
        std::make_unique<R2TelegramCourier>(r2, telegram, options());
};

/// Bytes that show where they were cut, repeated or swapped.
inline std::string numbered(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i)
        text += std::to_string(i) + ',';
    text.resize(size);
    return text;
}

}  // namespace prewarm
