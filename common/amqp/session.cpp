#include "common/amqp/session.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "common/amqp/properties.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm::amqp {
namespace {

// RabbitMQ's own limit. Larger frames would gain nothing for messages of ours.
constexpr std::uint32_t largest_frame = 128 * 1024;
// What the broker adds to a message's headers (x-death, x-delivery-count) makes a frame larger
// than was agreed on, and must not cost the connection. Headers of that size, nested as deep as
// they can be, take librabbitmq 3 MiB of stack.
constexpr std::uint32_t frame_margin = 16 * 1024;
constexpr std::uint32_t smallest_frame = 4096;  // The protocol's: what fits before tuning.
constexpr std::uint16_t most_channels = 64;
// librabbitmq's name for "AMQP" and the version a server speaks; not in its public headers.
constexpr std::uint8_t protocol_header_frame = 'A';
// A buffer that a burst made larger than this is not kept.
constexpr std::size_t kept_buffer = 256 * 1024;

FieldTable client_properties(const std::string& name) {
    FieldTable capabilities;
    for (const auto* capability : {"consumer_cancel_notify", "connection.blocked", "basic.nack",
                                   "publisher_confirms", "authentication_failure_close"})
        capabilities.set(capability, true);
    FieldTable properties;
    properties.set("product", "prewarm");
    properties.set("version", PREWARM_VERSION);
    properties.set("connection_name", name);
    properties.set("capabilities", std::move(capabilities));
    return properties;
}

Failure unexpected(const amqp_frame_t& frame) {
    if (frame.frame_type == protocol_header_frame) {
        return {FailureKind::misconfigured, "what listens there does not speak AMQP 0-9-1"};
    }
    return {FailureKind::unavailable, "RabbitMQ sent a frame that has no place there"};
}

/// Who can mend it: 403 is a wrong name or password, 530 a vhost that is missing or forbidden.
Failure closed_by_broker(const amqp_connection_close_t& close) {
    const bool ours =
        close.reply_code == AMQP_ACCESS_REFUSED || close.reply_code == AMQP_NOT_ALLOWED;
    return {ours ? FailureKind::misconfigured : FailureKind::unavailable,
            "RabbitMQ closed the connection: " + std::to_string(close.reply_code) + " " +
                std::string{as_text(close.reply_text)}};
}

template <class Number>
Number agreed(Number theirs, Number ours) {  // Zero is "as you like".
    return theirs == 0 ? ours : std::min(theirs, ours);
}

}  // namespace

Session::Session(asio::any_io_executor executor, std::unique_ptr<Transport> transport)
    : executor_{executor},
      transport_{std::move(transport)},
      encoder_{smallest_frame},
      to_write_{never(executor)},
      beat_{executor},
      lost_timer_{never(executor)} {}

// ---- handshake ------------------------------------------------------------------

Task<> Session::shake_hands(BrokerAddress address, std::string name,
                            std::chrono::seconds heartbeat) {
    broker_ = address.shown();
    Encoder::append_protocol_header(queued_);
    auto frame = co_await exchange(AMQP_CONNECTION_START_METHOD);
    if (!frame) co_return frame.error();
    const auto& start = *static_cast<amqp_connection_start_t*>(frame->payload.method.decoded);
    if (!as_text(start.mechanisms).contains("PLAIN"))
        co_return Failure{FailureKind::misconfigured, "RabbitMQ does not offer PLAIN logins"};

    auto queued = queue_start_ok(address, name);
    if (!queued) co_return queued;
    frame = co_await exchange(AMQP_CONNECTION_TUNE_METHOD);
    if (!frame) co_return frame.error();

    auto tuned = tune(*static_cast<amqp_connection_tune_t*>(frame->payload.method.decoded),
                      static_cast<std::uint16_t>(heartbeat.count()));
    if (!tuned) co_return tuned;
    amqp_connection_open_t open{};
    open.virtual_host = as_bytes(address.vhost);
    queued = send(0, AMQP_CONNECTION_OPEN_METHOD, &open);
    if (!queued) co_return queued;
    frame = co_await exchange(AMQP_CONNECTION_OPEN_OK_METHOD);
    if (!frame) co_return frame.error();
    co_return Result<>{};
}

