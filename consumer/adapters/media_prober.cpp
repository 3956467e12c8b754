#include "consumer/adapters/media_prober.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/log/log.hpp"
#include "common/probe/probe.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

// What is declared is an extra: it may delay its media by this much.
constexpr auto probe_time = 20s;

// Two hours of video have an index of several megabytes, and are far larger themselves.
probe::Limits limits_for(std::uint64_t size_bytes, Deadline deadline) {
    probe::Limits limits{.deadline = deadline};
    limits.read_bytes = std::max(limits.read_bytes, size_bytes / 64);
    return limits;
}

void fill_in(telegram::OutgoingMedia& media, probe::Found found) {
    auto& told = media.attributes;
    if (told.width == 0) told.width = found.width;
    if (told.height == 0) told.height = found.height;
    if (told.duration.count() == 0) told.duration = found.duration;
    if (told.title.empty()) told.title = std::move(found.title);
    if (told.performer.empty()) told.performer = std::move(found.performer);
    if (media.thumbnail.empty()) media.thumbnail = std::move(found.thumbnail);
}

}  // namespace

bool needs_probe(const telegram::OutgoingMedia& media, std::uint64_t size_bytes) {
    if (size_bytes <= analysed_up_to_bytes) return false;
    const auto& told = media.attributes;
    const bool lacks_length = told.duration.count() == 0 || media.thumbnail.empty();
    switch (media.kind) {
        case MediaKind::video:
        case MediaKind::animation:
            return lacks_length || told.width == 0 || told.height == 0;
        case MediaKind::audio:
            return lacks_length;
        case MediaKind::photo:
        case MediaKind::voice:
        case MediaKind::video_note:
        case MediaKind::document:
        case MediaKind::sticker:
            return false;
    }
    return false;
}

/// One probe's questions, and the loop's answers. Both threads own it; the loop's answers until it
/// breaks off, after which every question fails at once.
class MediaProber::RemoteBytes : public probe::ByteSource,
                                 public std::enable_shared_from_this<RemoteBytes> {
public:
    struct Range {
        std::uint64_t first = 0;
        std::size_t size = 0;
    };

    RemoteBytes(asio::any_io_executor loop, std::uint64_t size_bytes, Deadline deadline)
        : loop_{std::move(loop)},
          asked_{never(loop_)},
          size_bytes_{size_bytes},
          deadline_{deadline} {}

    // On the pool's thread:
    std::uint64_t size_bytes() const override { return size_bytes_; }
    Result<> read_at(std::uint64_t offset, std::span<std::uint8_t> into) override;

    // On the loop's:
    asio::awaitable<Range> question();
    void answer(Result<std::string> bytes);
    void break_off();
    std::uint64_t read_bytes() const { return read_bytes_; }
    int reads() const { return reads_; }

private:
    asio::any_io_executor loop_;
    asio::steady_timer asked_;  ///< Cancelled on the loop when there may be a question.
    std::uint64_t size_bytes_;
    Deadline deadline_;
    std::uint64_t read_bytes_ = 0;
    int reads_ = 0;

    std::mutex mutex_;  ///< For the rest.
    std::condition_variable changed_;
    std::optional<Range> question_;
    std::optional<Result<std::string>> answer_;
    bool is_broken_off_ = false;
};

Result<> MediaProber::RemoteBytes::read_at(std::uint64_t offset, std::span<std::uint8_t> into) {
    std::unique_lock lock{mutex_};
    if (!is_broken_off_) {
        question_ = Range{offset, into.size()};
        asio::post(loop_, [self = shared_from_this()] { self->asked_.cancel(); });
    }
    // The loop keeps to the deadline, as long as it runs.
    changed_.wait_until(lock, deadline_ + 1s, [&] { return answer_ || is_broken_off_; });
    if (!answer_) {
        is_broken_off_ = true;
        return Failure{FailureKind::transient, "the probe was broken off"};
    }
    const auto bytes = *std::exchange(answer_, std::nullopt);
    if (!bytes) return bytes.error();
    std::ranges::copy(*bytes, into.begin());
    return {};
}

