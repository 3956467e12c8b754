/// Statements that go together: one round trip and one transaction for many.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/this_coro.hpp>

#include "common/postgres/failures.hpp"
#include "common/postgres/pool.hpp"
#include "common/runtime/task.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm::postgres {

/// One statement that does the same for many items. Those that arrive while it is on its way go
/// together with the next, so that no item waits for others to come, and a crowd costs little more
/// than one. An item that PostgreSQL refuses fails alone.
///
/// `pool` outlives it; one loop's thread.
template <class Item, class Answer>
class Grouped {
public:
    using Items = std::vector<const Item*>;
    /// An answer to each of the items, in their order. Called on one of the pool's threads, and
    /// for items one by one when it has thrown for several.
    using Execute = std::function<std::vector<Answer>(pqxx::connection_base&, const Items&)>;

    Grouped(Pool& pool, Execute execute) : pool_{pool}, execute_{std::move(execute)} {}

    /// Fails as `Pool::run` does. Of items with the same key each goes after the one before it.
    /// Cancelling does not take back what is on its way.
    Task<Answer> run(std::string key, Item item) {
        const auto mine = std::make_shared<Waiter>(std::move(key), std::move(item),
                                                   never(co_await asio::this_coro::executor));
        struct Place {
            std::deque<std::shared_ptr<Waiter>>& waiting;
            const std::shared_ptr<Waiter>& mine;
            ~Place() { std::erase(waiting, mine); }
        } place{waiting_, mine};
        waiting_.push_back(mine);
        while (!mine->answer) {
            if (is_busy_) {
                co_await wake_up(mine->woken);
            } else {
                co_await throw_if_cancelled();
                co_await lead();
            }
        }
        co_return std::move(*mine->answer);
    }

private:
    struct Waiter {
        Waiter(std::string its_key, Item its_item, asio::steady_timer its_timer)
            : key{std::move(its_key)}, item{std::move(its_item)}, woken{std::move(its_timer)} {}

        std::string key;
        Item item;
        asio::steady_timer woken;
        std::optional<Result<Answer>> answer;
    };
    using Group = std::vector<std::shared_ptr<Waiter>>;
    using Answers = std::vector<std::optional<Result<Answer>>>;

    static constexpr std::size_t most_at_once = 100;

    Group take() {
        Group group;
        std::deque<std::shared_ptr<Waiter>> left;
        std::set<std::string_view> keys;
        for (auto& waiter : waiting_) {
            const bool goes = group.size() < most_at_once && keys.insert(waiter->key).second;
            if (goes) {
                group.push_back(std::move(waiter));
            } else {
                left.push_back(std::move(waiter));
            }
        }
        waiting_ = std::move(left);
        return group;
    }

    // Whoever begins a statement waits for its end, cancelled or not.
    asio::awaitable<void> lead() {
        is_busy_ = true;
        const auto group = take();
        Answers answers(group.size());
        const auto ran = co_await pool_.run(
            [&](pqxx::connection_base& connection) { answer(connection, group, answers); });
        is_busy_ = false;
        for (std::size_t place = 0; place < group.size(); ++place) {
            auto& answer = answers[place];
            group[place]->answer = answer ? std::move(*answer) : Result<Answer>{ran.error()};
            group[place]->woken.cancel();
        }
        if (!waiting_.empty()) waiting_.front()->woken.cancel();
    }

    void answer(pqxx::connection_base& connection, const Group& group, Answers& answers) const {
        Items items;
        for (const auto& waiter : group)
            items.push_back(&waiter->item);
        try {
            auto all = execute_(connection, items);
            for (std::size_t place = 0; place < group.size(); ++place)
                answers[place].emplace(std::move(all[place]));
            return;
        } catch (...) {
            if (group.size() == 1 || concerns_all(failure_at_hand())) throw;
        }
        for (std::size_t place = 0; place < group.size(); ++place) {
            try {
                answers[place].emplace(std::move(execute_(connection, {items[place]}).front()));
            } catch (...) {
                auto failure = failure_at_hand();
                if (concerns_all(failure)) throw;
                answers[place].emplace(std::move(failure));
            }
        }
    }

    static bool concerns_all(const Failure& failure) {
        return failure.kind == FailureKind::unavailable ||
               failure.kind == FailureKind::misconfigured;
    }

    Pool& pool_;
    Execute execute_;
    std::deque<std::shared_ptr<Waiter>> waiting_;
    bool is_busy_ = false;
};

}  // namespace prewarm::postgres
