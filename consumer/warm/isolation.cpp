#include "consumer/warm/isolation.hpp"

#include "common/runtime/wait.hpp"

namespace prewarm::warm {

Isolation::Isolation(asio::any_io_executor executor) : changed_{never(std::move(executor))} {}

asio::awaitable<Isolation::Stay> Isolation::enter() {
    while (!can_enter())
        co_await wake_up(changed_);
    ++inside_;
    co_return Stay{*this, false};
}

asio::awaitable<Isolation::Stay> Isolation::enter_alone() {
    struct Waiting {
        Isolation& owner;
        explicit Waiting(Isolation& waited_for) : owner{waited_for} {
            ++owner.waiting_to_be_alone_;
        }
        ~Waiting() {
            --owner.waiting_to_be_alone_;
            owner.changed_.cancel();
        }
    } waiting{*this};
    while (!can_enter_alone())
        co_await wake_up(changed_);
    taken_alone_ = true;
    co_return Stay{*this, true};
}

void Isolation::leave(bool alone) {
    if (alone) {
        taken_alone_ = false;
    } else {
        --inside_;
    }
    changed_.cancel();
}

}  // namespace prewarm::warm
