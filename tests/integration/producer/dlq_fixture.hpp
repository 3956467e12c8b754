/// Dead letters in a queue of the test's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/events/upload_event.hpp"
#include "common/runtime/deadline.hpp"
#include "tests/integration/producer/prewarmctl_fixture.hpp"

namespace prewarm::producer {

class DlqTest : public PrewarmctlTest {
protected:
    DlqTest() {
        make_topology();
        publishing = new_channel();
        must(run_coroutine(publishing->confirm_publishes(soon())));
    }

    Upload upload(int number) const {
        Upload upload;
        upload.event_id = fmt::format("event-{}", number);
        upload.occurred_at = std::chrono::system_clock::now();
        upload.media = {
            .bot_slug = bot, .sha256 = sha256_of(upload.event_id), .kind = MediaKind::photo};
        upload.r2_key = fmt::format("photos/{}.jpg", number);
        upload.bytes = 1000;
        return upload;
    }

    /// As the service dead-letters it.
    amqp::Message letter(int number, const std::string& reason = "OBJECT_MISSING") const {
        const auto event = upload(number);
        amqp::Message message;
        message.body = events::encode_upload(event);
        message.content_type = events::protobuf_content_type;
        message.type = events::upload_type;
        message.message_id = event.event_id;
        message.priority = 6;
        message.headers.set("traceparent", fmt::format("00-{}", number));
        message.headers.set("x-prewarm-reason", reason);
        message.headers.set("x-prewarm-detail",
                            fmt::format("transfer: GET media/photos/{}.jpg: HTTP 404", number));
        message.headers.set("x-prewarm-attempts", std::int64_t{1});
        message.headers.set("x-prewarm-first-seen", "2026-11-20T00:00:00.000Z");
        message.headers.set("x-prewarm-failed-at", "2026-11-21T10:50:12.123Z");
        message.headers.set("x-prewarm-instance", "host-1");
        message.headers.set("x-prewarm-replays", std::int64_t{0});
        return message;
    }

    /// They are in the dead letters' queue when this ends.
    void put(const std::vector<amqp::Message>& messages) {
        amqp::ChannelEvents events;
        events.on_confirm = [this](amqp::Confirm confirm) { confirmed = confirm.number; };
        publishing->listen(std::move(events));
        for (const auto& message : messages) {
            must(publishing->publish("", names.dead_letter_queue, message, true));
            ++published;
        }
        while (confirmed < published)
            must(run_coroutine(pause()));
    }

    void put_letters(int count) {
        std::vector<amqp::Message> letters;
        for (int number = 0; number < count; ++number)
            letters.push_back(letter(number));
        put(letters);
    }

    static Task<> pause() {
        co_await sleep_for(5ms);
        co_return Result<>{};
    }

    std::uint32_t messages_in(const std::string& queue) {
        return must(run_coroutine(channel->inspect_queue(queue, soon()))).ready_messages;
    }

    void wait_for_messages_in(const std::string& queue, std::uint32_t count) {
        while (messages_in(queue) < count)
            must(run_coroutine(pause()));
    }

    test::ProgramEnd dlq(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "dlq");
        return run(std::move(arguments));
    }

    std::unique_ptr<test::Program> start_dlq(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "dlq");
        return std::make_unique<test::Program>(PREWARMCTL, std::move(arguments), variables);
    }

    /// One field of each object that a command prints.
    static std::vector<std::string> field(const test::ProgramEnd& ended, const std::string& name) {
        std::vector<std::string> values;
        for (const auto& object : objects(ended.out))
            values.emplace_back(object.at(name).as_string());
        return values;
    }

    std::vector<std::string> listed(std::vector<std::string> arguments = {}) {
        arguments.insert(arguments.begin(), {"list", "--json"});
        const auto ended = dlq(std::move(arguments));
        EXPECT_EQ(ended.status, 0) << ended.err;
        return field(ended, "event_id");
    }

    /// The message ids of what is in the service's queue, which is empty afterwards.
    std::vector<std::string> queued_ids() {
        std::vector<std::string> ids;
        for (const auto& message : queued())
            ids.push_back(message.message_id);
        return ids;
    }

    static std::vector<std::string> event_ids(int count) {
        std::vector<std::string> ids;
        for (int number = 0; number < count; ++number)
            ids.push_back(fmt::format("event-{}", number));
        return ids;
    }

    std::shared_ptr<amqp::Channel> publishing;
    std::uint64_t published = 0;
    std::uint64_t confirmed = 0;
};

}  // namespace prewarm::producer