asio::awaitable<MediaProber::RemoteBytes::Range> MediaProber::RemoteBytes::question() {
    for (;;) {
        {
            const std::lock_guard lock{mutex_};
            if (question_) co_return *std::exchange(question_, std::nullopt);
        }
        co_await wake_up(asked_);
    }
}

void MediaProber::RemoteBytes::answer(Result<std::string> bytes) {
    ++reads_;
    if (bytes) read_bytes_ += bytes->size();
    const std::lock_guard lock{mutex_};
    answer_ = std::move(bytes);
    changed_.notify_one();
}

void MediaProber::RemoteBytes::break_off() {
    const std::lock_guard lock{mutex_};
    is_broken_off_ = true;
    changed_.notify_one();
}

MediaProber::MediaProber(s3::ObjectReader& reader, std::size_t at_once)
    : reader_{reader}, threads_{at_once} {}

MediaProber::~MediaProber() {
    // Nobody may be left on the loop to answer them.
    for (const auto& probe : at_work_) {
        if (const auto bytes = probe.lock()) bytes->break_off();
    }
}

asio::awaitable<void> MediaProber::serve(std::shared_ptr<RemoteBytes> bytes, s3::ObjectName object,
                                         s3::Version version, Deadline deadline) {
    // However this ends, nobody waits for an answer.
    struct BreaksOff {
        RemoteBytes& bytes;
        ~BreaksOff() { bytes.break_off(); }
    } breaks_off{*bytes};
    for (;;) {
        const auto range = co_await bytes->question();
        const auto read = [&] {
            return reader_.read_range(object, version, range.first, range.size, deadline);
        };
        auto piece = co_await read();
        // One break is nothing unusual, and would cost the media its attributes for good.
        if (!piece && piece.error().kind == FailureKind::transient) piece = co_await read();
        bytes->answer(std::move(piece));
    }
}

asio::awaitable<std::uint64_t> MediaProber::complete(telegram::OutgoingMedia& media,
                                                     const Upload& upload, s3::ObjectName object,
                                                     s3::Version version, Deadline deadline) {
    const auto began = std::chrono::steady_clock::now();
    deadline = std::min(deadline, began + probe_time);
    const auto executor = co_await asio::this_coro::executor;
    const auto limits = limits_for(version.size_bytes, deadline);
    const auto bytes = std::make_shared<RemoteBytes>(executor, version.size_bytes, deadline);
    std::erase_if(at_work_, [](const auto& probe) { return probe.expired(); });
    at_work_.push_back(bytes);

    auto probing = threads_.run([bytes, limits] { return probe::probe(*bytes, limits); });
    // The serving ends with the probe; the probe by itself, since nobody answers any more.
    struct ProbeDecides {
        asio::cancellation_type operator()(const std::exception_ptr&) const {
            return asio::cancellation_type::none;
        }
        asio::cancellation_type operator()(const std::exception_ptr&,
                                           const Result<probe::Found>&) const {
            return asio::cancellation_type::terminal;
        }
    };
    auto [order, unserved, thrown, found] =
        co_await asio::experimental::make_parallel_group(
            asio::co_spawn(executor, serve(bytes, std::move(object), std::move(version), deadline),
                           asio::deferred),
            asio::co_spawn(executor, std::move(probing), asio::deferred))
            .async_wait(ProbeDecides{}, asio::use_awaitable);
    co_await throw_if_cancelled();
    if (thrown) std::rethrow_exception(thrown);

    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    log::Fields fields{{"bot_slug", upload.media.bot_slug},
                       {"sha256", upload.media.sha256.hex()},
                       {"read_bytes", bytes->read_bytes()},
                       {"reads", bytes->reads()},
                       {"took_ms", took.count()}};
    if (found) {
        fill_in(media, std::move(*found));
        fields.emplace_back("width", media.attributes.width);
        fields.emplace_back("height", media.attributes.height);
        fields.emplace_back("duration_ms", media.attributes.duration.count());
        fields.emplace_back("thumbnail_bytes", media.thumbnail.size());
        log::info("courier.probed", "what the upload did not tell was found out", fields);
    } else {
        fields.emplace_back("error", found.error().detail);
        log::warn("courier.not_probed", "the media is sent without what its upload did not tell",
                  fields);
    }
    co_return bytes->read_bytes();
}

}  // namespace prewarm
