#include "consumer/adapters/r2_telegram_courier.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "common/log/log.hpp"
#include "common/runtime/byte_pipe.hpp"
#include "common/telegram/file_name.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

// A thumbnail is an extra: it may delay its video by this much.
constexpr auto thumbnail_time = 15s;
constexpr auto check_time = 10s;

// No object is called so; asking for it takes the rights that reading any other takes.
constexpr auto key_of_nothing = ".prewarm-is-r2-there";

/// `refused` is Telegram's word on a file. A request that R2 refuses is our own fault.
Failure of_r2(Failure failure) {
    if (failure.kind == FailureKind::refused) failure.kind = FailureKind::misconfigured;
    failure.source = Dependency::r2;
    return failure;
}
Failure of_telegram(Failure failure) {
    failure.source = Dependency::telegram;
    return failure;
}

/// What the uploader called it may be what misled Telegram.
std::string file_name_of(const Upload& upload, bool insists) {
    const auto kind = upload.media.kind;
    if (insists) return telegram::file_name_for(kind, name_of(kind), {});
    return telegram::file_name_for(
        kind, upload.file_name.empty() ? upload.r2_key : upload.file_name, upload.mime_type);
}

/// When one of the two transfers ends, whether the other one is to be cancelled.
struct UploadDecides {
    asio::cancellation_type operator()(const std::exception_ptr& thrown,
                                       const Result<>& downloaded) const {
        return !thrown && downloaded ? asio::cancellation_type::none
                                     : asio::cancellation_type::terminal;
    }
    asio::cancellation_type operator()(const std::exception_ptr&, const telegram::Posting&) const {
        return asio::cancellation_type::terminal;
    }
};

}  // namespace

R2TelegramCourier::R2TelegramCourier(http::Client& r2, http::Client& telegram,
                                     CourierOptions options)
    : options_{std::move(options)},
      reader_{r2, options_.r2, options_.resuming},
      bots_{telegram, options_.telegram_api_url} {}

s3::ObjectName R2TelegramCourier::object_of(const Upload& upload, std::string key) const {
    return {.bucket = upload.r2_bucket.empty() ? options_.r2_bucket : upload.r2_bucket,
            .key = std::move(key)};
}

Task<Sent> R2TelegramCourier::carry(const Upload& upload, const warm::Errand& errand) {
    CarryReport report;
    auto sent = co_await carry_and_note(upload, errand, report);
    if (options_.on_carried) options_.on_carried(upload, report);
    co_return sent;
}

Task<Sent> R2TelegramCourier::carry_and_note(const Upload& upload, const warm::Errand& errand,
                                             CarryReport& report) {
    auto seat = options_.albums != nullptr ? options_.albums->seat_of(upload, errand.turn)
                                           : AlbumDesk::Seat{};
    const auto kind = upload.media.kind;
    auto token = options_.token_of(upload.media.bot_slug);
    if (!token) {
        co_return Failure{FailureKind::misconfigured,
                          fmt::format("no token is known for bot {}", upload.media.bot_slug)};
    }
    if (upload.bytes != 0) {
        auto fits = telegram::check_size(kind, upload.bytes, options_.telegram_server);
        if (!fits) co_return fits.error();
    }
    const auto deadline = deadline_in(options_.time_limit);
    auto thumbnail = co_await thumbnail_of(upload, deadline);
    telegram::OutgoingMedia media{.kind = kind,
                                  .chat_id = errand.turn.chat_id,
                                  .content = {},
                                  .file_name = file_name_of(upload, errand.insists),
                                  .attributes = upload.attributes,
                                  .thumbnail = std::move(thumbnail)};

    const s3::Announced announced{upload.bytes, upload.media.sha256};
    auto opened = co_await sources_.open(object_of(upload, upload.r2_key), announced, deadline);
    if (!opened) co_return of_r2(std::move(opened.error()));
    report.r2_first_byte = opened->first_byte;
    report.cache = opened->cache;
    const auto size = opened->version.size_bytes;
    auto fits = telegram::check_size(kind, size, options_.telegram_server);
    if (!fits) co_return fits.error();
    if (auto goes = errand.size_is_known(size); !goes) co_return goes.error();

    // One that insists leaves nothing to Telegram's guess.
    if (needs_probe(media, errand.insists ? UINT64_MAX : size)) {
        report.probed_bytes = co_await prober_.complete(
            media, upload, object_of(upload, upload.r2_key), std::move(opened->version), deadline);
    }
    auto began = std::chrono::steady_clock::now();
    auto posted =
        co_await post(std::move(opened->object), *token, media, errand, deadline, seat, report);
    if (!posted && opened->is_copy && posted.error().source == Dependency::r2) {
        // What went wrong was the copy, and nothing was posted.
        opened =
            co_await sources_.open_in_r2(object_of(upload, upload.r2_key), announced, deadline);
        if (!opened) co_return of_r2(std::move(opened.error()));
        report.r2_first_byte = opened->first_byte;
        report.cache = opened->cache;
        began = std::chrono::steady_clock::now();
        posted = co_await post(std::move(opened->object), std::move(*token), std::move(media),
                               errand, deadline, seat, report);
    }
    if (!posted) co_return posted.error();
    if (posted->all_given_at) {
        report.transfer = *posted->all_given_at - began;
        report.telegram = std::chrono::steady_clock::now() - *posted->all_given_at;
        report.uploaded_bytes = size;
    }
    report.outcome_unknown = posted->outcome_unknown;
    if (posted->sent) co_return std::move(posted->sent);
    report.telegram_failure = posted->sent.error().kind;
    co_return of_telegram(std::move(posted->sent.error()));
}

