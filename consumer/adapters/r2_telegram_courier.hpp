/// Carries objects from R2 to Telegram without ever holding a large one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.hpp"
#include "common/http/client.hpp"
#include "common/s3/object_reader.hpp"
#include "common/telegram/bot_client.hpp"
#include "common/telegram/limits.hpp"
#include "consumer/adapters/album_desk.hpp"
#include "consumer/adapters/media_prober.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// How one carrying went, well or not.
struct CarryReport {
    using Duration = std::chrono::steady_clock::duration;

    /// Nothing for a stage that was not reached.
    std::optional<Duration> r2_first_byte{};  ///< From the request to R2 to its headers.
    std::optional<Duration> transfer{};       ///< From there until Telegram had been given it all.
    std::optional<Duration> telegram{};       ///< From there to its answer.
    std::uint64_t r2_resumes = 0;             ///< How often the rest of it was asked for.
    std::uint64_t downloaded_bytes = 0;       ///< Of the object, from R2.
    std::uint64_t probed_bytes = 0;           ///< Of it, beside: to learn what to declare.
    std::uint64_t uploaded_bytes = 0;         ///< Of the object, to Telegram: all or 0.
    bool in_album = false;                    ///< It was posted together with others.
    std::optional<FailureKind> telegram_failure{};
    /// Telegram had it all and did not answer: trying again may post it twice.
    bool outcome_unknown = false;
};

struct CourierOptions {
    s3::Endpoint r2;
    std::string r2_bucket;  ///< For uploads that name none.
    std::string telegram_api_url;
    telegram::Server telegram_server = telegram::Server::cloud;

    /// The token of a bot; nothing for one that is not ours.
    std::function<std::optional<Secret>(std::string_view bot_slug)> token_of;
    /// One of the tokens, to see whether Telegram is there.
    std::function<std::optional<Secret>()> any_token;
    /// Called once for each carrying that was not cancelled. May be empty.
    std::function<void(const Upload&, const CarryReport&)> on_carried{};

    /// Where those go whose turn is an album's. Null: each is sent alone.
    AlbumDesk* albums = nullptr;

    /// An object up to this size is fetched and verified before Telegram hears of it; a larger one
    /// streams through as much.
    std::size_t ring_bytes = 256 * 1024;
    s3::ResumeLimits resuming{};
    std::string probe_program = probe_program_beside_us();
    std::size_t probes_at_once = 2;  ///< Each may take 50 MB while it decodes a large picture.
    std::chrono::milliseconds time_limit{std::chrono::minutes{10}};  ///< For one carrying.
};

/// One loop's thread; the clients must outlive it.
class R2TelegramCourier : public warm::Courier {
public:
    R2TelegramCourier(http::Client& r2, http::Client& telegram, CourierOptions options);
    R2TelegramCourier(const R2TelegramCourier&) = delete;
    R2TelegramCourier& operator=(const R2TelegramCourier&) = delete;

    /// What goes wrong at R2 is what is reported, even if it made the upload fail too; and nothing
    /// is posted then. A thumbnail that cannot be had is done without. What Telegram will not find
    /// out, and the upload does not tell, is found out as far as possible.
    Task<Sent> carry(const Upload& upload, const warm::Turn& turn) override;

    /// Whether R2 answers us, and lets us read the default bucket.
    Task<> check_r2();
    /// Whether Telegram answers, whatever it thinks of our bots.
    Task<> check_telegram();
    /// Whether it knows this one.
    Task<> check_bot(std::string_view bot_slug);

private:
    Task<Sent> carry_and_note(const Upload& upload, const warm::Turn& turn, CarryReport& report);
    asio::awaitable<std::string> thumbnail_of(const Upload& upload, Deadline deadline);
    Task<std::string> read_thumbnail(s3::ObjectName name, Deadline deadline);
    Task<telegram::Posting> post_whole(s3::OpenObject object, Secret token,
                                       telegram::OutgoingMedia media, Deadline deadline,
                                       AlbumDesk::Seat& seat, CarryReport& report);
    Task<telegram::Posting> post_streaming(s3::OpenObject object, Secret token,
                                           telegram::OutgoingMedia media, Deadline deadline,
                                           CarryReport& report);
    s3::ObjectName object_of(const Upload& upload, std::string key) const;

    CourierOptions options_;
    s3::ObjectReader reader_;
    MediaProber prober_{reader_, options_.probe_program, options_.probes_at_once};
    telegram::BotClient bots_;
};

}  // namespace prewarm
