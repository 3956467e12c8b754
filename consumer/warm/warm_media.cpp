#include "consumer/warm/warm_media.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

namespace prewarm::warm {
namespace {

using namespace std::chrono_literals;

// Between tries of a step that must not be skipped while a dependency is away.
constexpr std::chrono::milliseconds first_retry = 100ms;
constexpr std::chrono::milliseconds slowest_retry = 1000ms;

// One start, and four more alone: whoever is killed that often while it runs is killed by it.
constexpr std::uint32_t most_starts = 5;

// A weak id is good enough to be told, so what would mend it does not wait for long.
constexpr int most_waits_to_insist = 5;
constexpr std::chrono::milliseconds longest_to_insist = 10s;

std::chrono::milliseconds next_wait(std::chrono::milliseconds wait) {
    return std::min(2 * wait, slowest_retry);
}

bool may_pass(FailureKind kind) {
    return kind == FailureKind::unavailable || kind == FailureKind::transient ||
           kind == FailureKind::misconfigured || kind == FailureKind::throttled;
}

/// An id of another kind than asked cannot be sent with the method asked for; one stored without
/// the attributes that Telegram does not work out above ~10 MB shows as 320x320 with no duration.
bool is_weak(const Upload& upload, const Sent& sent) {
    if (sent.actual_kind != upload.media.kind) return true;
    if (sent.is_copy_of_good) return false;
    const bool needs_attributes =
        upload.media.kind == MediaKind::video || upload.media.kind == MediaKind::animation;
    return needs_attributes && sent.bytes > analysed_up_to_bytes &&
           (sent.declared.width == 0 || sent.declared.height == 0 ||
            sent.declared.duration.count() == 0);
}

std::optional<Dependency> source_of(Step step, const Failure& failure) {
    if (failure.source) return failure.source;
    switch (step) {
        case Step::claim:
        case Step::commit:
            return Dependency::postgres;
        case Step::invalidate:
            return Dependency::redis;
        case Step::announce:
            return Dependency::rabbitmq;
        case Step::budget:
        case Step::transfer:
            return std::nullopt;
    }
    return std::nullopt;
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

// Until it is done, or turns out to be impossible.
template <class T>
asio::awaitable<WarmMedia::Tried<T>> WarmMedia::patiently(Step step,
                                                          std::function<Task<T>()> work) {
    for (auto wait = first_retry;; wait = next_wait(wait)) {
        auto done = co_await timed(step, work());
        if (done || !may_pass(done.error().failure.kind)) co_return done;
        ports_.observer.step_retried(step, done.error().failure);
        co_await ports_.clock.pause(wait);
    }
}

// Each step may be the last before a crash, so the order is the promise: a file_id is stored
// before it is told, and nobody hears of it while a cache still holds an older one.
asio::awaitable<Outcome> WarmMedia::steps(const Upload& upload, Progress& progress,
                                          std::optional<Lease>& held) {
    auto claim =
        co_await patiently<Claim>(Step::claim, [&] { return ports_.ledger.claim(upload); });
    if (!claim) {
        // What cannot be stored is not known to the ledger either.
        const auto verdict = judge(claim.error().failure, {.step = Step::claim}, policy_);
        co_return std::get<DeadLettered>(verdict);
    }
    if (auto* ready = std::get_if<ReadyMedia>(&*claim))
        co_return co_await tell(upload, std::move(*ready), true);
    if (std::holds_alternative<LeasedElsewhere>(*claim)) co_return Coalesced{};
    progress.is_recorded = true;
    held = std::move(std::get<Lease>(*claim));
    if (held->may_be_posted) {
        ports_.observer.upload_wasted();
        (void)co_await ports_.ledger.note_posting(*held, false);  // It is counted.
    }
    co_return co_await warm(upload, progress, held);
}

asio::awaitable<Outcome> WarmMedia::warm(const Upload& upload, Progress& progress,
                                         std::optional<Lease>& held) {
    if (held->starts > most_starts) {
        auto why = fmt::format(
            "begun {} times without an outcome, the last {} with nothing else at "
            "work: it takes down whoever works on it",
            most_starts, most_starts - 1);
        co_return co_await bury(held, {FailureReason::crash_loop, std::move(why), held->attempt});
    }
    if (auto away = ports_.surroundings.away()) {
        const auto verdict =
            judge(*away,
                  {.step = Step::transfer, .source_is_down = true, .chance = ports_.clock.chance()},
                  policy_);
        co_return co_await park(held, std::get<Parked>(verdict), false);
    }
    std::optional<Isolation::Stay> stay;
    stay.emplace(co_await enter(upload, *held));

    for (std::uint32_t tries = 0;;) {
        auto sent = co_await transfer(upload, *held, progress, false);
        if (sent) {
            if (policy_.retries_weak_id && is_weak(upload, *sent))
                sent = co_await insist(upload, *held, progress, std::move(*sent));
            stay.reset();
            co_return co_await keep(upload, std::move(*sent), held);
        }
        if (sent.error().lost_lease) {
            held.reset();
            co_return Coalesced{};
        }
        if (sent.error().needs_turn) continue;
        const auto situation = co_await situation_of(sent.error(), *held, ++tries);
        auto verdict = judge(sent.error().failure, situation, policy_);
        if (const auto* again = std::get_if<RetryHere>(&verdict)) {
            ports_.observer.step_retried(sent.error().step, sent.error().failure);
            // What came of it is known.
            if (sent.error().was_noted) (void)co_await ports_.ledger.note_posting(*held, false);
            co_await ports_.clock.pause(again->wait);
            continue;
        }
        stay.reset();
        if (auto* parked = std::get_if<Parked>(&verdict))
            co_return co_await park(held, std::move(*parked), sent.error().step == Step::transfer);
        co_return co_await bury(held, std::move(std::get<DeadLettered>(verdict)));
    }
}

// Whoever is killed while a job waits here was not killed by it, so its start does not count.
asio::awaitable<Isolation::Stay> WarmMedia::enter(const Upload& upload, Lease& lease) {
    const bool is_suspect = lease.starts > 1;
    const bool waits = is_suspect ? !isolation_.can_enter_alone() : !isolation_.can_enter();
    if (waits) {
        (void)co_await patiently<void>(Step::claim,
                                       [&] { return ports_.ledger.count_start(lease, false); });
        lease.is_counted = false;
    }
    auto stay = is_suspect ? co_await isolation_.enter_alone() : co_await isolation_.enter();
    if (waits) {
        (void)co_await patiently<void>(Step::claim,
                                       [&] { return ports_.ledger.count_start(lease, true); });
        lease.is_counted = true;
    }
    if (is_suspect) ports_.observer.suspect_runs_alone(upload, lease.starts);
    co_return stay;
}

asio::awaitable<WarmMedia::Tried<Sent>> WarmMedia::transfer(const Upload& upload,
                                                            const Lease& lease, Progress& progress,
                                                            bool insists) {
    const auto turn = co_await timed(Step::budget, ports_.budget.wait_turn(upload));
    if (!turn) co_return std::unexpected{turn.error()};
    struct UsedTurn {
        Budget& budget;
        const Upload& upload;
        const Turn& turn;
        Posted posted = Posted::no;
        ~UsedTurn() { budget.ended(upload, turn, posted); }
    } used{ports_.budget, upload, *turn};
    bool lost_lease = false;
    bool needs_turn = false;
    const auto another_turn = [&](std::string_view why) {
        needs_turn = true;
        Failure failure{FailureKind::throttled, std::string{why}};
        failure.retry_after = 0ms;
        return failure;
    };
    const auto size_is_known = [&](std::uint64_t bytes) -> Result<> {
        if (ports_.budget.is_turn_for(upload, bytes)) return {};
        return another_turn("its size was not known when its turn was given");
    };
    const auto before_posting = [&]() -> Task<> {
        if (!ports_.budget.holds(upload, *turn)) co_return another_turn("its chat rests meanwhile");
        auto noted = co_await ports_.ledger.note_posting(lease, true);
        if (!noted) {
            noted.error().source = Dependency::postgres;
            co_return std::move(noted.error());
        }
        lost_lease = !*noted;
        if (lost_lease) co_return Failure{FailureKind::transient, "the lease was lost"};
        progress.may_be_posted = true;
        used.posted = Posted::perhaps;
        co_return Result<>{};
    };
    const Errand errand{.turn = *turn,
                        .insists = insists,
                        .size_is_known = size_is_known,
                        .before_posting = before_posting};
    auto sent = co_await timed(Step::transfer, ports_.courier.carry(upload, errand));
    progress.may_be_posted = sent.has_value();
    if (sent) {
        used.posted = Posted::yes;
        ports_.surroundings.works(Dependency::r2);
        ports_.surroundings.works(Dependency::telegram);
    } else {
        sent.error().lost_lease = lost_lease;
        sent.error().was_noted = used.posted == Posted::perhaps;
        sent.error().needs_turn = needs_turn;
        if (sent.error().failure.kind == FailureKind::throttled) used.posted = Posted::no;
        ports_.budget.failed(upload, *turn, sent.error().failure);
    }
    co_return sent;
}

// Once. Whatever comes of it, there is a file_id.
asio::awaitable<Sent> WarmMedia::insist(const Upload& upload, const Lease& lease,
                                        Progress& progress, Sent weak) {
    auto again = co_await transfer(upload, lease, progress, true);
    for (int waits = 0; waits < most_waits_to_insist && !again &&
                        again.error().failure.kind == FailureKind::throttled;
         ++waits) {
        co_await ports_.clock.pause(
            std::min(again.error().failure.retry_after.value_or(first_retry), longest_to_insist));
        again = co_await transfer(upload, lease, progress, true);
    }
    progress.may_be_posted = true;  // The first one is.
    const bool is_mended = again && !is_weak(upload, *again);
    ports_.observer.weak_id_retried(upload, is_mended);
    if (again) ports_.observer.upload_wasted();
    co_return is_mended ? std::move(*again) : std::move(weak);
}

// A dependency that answers somebody else has nothing to do with this job's failure.
asio::awaitable<Situation> WarmMedia::situation_of(const Failed& failed, const Lease& lease,
                                                   std::uint32_t tries_here) {
    const auto& failure = failed.failure;
    const bool may_be_down =
        failure.kind == FailureKind::unavailable || failure.kind == FailureKind::misconfigured ||
        failure.kind == FailureKind::transient || failure.kind == FailureKind::outcome_unknown;
    const auto source = source_of(failed.step, failure);
    co_return Situation{
        .step = failed.step,
        .attempt = lease.attempt,
        .tries_here = tries_here,
        .source_is_down =
            may_be_down && source && co_await ports_.surroundings.is_down(*source, lease.media),
        .chance = ports_.clock.chance()};
}

// A file_id in hand cost an upload, so it is not given up because the ledger is away for a while,
// nor because the lease ran out meanwhile, as long as nobody else has taken the media over.
asio::awaitable<Outcome> WarmMedia::keep(const Upload& upload, Sent sent,
                                         std::optional<Lease>& held) {
    const bool weak = is_weak(upload, sent);
    for (auto wait = first_retry;; wait = next_wait(wait)) {
        auto committed = co_await timed(Step::commit, ports_.ledger.commit(*held, sent, weak));
        if (committed) {
            const auto lease = *std::exchange(held, std::nullopt);
            auto ready = co_await tell(upload, std::move(*committed), false);
            co_await note_told(lease);
            co_return ready;
        }
        const auto& failure = committed.error().failure;
        if (!may_pass(failure.kind)) {
            ports_.observer.upload_wasted();
            const auto verdict =
                judge(failure, {.step = Step::commit, .attempt = held->attempt}, policy_);
            co_return co_await bury(held, std::get<DeadLettered>(verdict));
        }
        ports_.observer.step_retried(Step::commit, failure);
        co_await ports_.clock.pause(wait);
        if (failure.kind != FailureKind::transient) continue;

        // The lease is lost, or a commit that seemed to fail took effect: the row knows.
        auto claim = co_await timed(Step::claim, ports_.ledger.claim(upload));
        if (!claim) continue;
        if (auto* lease = std::get_if<Lease>(&*claim)) {
            held = *lease;
            continue;
        }
        const auto* elsewhere = std::get_if<LeasedElsewhere>(&*claim);
        if (elsewhere != nullptr && elsewhere->token == held->token) continue;  // Still ours.
        const auto lease = *std::exchange(held, std::nullopt);
        auto* found = std::get_if<ReadyMedia>(&*claim);
        if (found != nullptr && found->file_id == sent.file_id) {
            auto ready = co_await tell(upload, std::move(*found), false);
            co_await note_told(lease);
            co_return ready;
        }
        // Whoever took the media over answers for this event, too, and has counted this upload.
        co_return Coalesced{};
    }
}

// What follows the commit is never skipped: the row is `ready`, so nobody else would do it.
asio::awaitable<Ready> WarmMedia::tell(const Upload& upload, ReadyMedia media, bool already_warm) {
    while (!co_await patiently<void>(Step::invalidate,
                                     [&] { return ports_.invalidator.invalidate(media); })) {
        co_await ports_.clock.pause(slowest_retry);
    }
    while (!co_await patiently<void>(
        Step::announce, [&] { return ports_.announcer.announce(upload, media, already_warm); })) {
        co_await ports_.clock.pause(slowest_retry);
    }
    co_return Ready{std::move(media), already_warm};
}

// Whoever lost the lease tells nothing: somebody else answers for the media, and may have made it
// ready.
asio::awaitable<Outcome> WarmMedia::park(std::optional<Lease>& held, Parked parked, bool was_sent) {
    const auto after = parked.failed ? ParkedAfter::failed_attempt
                       : was_sent    ? ParkedAfter::blameless_try
                                     : ParkedAfter::no_try;
    const auto recorded = co_await patiently<bool>(
        Step::commit, [&] { return ports_.ledger.park(*held, parked.wait, parked.why, after); });
    held.reset();
    if (recorded && *recorded) co_return parked;
    co_return Coalesced{};
}

asio::awaitable<Outcome> WarmMedia::bury(std::optional<Lease>& held, DeadLettered dead) {
    auto answered = co_await patiently<std::optional<std::vector<std::string>>>(
        Step::commit, [&] { return ports_.ledger.record_dead(*held, dead.detail); });
    dead.lease = std::exchange(held, std::nullopt);
    if (!answered || !*answered) co_return Coalesced{};
    dead.upload_event_ids = std::move(**answered);
    co_return dead;
}

asio::awaitable<void> WarmMedia::told(const DeadLettered& dead) {
    if (dead.lease) co_await note_told(*dead.lease);
}

// If that is not noted it is told again once the lease has run out, which harms nobody.
asio::awaitable<void> WarmMedia::note_told(const Lease& lease) {
    const auto noted = co_await ports_.ledger.told(lease);
    if (!noted) ports_.observer.step_retried(Step::announce, noted.error());
}

asio::awaitable<Outcome> WarmMedia::refuse(const Upload& upload, DeadLettered why) {
    auto answered = co_await ports_.ledger.record_refused(upload.media, why.detail);
    // The dead letter says the same; while the ledger is away nobody can look it up anyway.
    if (!answered) ports_.observer.step_retried(Step::claim, answered.error());
    if (answered) why.upload_event_ids = std::move(*answered);
    if (std::ranges::find(why.upload_event_ids, upload.event_id) == why.upload_event_ids.end())
        why.upload_event_ids.push_back(upload.event_id);
    co_return why;
}

asio::awaitable<Outcome> WarmMedia::run(const Upload& upload, Progress& progress) {
    std::optional<Lease> held;
    try {
        co_return co_await steps(upload, progress, held);
    } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted) throw;
    }
    // Cancelled. Giving the lease up lets another instance start at once instead of in a minute.
    co_await asio::this_coro::reset_cancellation_state();
    if (held) {
        if (progress.may_be_posted) ports_.observer.upload_wasted();
        (void)co_await ports_.ledger.release(*held);
    }
    co_return HandedBack{};
}

}  // namespace prewarm::warm
