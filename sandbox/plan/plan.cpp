#include "sandbox/plan/plan.hpp"

#include <algorithm>
#include <deque>
#include <queue>

#include "common/budget/rules.hpp"

namespace prewarm::sandbox {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t asked_for_at_once = 16;
constexpr auto look_again_after = 250ms;

class Simulation {
public:
    explicit Simulation(const PlanInput& input) : input_{input}, bots_(input.bots) {
        for (std::size_t chat = 1; chat <= input.chats; ++chat) {
            const auto id = static_cast<std::int64_t>(chat);
            chats_.push_back(input.private_chats ? id : -id);
        }
        for (std::size_t media = 0; media < input.media; ++media)
            bots_[media % input.bots].left.push_back(input.sizes[media % input.sizes.size()]);
    }

    Plan run() {
        while (std::ranges::any_of(bots_, [](const auto& bot) { return !bot.left.empty(); }))
            step();
        while (!ends_.empty()) {
            now_ = std::max(now_, ends_.top().at);
            ends_.pop();
        }
        Plan made{.time = now_ - start, .binding = {}, .waited = {}};
        double most = 0;
        for (const auto& [limit, time] : waited_) {
            const double share = std::chrono::duration<double>{time} / made.time;
            made.waited[limit] = share;
            if (share > most) {
                most = share;
                made.binding = limit;
            }
        }
        return made;
    }

private:
    struct Bot {
        budget::Rules rules;
        std::uint64_t seq = 0;
        std::deque<std::uint64_t> left;
        std::vector<budget::Ended> ended;
    };
    struct End {
        milliseconds at;
        std::size_t bot;
        std::string permit;
        std::int64_t chat;
        bool operator>(const End& other) const { return at > other.at; }
    };

    void step() {
        auto next = milliseconds::max();
        for (std::size_t bot = 0; bot < bots_.size(); ++bot)
            next = std::min(next, ask_for(bot));
        if (!ends_.empty()) next = std::min(next, std::max(ends_.top().at, now_));
        next = std::max(next, now_ + 1ms);
        for (const auto& limit : waiting_for_)
            waited_[limit] += next - now_;
        waiting_for_.clear();
        now_ = next;
        while (!ends_.empty() && ends_.top().at <= now_) {
            const auto& end = ends_.top();
            bots_[end.bot].ended.push_back({.permit = end.permit,
                                            .chat = end.chat,
                                            .posted = true,
                                            .worked = true,
                                            .ago = now_ - end.at});
            ends_.pop();
        }
    }

    /// When there may be more to be had, unless something ends earlier.
    milliseconds ask_for(std::size_t index) {
        auto& bot = bots_[index];
        const auto wanted =
            std::min({bot.left.size(), input_.at_once - ends_.size(), asked_for_at_once});
        auto next = milliseconds::max();
        if (wanted == 0) {
            if (!bot.left.empty()) note_wait("slots");
            return next;
        }
        budget::Request request{.instance = "plan",
                                .seq = bot.seq,
                                .peers = 0,
                                .limits = input_.limits,
                                .chats = chats_,
                                .ended = {},
                                .held = {},
                                .told = {},
                                .wanted = {}};
        request.ended.swap(bot.ended);
        for (std::size_t i = 0; i < wanted; ++i) {
            request.wanted.push_back(
                {.permit = std::to_string(++permits_), .bytes = bot.left[i], .hold = 1h});
        }
        const auto answer = bot.rules.decide(now_, request);
        bot.seq = answer.seq;
        std::deque<std::uint64_t> still;
        for (std::size_t i = 0; i < wanted; ++i) {
            const auto& turn = answer.turns[i];
            const auto bytes = bot.left[i];
            if (!turn.chat) {
                still.push_back(bytes);
                note_wait(turn.limit);
                next = std::min(next, now_ + turn.wait.value_or(look_again_after));
                continue;
            }
            const milliseconds sending{bytes * 1000 / input_.bytes_per_second};
            ends_.push(
                {now_ + *turn.wait + sending + input_.answer_time, index, turn.permit, *turn.chat});
            next = now_;
        }
        bot.left.erase(bot.left.begin(), bot.left.begin() + static_cast<std::ptrdiff_t>(wanted));
        bot.left.insert(bot.left.begin(), still.begin(), still.end());
        return next;
    }

    void note_wait(const std::string& limit) {
        if (std::ranges::find(waiting_for_, limit) == waiting_for_.end())
            waiting_for_.push_back(limit);
    }

    static constexpr milliseconds start{1'000'000};
    const PlanInput& input_;
    std::vector<Bot> bots_;
    std::vector<std::int64_t> chats_;
    std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
    milliseconds now_ = start;
    std::size_t permits_ = 0;
    std::vector<std::string> waiting_for_;
    std::map<std::string, milliseconds> waited_;
};

}  // namespace

Plan plan(const PlanInput& input) {
    return Simulation{input}.run();
}

}  // namespace prewarm::sandbox