/// Sends what is queued and gives the next frame, which must hold this method.
Task<amqp_frame_t> Session::exchange(amqp_method_number_t method) {
    boost::system::error_code error;
    co_await transport_->write(asio::buffer(queued_), error);
    queued_.clear();
    while (!error) {
        auto frame = decoder_.decode(unread_);
        if (!frame) co_return frame.error();
        if (*frame) {
            const auto& found = **frame;
            if (found.frame_type == AMQP_FRAME_HEARTBEAT) continue;
            if (found.frame_type != AMQP_FRAME_METHOD || found.channel != 0)
                co_return unexpected(found);
            if (found.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD) {
                co_return closed_by_broker(
                    *static_cast<amqp_connection_close_t*>(found.payload.method.decoded));
            }
            if (found.payload.method.id != method) co_return unexpected(found);
            co_return found;
        }
        const auto size = co_await transport_->read_some(asio::buffer(input_), error);
        unread_ = std::span{input_}.first(size);
    }
    co_await throw_if_cancelled();
    co_return Failure{FailureKind::unavailable,
                      "the connection ended while it was being made: " + error.message()};
}

Result<> Session::queue_start_ok(const BrokerAddress& address, const std::string& name) {
    const auto properties = client_properties(name);
    WireTable table;
    auto written = table.write(properties);
    if (!written) return written;
    const std::string response =
        std::string(1, '\0') + address.user + std::string(1, '\0') + address.password.reveal();
    amqp_connection_start_ok_t start_ok{};
    start_ok.client_properties = table.encodable();
    start_ok.mechanism = as_bytes("PLAIN");
    start_ok.response = as_bytes(response);
    start_ok.locale = as_bytes("en_US");
    return send(0, AMQP_CONNECTION_START_OK_METHOD, &start_ok);
}

Result<> Session::tune(const amqp_connection_tune_t& theirs, std::uint16_t heartbeat) {
    amqp_connection_tune_ok_t tune_ok{};
    tune_ok.channel_max = agreed(theirs.channel_max, most_channels);
    tune_ok.frame_max = agreed(theirs.frame_max, largest_frame);
    tune_ok.heartbeat = agreed(theirs.heartbeat, heartbeat);
    if (tune_ok.frame_max < smallest_frame)
        return Failure{FailureKind::misconfigured, "RabbitMQ's frame_max is below 4096"};

    auto accepted = decoder_.accept_frames_to(tune_ok.frame_max + frame_margin);
    if (!accepted) return accepted;
    channel_max_ = tune_ok.channel_max;
    heartbeat_ = std::chrono::seconds{tune_ok.heartbeat};
    auto queued = send(0, AMQP_CONNECTION_TUNE_OK_METHOD, &tune_ok);
    encoder_.emplace(tune_ok.frame_max);
    return queued;
}

// ---- the three loops --------------------------------------------------------------

void Session::start() {
    heard_at_ = sent_at_ = Clock::now();
    spawn(read());
    spawn(write());
    spawn(watch_heartbeats());
}

void Session::spawn(asio::awaitable<void> loop) {
    asio::co_spawn(executor_, std::move(loop), [self = shared_from_this()](std::exception_ptr bug) {
        if (bug) std::rethrow_exception(bug);
    });
}

asio::awaitable<void> Session::read() {
    boost::system::error_code error;
    take(unread_);
    while (!lost_) {
        const auto size = co_await transport_->read_some(asio::buffer(input_), error);
        if (error) {
            fail({FailureKind::unavailable, "the connection was lost: " + error.message()});
            break;
        }
        heard_at_ = Clock::now();
        take(std::span{input_}.first(size));
    }
}

asio::awaitable<void> Session::write() {
    boost::system::error_code error;
    while (!lost_) {
        if (queued_.empty()) {
            co_await wake_up(to_write_);
            continue;
        }
        std::swap(queued_, writing_);
        co_await transport_->write(asio::buffer(writing_), error);
        if (error) {
            fail({FailureKind::unavailable, "the connection was lost: " + error.message()});
            break;
        }
        sent_at_ = Clock::now();
        writing_.clear();
        if (writing_.capacity() > kept_buffer) writing_ = {};
    }
}

asio::awaitable<void> Session::watch_heartbeats() {
    if (heartbeat_ == heartbeat_.zero()) co_return;
    const auto interval = heartbeat_ / 2;
    while (!lost_) {
        beat_.expires_after(interval);
        co_await wake_up(beat_);
        if (lost_) break;
        const auto now = Clock::now();
        if (now - heard_at_ > 2 * heartbeat_) {
            fail({FailureKind::unavailable,
                  "the connection was given up: RabbitMQ was silent for "
                  "two heartbeats"});
        } else if (now - sent_at_ >= interval && queued_bytes() == 0) {
            Encoder::append_heartbeat(queued_);
            to_write_.cancel();
        }
    }
}

