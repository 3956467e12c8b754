#include "consumer/reconcile/reconciler.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "common/events/upload_event.hpp"
#include "common/log/log.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

// So many are taken by one statement, and sent before the next.
constexpr std::size_t batch = 200;
// For sending a batch. Whoever is killed over it leaves it to the others after this time.
constexpr std::chrono::milliseconds reserve = 30s;
constexpr std::chrono::milliseconds least_pause = 200ms;

}  // namespace

asio::awaitable<void> Reconciler::run() {
    while (true) {
        // Not all instances at the same moment.
        auto left = std::chrono::round<std::chrono::milliseconds>(
            std::chrono::duration<double, std::milli>{interval_} *
            (0.75 + 0.5 * parts_.clock.chance()));
        while (left > 0ms) {
            const auto pause = std::min(left, co_await until_next_due());
            co_await parts_.clock.pause(pause);
            left -= pause;
            if (!parts_.surroundings.away()) co_await send_due();
        }
        if (parts_.surroundings.away()) continue;
        co_await send_orphans();
        co_await send_lost();
    }
}

// Jobs that wait for Telegram's limits are due at the moment when the next may be sent: to look for
// them at intervals would lose a part of every minute.
asio::awaitable<std::chrono::milliseconds> Reconciler::until_next_due() {
    if (parts_.surroundings.away()) co_return interval_;
    const auto next = co_await parts_.store.next_due(usable_slugs());
    if (!next || !*next) co_return interval_;
    co_return std::max(**next, least_pause);
}

std::vector<std::string> Reconciler::usable_slugs() const {
    std::vector<std::string> slugs;
    for (auto& bot : parts_.usable_bots())
        slugs.push_back(std::move(bot.bot_slug));
    return slugs;
}

asio::awaitable<void> Reconciler::send_due() {
    // Each bot's share of a batch, until it has what it has room for.
    auto left = parts_.usable_bots();
    while (true) {
        auto now = left;
        for (auto& bot : now)
            bot.most = std::min(bot.most, std::max<std::size_t>(batch / now.size(), 1));
        auto due = co_await parts_.store.take_due(now, parts_.resting_bots(), batch, reserve);
        if (!due) {
            log::warn("reconcile.failed", "parked jobs could not be looked for",
                      {{"error", due.error().detail}});
            co_return;
        }
        std::map<std::string_view, std::size_t> taken;
        for (const auto& event : *due)
            ++taken[event.media.bot_slug];
        std::vector<BotRoom> still;
        for (std::size_t bot = 0; bot < now.size(); ++bot) {
            const auto got = taken[now[bot].bot_slug];
            if (got == now[bot].most && left[bot].most > got)
                still.push_back({now[bot].bot_slug, left[bot].most - got});
        }
        left = std::move(still);
        const auto sent = co_await send(std::move(*due));
        if (!sent || left.empty()) co_return;
    }
}

asio::awaitable<void> Reconciler::send_orphans() {
    co_await send_and_tell(co_await parts_.store.take_orphans(batch, reserve, usable_slugs()),
                           "orphaned");
}

asio::awaitable<void> Reconciler::send_lost() {
    if (!parts_.queue_is_empty()) co_return;
    co_await send_and_tell(
        co_await parts_.store.take_lost(batch, reserve, usable_slugs(), patience_), "lost");
}

asio::awaitable<void> Reconciler::send_and_tell(Result<std::vector<LostEvent>> taken,
                                                std::string reason) {
    if (!taken) {
        log::warn("reconcile.failed", "lost jobs could not be looked for",
                  {{"error", taken.error().detail}});
        co_return;
    }
    const auto sent = co_await send(std::move(*taken));
    if (!sent || *sent == 0) co_return;
    log::warn("reconcile.resent", "jobs whose holder or queue was lost are sent again",
              {{"jobs", *sent}, {"reason", reason}});
    for (std::size_t job = 0; job < *sent; ++job)
        parts_.metrics.retried(reason);
}

Task<std::size_t> Reconciler::send(std::vector<LostEvent> events) {
    std::vector<LostEvent> arrived;
    std::vector<LostEvent> left;
    std::optional<Failure> away;
    for (auto& event : events) {
        auto published = away ? Result<>{*away} : co_await send_one(event);
        if (published) {
            arrived.push_back(std::move(event));
        } else {
            away = std::move(published.error());
            left.push_back(std::move(event));
        }
    }
    const auto count = arrived.size();
    auto noted = co_await parts_.store.mark_resent(std::move(arrived), true);
    if (noted) noted = co_await parts_.store.mark_resent(std::move(left), false);
    if (!noted) {
        // They are due again when the reserve runs out: sent twice, then.
        log::warn("reconcile.failed", "what was sent again could not be recorded",
                  {{"error", noted.error().detail}});
        co_return noted.error();
    }
    if (away) {
        log::warn("reconcile.failed", "an event could not be sent again",
                  {{"error", away->detail}});
        co_return *away;
    }
    co_return count;
}

Task<> Reconciler::send_one(const LostEvent& event) {
    auto upload = events::decode_upload(event.encoded_event, events::protobuf_content_type);
    if (upload && upload->media == event.media) {
        upload->traceparent = event.traceparent;
        upload->first_seen = event.first_seen;
        upload->replays = event.replays;
        auto published = co_await parts_.publish(*upload);
        if (published || published.error().kind != FailureKind::too_large) co_return published;
    }
    // An uploader's row that nobody can work on: it would be looked at for ever.
    const auto why = upload ? "the row's event is for another media, or too large to send"
                            : "the row's event cannot be read: " + upload.error().detail;
    log::error("reconcile.bad_event", why,
               {{"bot_slug", event.media.bot_slug},
                {"sha256", event.media.sha256.hex()},
                {"kind", name_of(event.media.kind)}});
    auto dead_lettered = co_await parts_.dead_letter(event, why);
    if (!dead_lettered) co_return dead_lettered;
    const auto recorded = co_await parts_.store.record_refused(event.media, why);
    if (!recorded) co_return recorded.error();
    co_return Result<>{};
}

}  // namespace prewarm
