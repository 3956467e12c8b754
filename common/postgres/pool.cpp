#include "common/postgres/pool.hpp"

#include <mutex>
#include <random>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <pqxx/nontransaction>

#include "common/postgres/failures.hpp"
#include "common/postgres/session.hpp"

namespace prewarm::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds first_wait{100};
constexpr milliseconds longest_wait{2000};  // So that work goes on soon after an outage.

/// Ends a call when its time is up. Shared by the caller's timer and the thread that calls.
class Watch {
public:
    /// From the loop's thread.
    void expire() {
        const std::lock_guard lock{mutex_};
        expired_ = true;
        if (session_) session_->cut();
    }

    /// False when it is too late to begin. From the calling thread, as the next.
    bool begin(std::shared_ptr<Session> session) {
        const std::lock_guard lock{mutex_};
        if (!expired_) session_ = std::move(session);
        return !expired_;
    }

    /// False when the session was cut meanwhile.
    bool end() {
        const std::lock_guard lock{mutex_};
        session_.reset();
        return !expired_;
    }

private:
    std::mutex mutex_;
    bool expired_ = false;
    std::shared_ptr<Session> session_;
};

Failure too_late() {
    return failure_saying(FailureKind::unavailable, "no answer in time");
}

/// Whether a connection that gave this failure is as good as new.
bool leaves_intact(const Failure& failure) {
    return failure.kind == FailureKind::refused;
}

}  // namespace

struct Pool::State {
    explicit State(const PoolOptions& options)
        : where{connection_string(options)}, call_timeout{options.call_timeout} {}

    const Result<Secret> where;
    const milliseconds call_timeout;

    /// All that follows runs on the pool's threads.
    Result<> execute(Watch& watch, const std::function<void(pqxx::connection_base&)>& call) {
        if (!watch.begin(nullptr)) return too_late();
        auto session = take();
        if (!session) return session.error();
        if (!watch.begin(*session)) {
            give_back(std::move(*session));
            return too_late();
        }
        try {
            call((*session)->connection());
        } catch (...) {
            const bool in_time = watch.end();
            auto failure = failure_at_hand();
            if (!in_time) return too_late();
            if (leaves_intact(failure)) give_back(std::move(*session));
            return failure;
        }
        // It may have been cut just after it answered: then only the connection is lost.
        if (watch.end()) give_back(std::move(*session));
        return {};
    }

private:
    Result<std::shared_ptr<Session>> take() {
        {
            const std::lock_guard lock{mutex_};
            while (!idle_.empty()) {
                auto session = std::move(idle_.back());
                idle_.pop_back();
                if (session->is_idle_and_open()) return session;
            }
            if (away_) {
                if (trying_ || steady_clock::now() < try_again_) return *away_;
                trying_ = true;
            }
        }
        if (!where) return where.error();
        auto session = Session::open(*where, call_timeout);
        const std::lock_guard lock{mutex_};
        trying_ = false;
        if (session) {
            away_.reset();
            wait_ = first_wait;
        } else {
            away_ = session.error();
            std::uniform_int_distribution<milliseconds::rep> jittered{wait_.count() / 2,
                                                                      wait_.count()};
            try_again_ = steady_clock::now() + milliseconds{jittered(chance_)};
            wait_ = std::min(2 * wait_, longest_wait);
        }
        return session;
    }

    void give_back(std::shared_ptr<Session> session) {
        const std::lock_guard lock{mutex_};
        idle_.push_back(std::move(session));
    }

    std::mutex mutex_;                            // Guards all below.
    std::vector<std::shared_ptr<Session>> idle_;  // At most one per thread.
    std::optional<Failure> away_;                 // Why the last attempt to connect failed.
    bool trying_ = false;                         // While away: one thread is enough to find out.
    steady_clock::time_point try_again_;
    milliseconds wait_ = first_wait;
    std::minstd_rand chance_{std::random_device{}()};
};

Pool::Pool(PoolOptions options)
    : state_{std::make_shared<State>(options)}, threads_{options.connections} {}

Pool::~Pool() = default;

milliseconds Pool::default_timeout() const {
    return state_->call_timeout;
}

Task<> Pool::run_erased(milliseconds timeout, std::function<void(pqxx::connection_base&)> call) {
    const auto watch = std::make_shared<Watch>();
    asio::steady_timer timer{co_await asio::this_coro::executor, timeout};
    timer.async_wait([watch](boost::system::error_code stopped) {
        if (!stopped) watch->expire();
    });
    co_return co_await threads_.run(
        [state = state_, watch, &call] { return state->execute(*watch, call); });
}

Task<> Pool::ping() {
    co_return co_await run([](pqxx::connection_base& connection) {
        pqxx::nontransaction{connection}.exec("SELECT 1");
    });
}

}  // namespace prewarm::postgres