// ---- incoming -----------------------------------------------------------------------

void Session::take(std::span<const char> bytes) {
    while (!lost_) {
        auto frame = decoder_.decode(bytes);
        if (!frame) return fail(std::move(frame.error()));
        if (!*frame) return;
        auto taken = take(**frame);
        if (!taken) return fail(std::move(taken.error()));
    }
}

Result<> Session::take(const amqp_frame_t& frame) {
    if (frame.frame_type == AMQP_FRAME_HEARTBEAT) return {};
    if (frame.channel == 0) {
        if (frame.frame_type != AMQP_FRAME_METHOD) return unexpected(frame);
        return take_connection_method(frame.payload.method);
    }
    const auto found = channels_.find(frame.channel);
    if (found == channels_.end()) return unexpected(frame);
    const auto channel = found->second;  // It may be forgotten while it takes the frame.
    return channel->take(frame);
}

Result<> Session::take_connection_method(const amqp_method_t& method) {
    switch (method.id) {
        case AMQP_CONNECTION_BLOCKED_METHOD:
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
            blocked_ = method.id == AMQP_CONNECTION_BLOCKED_METHOD;
            if (const auto told = on_blocked_) told();
            return {};
        case AMQP_CONNECTION_CLOSE_METHOD:
            return closed_by_broker(*static_cast<amqp_connection_close_t*>(method.decoded));
        case AMQP_CONNECTION_CLOSE_OK_METHOD:
            return Failure{FailureKind::unavailable, "the connection was closed"};
        default:
            return Failure{FailureKind::unavailable, "RabbitMQ sent a method that has no place"};
    }
}

// ---- outgoing -----------------------------------------------------------------------

Result<> Session::send(std::uint16_t channel, amqp_method_number_t method, const void* fields) {
    auto appended = encoder_->append_method(queued_, channel, method, fields);
    to_write_.cancel();
    return appended;
}

Result<> Session::send(std::uint16_t channel, const amqp_basic_publish_t& publish,
                       const Message& message) {
    auto appended = encoder_->append_publish(queued_, channel, publish, message);
    to_write_.cancel();
    return appended;
}

Task<std::shared_ptr<Channel>> Session::open_channel(Deadline deadline) {
    const auto self = shared_from_this();
    if (lost_) co_return *lost_;
    std::uint16_t number = 1;
    while (channels_.contains(number))
        ++number;
    if (number > channel_max_) {
        co_return Failure{FailureKind::transient, "the connection has no channel left: " +
                                                      std::to_string(channel_max_) + " are open"};
    }
    const auto core = std::make_shared<ChannelCore>(*this, number);
    channels_.emplace(number, core);
    std::shared_ptr<Channel> channel{new Channel{self, core}};

    const amqp_channel_open_t open{};
    auto opened = co_await core->call(AMQP_CHANNEL_OPEN_METHOD, &open, deadline);
    if (!opened) co_return opened.error();
    co_return channel;
}

// ---- the end ------------------------------------------------------------------------

void Session::fail(Failure why) {
    if (lost_) return;
    lost_ = std::move(why);
    transport_->close();
    to_write_.cancel();
    beat_.cancel();
    lost_timer_.cancel();
    on_blocked_ = {};
    for (const auto& [number, channel] : std::exchange(channels_, {}))
        channel->lost(*lost_);
}

asio::awaitable<void> Session::wait_lost() {
    const auto self = shared_from_this();
    while (!lost_)
        co_await wake_up(lost_timer_);
}

Task<> Session::close(Deadline deadline) {
    const auto self = shared_from_this();
    if (lost_) co_return Result<>{};
    amqp_connection_close_t close{};
    close.reply_code = AMQP_REPLY_SUCCESS;
    (void)send(0, AMQP_CONNECTION_CLOSE_METHOD, &close);
    const auto gone = [](std::shared_ptr<Session> session) -> Task<> {
        co_await session->wait_lost();
        co_return Result<>{};
    };
    auto closed = co_await with_deadline(deadline, gone(self), "closing the connection");
    fail({FailureKind::unavailable, "the connection was closed"});
    co_return closed;
}

}  // namespace prewarm::amqp
