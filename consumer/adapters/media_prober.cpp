#include "consumer/adapters/media_prober.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "common/log/log.hpp"
#include "common/probe/wire.hpp"
#include "common/runtime/wait.hpp"
#include "consumer/adapters/probe_process.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

// What is declared is an extra: it may delay its media by this much.
constexpr auto probe_time = 20s;
// And by this much more where many are probed: what is not declared stays wrong for good.
constexpr auto longest_wait_for_room = 60s;
// The last of it is for what was found out so far.
constexpr auto time_to_tell = 2s;
constexpr std::uint64_t most_asked_bytes = 256 * 1024;

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

std::string probe_program_beside_us() {
    std::error_code error;
    const auto us = std::filesystem::read_symlink("/proc/self/exe", error);
    return (us.parent_path() / "prewarm-probe").string();
}

/// For so many at once. Whoever is in has it alive, since it may outlive the prober.
class MediaProber::Room {
public:
    explicit Room(std::size_t at_once) : free_{at_once} {}

    class Stay {
    public:
        explicit Stay(std::shared_ptr<Room> room) : room_{std::move(room)} { --room_->free_; }
        Stay(Stay&& other) noexcept = default;
        Stay& operator=(Stay&&) = delete;
        ~Stay() {
            if (!room_) return;
            ++room_->free_;
            if (room_->left_) room_->left_->cancel();
        }

    private:
        std::shared_ptr<Room> room_;
    };

    static asio::awaitable<Stay> enter(std::shared_ptr<Room> room) {
        if (!room->left_) room->left_.emplace(never(co_await asio::this_coro::executor));
        while (room->free_ == 0)
            co_await wake_up(*room->left_);
        co_return Stay{std::move(room)};
    }

private:
    std::size_t free_;
    std::optional<asio::steady_timer> left_;
};

MediaProber::MediaProber(s3::ObjectReader& reader, std::string program, std::size_t at_once)
    : reader_{reader}, program_{std::move(program)}, room_{std::make_shared<Room>(at_once)} {}

Task<std::string> MediaProber::read(const s3::ObjectName& object, const s3::Version& version,
                                    const probe::Limits& limits, std::uint64_t first,
                                    std::uint64_t size, Reads& reads) {
    if (size == 0 || size > limits.read_bytes - reads.bytes || first > version.size_bytes ||
        size > version.size_bytes - first || size > most_asked_bytes)
        co_return Failure{FailureKind::refused, "the probe asks for what it must not have"};
    const auto once = [&] {
        return reader_.read_range(object, version, first, static_cast<std::size_t>(size),
                                  limits.deadline);
    };
    auto piece = co_await once();
    // One break is nothing unusual, and would cost the media its attributes for good.
    if (!piece && piece.error().kind == FailureKind::transient) piece = co_await once();
    if (piece) reads.bytes += size;
    ++reads.count;
    co_return std::move(piece);
}

Task<probe::Found> MediaProber::probe(const s3::ObjectName& object, const s3::Version& version,
                                      Deadline deadline, Reads& reads) {
    const auto stay = co_await Room::enter(room_);
    const auto until = std::min(deadline, deadline_in(probe_time));
    co_return co_await with_deadline(until, probe_now(object, version, until, reads), "the probe");
}

Task<probe::Found> MediaProber::probe_now(const s3::ObjectName& object, const s3::Version& version,
                                          Deadline deadline, Reads& reads) {
    const auto limits = limits_for(version.size_bytes, deadline - time_to_tell);
    auto process = ProbeProcess::start(co_await asio::this_coro::executor, program_,
                                       version.size_bytes, limits);
    if (!process) co_return process.error();
    std::optional<Failure> of_r2;
    for (;;) {
        const auto message = co_await process->message();
        if (!message) co_return message.error();
        if (message->is_result != 0) {
            auto found = co_await process->result(message->size);
            if (!found && of_r2) co_return *of_r2;
            co_return std::move(found);
        }
        auto piece = co_await read(object, version, limits, message->first, message->size, reads);
        if (!piece) of_r2 = piece.error();
        const auto told = co_await process->answer(piece ? std::move(*piece) : std::string{});
        if (!told) co_return told.error();
    }
}

asio::awaitable<std::uint64_t> MediaProber::complete(telegram::OutgoingMedia& media,
                                                     const Upload& upload, s3::ObjectName object,
                                                     s3::Version version, Deadline deadline) {
    const auto began = std::chrono::steady_clock::now();
    deadline = std::min(deadline, began + longest_wait_for_room + probe_time);
    Reads reads;
    auto found = co_await with_deadline(deadline, probe(object, version, deadline, reads),
                                        "waiting for a probe");
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    log::Fields fields{{"bot_slug", upload.media.bot_slug},
                       {"sha256", upload.media.sha256.hex()},
                       {"read_bytes", reads.bytes},
                       {"reads", reads.count},
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
    co_return reads.bytes;
}

}  // namespace prewarm
