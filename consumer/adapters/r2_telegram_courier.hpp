/// Carries objects from R2 to Telegram without ever holding a large one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.hpp"
#include "common/http/client.hpp"
#include "common/s3/object_reader.hpp"
#include "common/telegram/bot_client.hpp"
#include "common/telegram/limits.hpp"
#include "consumer/adapters/album_desk.hpp"
#include "consumer/adapters/carry_report.hpp"
#include "consumer/adapters/media_prober.hpp"
#include "consumer/adapters/object_source.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

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

    /// Null: every object is read from R2. It outlives the courier.
    downloads::DownloadCache* cache = nullptr;
    /// Where those go whose turn is an album's. Null: each is sent alone.
    AlbumDesk* albums = nullptr;

    /// An object up to this size is fetched and verified before Telegram hears of it; a larger one
    /// streams through as much.
    std::size_t ring_bytes = 256 * 1024;
    s3::ResumeLimits resuming{};
    std::string probe_program = probe_program_beside_us();
    std::size_t probes_at_once = 2;  ///< Each may take 50 MB while it decodes a large picture.
    /// For one carrying. (A server of one's own takes forty times as much as Telegram's.)
    std::chrono::milliseconds time_limit{std::chrono::minutes{10}};
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
    Task<Sent> carry(const Upload& upload, const warm::Errand& errand) override;

    /// Whether R2 answers us, and lets us read the default bucket.
    Task<> check_r2();
    /// Whether Telegram answers, whatever it thinks of our bots.
    Task<> check_telegram();
    /// Whether it knows this one.
    Task<> check_bot(std::string_view bot_slug);

private:
    Task<Sent> carry_and_note(const Upload& upload, const warm::Errand& errand,
                              CarryReport& report);
    asio::awaitable<std::string> thumbnail_of(const Upload& upload, Deadline deadline);
    Task<std::string> read_thumbnail(s3::ObjectName name, Deadline deadline);
    Task<telegram::Posting> post(std::unique_ptr<ObjectSource> object, Secret token,
                                 telegram::OutgoingMedia media, const warm::Errand& errand,
                                 Deadline deadline, AlbumDesk::Seat& seat, CarryReport& report);
    Task<telegram::Posting> post_whole(std::unique_ptr<ObjectSource> object, Secret token,
                                       telegram::OutgoingMedia media, const warm::Errand& errand,
                                       Deadline deadline, AlbumDesk::Seat& seat,
                                       CarryReport& report);
    Task<telegram::Posting> post_streaming(std::unique_ptr<ObjectSource> object, Secret token,
                                           telegram::OutgoingMedia media,
                                           const warm::Errand& errand, Deadline deadline,
                                           CarryReport& report);
    s3::ObjectName object_of(const Upload& upload, std::string key) const;

    CourierOptions options_;
    s3::ObjectReader reader_;
    ObjectSources sources_{reader_, options_.cache, options_.ring_bytes};
    MediaProber prober_{reader_, options_.probe_program, options_.probes_at_once};
    telegram::BotClient bots_;
};

}  // namespace prewarm
