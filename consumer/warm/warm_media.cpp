#include "consumer/warm/warm_media.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

namespace prewarm::warm {
namespace {

using namespace std::chrono_literals;

// A media that somebody else is warming is looked at again this often: its holder may finish, or
// die and leave the lease to run out.
constexpr auto recheck_lease = 1000ms;

// Between tries of a step that must not be skipped while a dependency is away.
constexpr std::chrono::milliseconds first_retry = 200ms;
constexpr std::chrono::milliseconds slowest_retry = 5000ms;

std::chrono::milliseconds next_wait(std::chrono::milliseconds wait) {
    return std::min(2 * wait, slowest_retry);
}

Postponed postponed(const LeasedElsewhere& elsewhere) {
    return {std::clamp<std::chrono::milliseconds>(elsewhere.remaining, 10ms, recheck_lease)};
}

/// An id of another kind than asked cannot be sent with the method asked for; one stored without
/// the attributes that Telegram does not work out above ~10 MB shows as 320x320 with no duration.
bool is_weak(const Upload& upload, const Sent& sent) {
    constexpr std::uint64_t analysed_up_to_bytes = 10'000'000;  // Bot API, observed
    if (sent.actual_kind != upload.media.kind) return true;
    const bool needs_attributes =
        upload.media.kind == MediaKind::video || upload.media.kind == MediaKind::animation;
    return needs_attributes && sent.bytes > analysed_up_to_bytes &&
           (upload.attributes.width == 0 || upload.attributes.height == 0 ||
            upload.attributes.duration.count() == 0);
}

}  // namespace

template <class T>
asio::awaitable<WarmMedia::Tried<T>> WarmMedia::timed(Step step, Task<T> work) {
    const auto began = ports_.clock.now();
    auto result = co_await std::move(work);
    ports_.observer.step_ended(step, ports_.clock.now() - began);
    if (!result) co_return std::unexpected{Failed{step, std::move(result.error())}};
    if constexpr (std::is_void_v<T>) {
        co_return Tried<T>{};
    } else {
        co_return std::move(*result);
    }
}

// What follows the commit is never skipped: the row is `ready`, so nobody else would do it.
asio::awaitable<void> WarmMedia::patiently(Step step, std::function<Task<>()> work) {
    for (auto wait = first_retry;; wait = next_wait(wait)) {
        const auto done = co_await timed(step, work());
        if (done) co_return;
        ports_.observer.step_retried(step, done.error().failure);
        co_await ports_.clock.pause(wait);
    }
}

// Each step may be the last before a crash, so the order is the promise: a file_id is stored
// before it is told, and nobody hears of it while a cache still holds an older one.
asio::awaitable<Outcome> WarmMedia::steps(const Upload& upload, std::uint32_t deliveries,
                                          std::optional<Lease>& held) {
    auto claim = co_await timed(Step::claim, ports_.ledger.claim(upload));
    if (!claim) {
        auto outcome = after_failure(Step::claim, claim.error().failure, deliveries);
        co_return std::visit([](auto& either) -> Outcome { return std::move(either); }, outcome);
    }
    if (auto* ready = std::get_if<ReadyMedia>(&*claim))
        co_return co_await tell(upload, *ready, true);
    if (auto* elsewhere = std::get_if<LeasedElsewhere>(&*claim)) co_return postponed(*elsewhere);
    held = std::get<Lease>(*claim);

    auto sent = co_await transfer(upload);
    if (!sent) co_return co_await give_up(held, std::move(sent.error()));
    co_return co_await keep(upload, std::move(*sent), held);
}

asio::awaitable<WarmMedia::Tried<Sent>> WarmMedia::transfer(const Upload& upload) {
    const auto chat = co_await timed(Step::budget, ports_.budget.wait_turn(upload));
    if (!chat) co_return std::unexpected{chat.error()};
    co_return co_await timed(Step::transfer, ports_.courier.carry(upload, *chat));
}

// A file_id in hand cost an upload, so it is not given up because the ledger is away for a while,
// nor because the lease ran out meanwhile, as long as nobody else has taken the media over.
asio::awaitable<Outcome> WarmMedia::keep(const Upload& upload, Sent sent,
                                         std::optional<Lease>& held) {
    const bool weak = is_weak(upload, sent);
    for (auto wait = first_retry;; wait = next_wait(wait)) {
        auto committed = co_await timed(Step::commit, ports_.ledger.commit(*held, sent, weak));
        if (committed) {
            held.reset();
            co_return co_await tell(upload, std::move(*committed), false);
        }
        const auto& failure = committed.error().failure;
        if (failure.kind != FailureKind::unavailable && failure.kind != FailureKind::transient) {
            ports_.observer.upload_wasted();
            co_return co_await give_up(held, std::move(committed.error()));
        }
        ports_.observer.step_retried(Step::commit, failure);
        co_await ports_.clock.pause(wait);
        if (failure.kind == FailureKind::unavailable) continue;

        // The lease is lost, or a commit that seemed to fail took effect: the row knows.
        auto claim = co_await timed(Step::claim, ports_.ledger.claim(upload));
        if (!claim) continue;
        if (auto* lease = std::get_if<Lease>(&*claim)) {
            held = *lease;
            continue;
        }
        held.reset();
        auto* ready = std::get_if<ReadyMedia>(&*claim);
        const bool ours = ready != nullptr && ready->file_id == sent.file_id;
        if (!ours) ports_.observer.upload_wasted();
        if (ready != nullptr) co_return co_await tell(upload, std::move(*ready), !ours);
        co_return postponed(std::get<LeasedElsewhere>(*claim));
    }
}

asio::awaitable<Ready> WarmMedia::tell(const Upload& upload, ReadyMedia media, bool already_warm) {
    co_await patiently(Step::invalidate, [&] { return ports_.invalidator.invalidate(media); });
    co_await patiently(Step::announce,
                       [&] { return ports_.announcer.announce(upload, media, already_warm); });
    co_return Ready{std::move(media), already_warm};
}

// Whoever lost the lease tells nothing: somebody else answers for the media, and may have made it
// ready. So does one whose failure could not be recorded: the next delivery finds out.
asio::awaitable<Outcome> WarmMedia::give_up(std::optional<Lease>& held, Failed failed) {
    const auto lease = *std::exchange(held, std::nullopt);
    auto outcome = after_failure(failed.step, failed.failure, lease.attempt);
    const auto* dead = std::get_if<DeadLettered>(&outcome);
    const auto recorded = dead != nullptr ? co_await ports_.ledger.record_dead(lease, dead->detail)
                                          : co_await ports_.ledger.record_attempt_failed(
                                                lease, std::get<HandedBack>(outcome).why);
    if (!recorded) co_return HandedBack{"not recorded: " + recorded.error().detail};
    if (!*recorded) co_return HandedBack{"the lease was lost", false};
    co_return std::visit([](auto& either) -> Outcome { return std::move(either); }, outcome);
}

asio::awaitable<Outcome> WarmMedia::refuse(const Upload& upload, DeadLettered why) {
    const auto recorded = co_await ports_.ledger.record_refused(upload.media, why.detail);
    // The dead letter says the same; while the ledger is away nobody can look it up anyway.
    if (!recorded) ports_.observer.step_retried(Step::claim, recorded.error());
    co_return why;
}

asio::awaitable<Outcome> WarmMedia::run(const Upload& upload, std::uint32_t deliveries) {
    std::optional<Lease> held;
    try {
        co_return co_await steps(upload, deliveries, held);
    } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted) throw;
    }
    // Cancelled. Giving the lease up lets another instance start at once instead of in a minute.
    co_await asio::this_coro::reset_cancellation_state();
    if (held) (void)co_await ports_.ledger.release(*held);
    co_return HandedBack{"the service is stopping", false};
}

}  // namespace prewarm::warm
