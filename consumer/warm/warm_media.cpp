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
constexpr auto first_retry = 200ms;
constexpr auto slowest_retry = 5000ms;

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
    std::chrono::milliseconds wait = first_retry;
    while (true) {
        const auto done = co_await timed(step, work());
        if (done) co_return;
        ports_.observer.step_retried(step, done.error().failure);
        co_await ports_.clock.pause(wait);
        wait = std::min<std::chrono::milliseconds>(2 * wait, slowest_retry);
    }
}

asio::awaitable<WarmMedia::Tried<Claim>> WarmMedia::claim_when_free(const Upload& upload) {
    while (true) {
        auto claim = co_await timed(Step::claim, ports_.ledger.claim(upload));
        if (!claim) co_return claim;
        const auto* elsewhere = std::get_if<LeasedElsewhere>(&*claim);
        if (elsewhere == nullptr) co_return claim;
        co_await ports_.clock.pause(
            std::clamp<std::chrono::milliseconds>(elsewhere->remaining, 10ms, recheck_lease));
    }
}

// Each step may be the last before a crash, so the order is the promise: a file_id is stored
// before it is told, and nobody hears of it while a cache still holds an older one.
asio::awaitable<WarmMedia::Tried<ReadyMedia>> WarmMedia::upload_once(const Upload& upload,
                                                                     const Lease& lease) {
    const auto chat = co_await timed(Step::budget, ports_.budget.wait_turn(upload));
    if (!chat) co_return std::unexpected{chat.error()};

    const auto sent = co_await timed(Step::transfer, ports_.courier.carry(upload, *chat));
    if (!sent) co_return std::unexpected{sent.error()};

    co_return co_await timed(Step::commit,
                             ports_.ledger.commit(lease, *sent, is_weak(upload, *sent)));
}

asio::awaitable<Ready> WarmMedia::tell(const Upload& upload, ReadyMedia media, bool already_warm) {
    co_await patiently(Step::invalidate, [&] { return ports_.invalidator.invalidate(media); });
    co_await patiently(Step::announce,
                       [&] { return ports_.announcer.announce(upload, media, already_warm); });
    co_return Ready{std::move(media), already_warm};
}

asio::awaitable<Outcome> WarmMedia::steps(const Upload& upload, std::uint32_t deliveries,
                                          std::optional<Lease>& held) {
    auto claim = co_await claim_when_free(upload);
    if (!claim) {
        auto outcome = after_failure(claim.error().step, claim.error().failure, deliveries);
        co_return std::visit([](auto& either) -> Outcome { return std::move(either); }, outcome);
    }
    if (auto* ready = std::get_if<ReadyMedia>(&*claim))
        co_return co_await tell(upload, *ready, true);

    held = std::get<Lease>(*claim);
    auto committed = co_await upload_once(upload, *held);
    if (!committed) co_return co_await give_up(*held, std::move(committed.error()));
    held.reset();
    co_return co_await tell(upload, std::move(*committed), false);
}

asio::awaitable<Outcome> WarmMedia::give_up(const Lease& lease, Failed failed) {
    auto outcome = after_failure(failed.step, failed.failure, lease.attempt);
    if (auto* dead = std::get_if<DeadLettered>(&outcome)) {
        // If it cannot be recorded the lease runs out, and the dead letter is what counts.
        (void)co_await ports_.ledger.record_dead(lease, dead->detail);
        co_return std::move(*dead);
    }
    auto& back = std::get<HandedBack>(outcome);
    (void)co_await ports_.ledger.record_attempt_failed(lease, back.why);
    co_return std::move(back);
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
