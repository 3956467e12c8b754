#include "consumer/reconcile/reconciler.hpp"

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

}  // namespace

asio::awaitable<void> Reconciler::run() {
    while (true) {
        // Not all instances at the same moment.
        co_await parts_.clock.pause(std::chrono::round<std::chrono::milliseconds>(
            std::chrono::duration<double, std::milli>{interval_} *
            (0.75 + 0.5 * parts_.clock.chance())));
        if (parts_.surroundings.away()) continue;
        co_await send_due();
        co_await send_orphans();
    }
}

asio::awaitable<void> Reconciler::send_due() {
    while (true) {
        auto due = co_await parts_.store.take_due(batch, reserve, parts_.bots());
        if (!due) {
            log::warn("reconcile.failed", "parked jobs could not be looked for",
                      {{"error", due.error().detail}});
            co_return;
        }
        const auto taken = due->size();
        const auto sent = co_await send(std::move(*due));
        if (!sent || taken < batch) co_return;
    }
}

asio::awaitable<void> Reconciler::send_orphans() {
    auto orphans = co_await parts_.store.take_orphans(batch, reserve, parts_.bots(),
                                                      parts_.queue_is_empty(), patience_);
    if (!orphans) {
        log::warn("reconcile.failed", "lost jobs could not be looked for",
                  {{"error", orphans.error().detail}});
        co_return;
    }
    const auto sent = co_await send(std::move(*orphans));
    if (sent && *sent > 0) {
        log::warn("reconcile.orphans", "jobs whose holder or queue was lost are sent again",
                  {{"jobs", *sent}});
        for (std::size_t job = 0; job < *sent; ++job)
            parts_.metrics.retried("orphaned");
    }
}

Task<std::size_t> Reconciler::send(std::vector<LostEvent> events) {
    std::vector<LostEvent> arrived;
    std::vector<LostEvent> left;
    std::optional<Failure> away;
    for (auto& event : events) {
        if (away) {
            left.push_back(std::move(event));
            continue;
        }
        const auto upload =
            events::decode_upload(event.encoded_event, events::protobuf_content_type);
        if (!upload || upload->media != event.media) {
            // Sent, it would be dead-lettered, and this row would be looked at for ever.
            const auto why = upload ? "the row's event is for another media"
                                    : "the row's event cannot be read: " + upload.error().detail;
            log::error("reconcile.bad_event", why,
                       {{"bot_slug", event.media.bot_slug},
                        {"sha256", event.media.sha256.hex()},
                        {"kind", name_of(event.media.kind)}});
            const auto recorded = co_await parts_.store.record_refused(event.media, why);
            if (!recorded) co_return recorded.error();
            continue;
        }
        const auto published = co_await parts_.publish(*upload);
        if (published) {
            arrived.push_back(std::move(event));
        } else {
            away = published.error();
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
        log::warn("reconcile.failed", "the broker did not take an event",
                  {{"error", away->detail}});
        co_return *away;
    }
    co_return count;
}

}  // namespace prewarm
