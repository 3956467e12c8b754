#include "producer/line_publisher.hpp"

#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "producer/event_line.hpp"
#include "producer/output.hpp"
#include "producer/side_by_side.hpp"

namespace prewarm::producer {
namespace {

// Unconfirmed events at once: most of the broker's throughput (a confirm takes its disk's time).
constexpr int window = 64;

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

LinePublisher::LinePublisher(Runner& runner, LineSource& lines, UploadPublisher& publisher,
                             Invocation& invocation)
    : lines_{lines}, publisher_{publisher}, invocation_{invocation}, events_{runner.executor()} {}

asio::awaitable<void> LinePublisher::run() {
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(read());
    for (int worker = 0; worker < window; ++worker)
        tasks.push_back(publish());
    co_await side_by_side(std::move(tasks));
}

asio::awaitable<void> LinePublisher::read() {
    for (;;) {
        const auto line = co_await lines_.next();
        if (!line) {
            throw CommandError{ExitStatus::work_failed,
                               fmt::format("after line {}: {}", last_line_, line.error().detail)};
        }
        if (!*line) break;
        last_line_ = (*line)->number;
        if (is_blank((*line)->text)) continue;
        if ((*line)->too_long) {
            refuse(last_line_, fmt::format("longer than {} bytes", longest_line_bytes));
            continue;
        }
        const auto upload = event_of_line((*line)->text, std::chrono::system_clock::now());
        if (!upload) {
            refuse(last_line_, upload.error().detail);
            continue;
        }
        // Ends when it is taken: whatever is read has somebody to publish it.
        co_await events_.async_send({}, Event{last_line_, *upload}, asio::use_awaitable);
    }
    events_.close();
}

asio::awaitable<void> LinePublisher::publish() {
    for (;;) {
        boost::system::error_code closed;
        const auto [line, upload] =
            co_await events_.async_receive(asio::redirect_error(asio::use_awaitable, closed));
        if (closed) co_return;
        unconfirmed_.insert(line);
        const auto published = co_await publisher_.publish(upload);
        if (!published) throw command_error(Dependency::broker, published.error());
        unconfirmed_.erase(line);
        ++published_;
        if (invocation_.json) {
            print_json(invocation_.out,
                       {{"line", line}, {"result", "published"}, {"event_id", upload.event_id}});
        }
    }
}

void LinePublisher::refuse(std::uint64_t line, const std::string& why) {
    ++refused_;
    tell(invocation_.err, fmt::format("line {}: {}", line, why));
    if (invocation_.json)
        print_json(invocation_.out,
                   {{"line", line}, {"result", "refused"}, {"detail", shown(why)}});
}

void LinePublisher::tell_where_it_stopped() const {
    if (!unconfirmed_.empty()) {
        tell(invocation_.err, fmt::format("not confirmed, to be published again: line {}",
                                          fmt::join(unconfirmed_, ", ")));
    }
    if (last_line_ > 0)
        tell(invocation_.err, fmt::format("nothing behind line {} was published", last_line_));
}

ExitStatus LinePublisher::report() const {
    auto text = counted(published_, "event", "events") + " published";
    if (refused_ > 0) text += ", " + counted(refused_, "line is", "lines are") + " wrong";
    (invocation_.json ? invocation_.err : invocation_.out) << text << '\n';
    return refused_ > 0 ? ExitStatus::work_failed : ExitStatus::success;
}

}  // namespace prewarm::producer