Task<telegram::Posting> R2TelegramCourier::post(std::unique_ptr<ObjectSource> object, Secret token,
                                                telegram::OutgoingMedia media,
                                                const warm::Errand& errand, Deadline deadline,
                                                AlbumDesk::Seat& seat, CarryReport& report) {
    if (object->size_bytes() > options_.ring_bytes) seat.leave();
    return object->size_bytes() <= options_.ring_bytes
               ? post_whole(std::move(object), std::move(token), std::move(media), errand, deadline,
                            seat, report)
               : post_streaming(std::move(object), std::move(token), std::move(media), errand,
                                deadline, report);
}

Task<telegram::Posting> R2TelegramCourier::post_whole(std::unique_ptr<ObjectSource> object,
                                                      Secret token, telegram::OutgoingMedia media,
                                                      const warm::Errand& errand, Deadline deadline,
                                                      AlbumDesk::Seat& seat, CarryReport& report) {
    {
        // Nothing of the download is kept while Telegram takes its time.
        auto whole_of = std::move(object);
        auto bytes = co_await whole_of->read_all();
        report.r2_resumes = whole_of->resumes();
        report.downloaded_bytes = whole_of->taken_bytes();
        if (!bytes) co_return of_r2(std::move(bytes.error()));
        media.content = std::move(*bytes);
    }
    if (auto begun = co_await errand.before_posting(); !begun) co_return begun.error();
    if (auto with_others = co_await seat.go(token, media, deadline)) {
        report.in_album = with_others->sent.has_value();
        co_return std::move(*with_others);
    }
    co_return co_await bots_.send(std::move(token), std::move(media), deadline);
}

Task<telegram::Posting> R2TelegramCourier::post_streaming(std::unique_ptr<ObjectSource> object,
                                                          Secret token,
                                                          telegram::OutgoingMedia media,
                                                          const warm::Errand& errand,
                                                          Deadline deadline, CarryReport& report) {
    if (auto begun = co_await errand.before_posting(); !begun) co_return begun.error();
    BytePipe pipe{options_.ring_bytes - object->held_bytes()};
    media.content = http::PipedBytes{&pipe, object->size_bytes()};
    const auto executor = co_await asio::this_coro::executor;
    auto [order, download_thrown, downloaded, upload_thrown, posting] =
        co_await asio::experimental::make_parallel_group(
            asio::co_spawn(executor, object->read_into(pipe), asio::deferred),
            asio::co_spawn(executor, bots_.send(std::move(token), std::move(media), deadline),
                           asio::deferred))
            .async_wait(UploadDecides{}, asio::use_awaitable);
    report.r2_resumes = object->resumes();
    report.downloaded_bytes = object->taken_bytes();
    // It is the cause, even where the upload has noticed and ended first.
    if (!download_thrown && !downloaded) co_return of_r2(std::move(downloaded.error()));
    if (upload_thrown) std::rethrow_exception(download_thrown ? download_thrown : upload_thrown);
    co_return std::move(posting);
}

asio::awaitable<std::string> R2TelegramCourier::thumbnail_of(const Upload& upload,
                                                             Deadline deadline) {
    const auto& key = upload.attributes.thumbnail_r2_key;
    if (key.empty() || !telegram::takes_thumbnail(upload.media.kind)) co_return std::string{};
    auto thumbnail = co_await read_thumbnail(object_of(upload, key),
                                             std::min(deadline, deadline_in(thumbnail_time)));
    if (thumbnail) co_return std::move(*thumbnail);
    log::warn("courier.no_thumbnail", "the media is sent without its thumbnail",
              {{"bot_slug", upload.media.bot_slug},
               {"sha256", upload.media.sha256.hex()},
               {"error", thumbnail.error().detail}});
    co_return std::string{};
}

Task<std::string> R2TelegramCourier::read_thumbnail(s3::ObjectName name, Deadline deadline) {
    auto object = co_await reader_.open(std::move(name), {}, deadline);
    if (!object) co_return object.error();
    if (object->size_bytes() > most_thumbnail_bytes) {
        co_return Failure{FailureKind::too_large,
                          fmt::format("{} bytes are too many for a thumbnail: Telegram takes {}",
                                      object->size_bytes(), most_thumbnail_bytes)};
    }
    co_return co_await object->read_all();
}

Task<> R2TelegramCourier::check_r2() {
    auto nothing =
        co_await reader_.open({options_.r2_bucket, key_of_nothing}, {}, deadline_in(check_time));
    if (nothing || nothing.error().kind == FailureKind::not_found ||
        nothing.error().kind == FailureKind::throttled) {
        co_return Result<>{};
    }
    co_return nothing.error();
}

Task<> R2TelegramCourier::check_telegram() {
    auto token = options_.any_token();
    if (!token) co_return Failure{FailureKind::misconfigured, "there is no bot"};
    auto bot = co_await bots_.get_me(std::move(*token), deadline_in(check_time));
    if (bot || bot.error().kind == FailureKind::bot_refused ||
        bot.error().kind == FailureKind::throttled) {
        co_return Result<>{};
    }
    co_return bot.error();
}

Task<> R2TelegramCourier::check_bot(std::string_view bot_slug) {
    auto token = options_.token_of(bot_slug);
    if (!token) co_return Failure{FailureKind::misconfigured, "its token is not known"};
    auto bot = co_await bots_.get_me(std::move(*token), deadline_in(check_time));
    if (!bot) co_return bot.error();
    co_return Result<>{};
}

}  // namespace prewarm
