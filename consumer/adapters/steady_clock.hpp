/// The passing of time, as the operating system sees it.
#pragma once

#include <random>

#include "common/runtime/deadline.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

class SteadyClock : public warm::Clock {
public:
    std::chrono::steady_clock::time_point now() override {
        return std::chrono::steady_clock::now();
    }
    asio::awaitable<void> pause(std::chrono::milliseconds time) override { return sleep_for(time); }
    double chance() override { return std::uniform_real_distribution{0.0, 1.0}(random_); }

private:
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace prewarm
