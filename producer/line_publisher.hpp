/// Events of a file, published as they are read.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include <boost/asio/experimental/channel.hpp>

#include "common/base/upload.hpp"
#include "producer/command.hpp"
#include "producer/line_source.hpp"
#include "producer/upload_publisher.hpp"

namespace prewarm::producer {

/// A line that is wrong is reported by its number and passed over. When the broker does not take
/// an event, no other would fare better, and it stops. One loop's thread; used once.
class LinePublisher {
public:
    static constexpr std::size_t longest_line_bytes = 1024 * 1024;

    /// All of them outlive it.
    LinePublisher(Runner& runner, LineSource& lines, UploadPublisher& publisher,
                  Invocation& invocation);

    /// Throws CommandError when it stops before the end of the lines.
    asio::awaitable<void> run();

    /// For when `run` did not end well: from where on the lines are to be published again.
    void tell_where_it_stopped() const;

    /// Tells how many it published, however it ended.
    ExitStatus report() const;

private:
    using Event = std::pair<std::uint64_t, Upload>;

    asio::awaitable<void> read();
    asio::awaitable<void> publish();
    void refuse(std::uint64_t line, const std::string& why);

    LineSource& lines_;
    UploadPublisher& publisher_;
    Invocation& invocation_;
    asio::experimental::channel<void(boost::system::error_code, Event)> events_;
    std::uint64_t last_line_ = 0;
    std::uint64_t published_ = 0;
    std::uint64_t refused_ = 0;
    std::set<std::uint64_t> unconfirmed_;  ///< Lines.
};

}  // namespace prewarm::producer
