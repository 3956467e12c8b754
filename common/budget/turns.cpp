#include "common/budget/turns.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>

namespace prewarm::budget {
namespace {

namespace json = boost::json;

constexpr double ms_per_second = 1000;

std::string_view name_of(Told::What what) {
    switch (what) {
        case Told::What::throttled:
            return "throttled";
        case Told::What::refused:
            return "refused";
        case Told::What::moved:
            return "moved";
        case Told::What::forget:
            return "forget";
    }
    return "";
}

// Lua's numbers are not wide enough for every id.
std::string chat_name(std::int64_t chat) {
    return std::to_string(chat);
}

template <class Of, class Encode>
json::array list_of(const std::vector<Of>& all, Encode encode_one) {
    json::array list;
    list.reserve(all.size());
    for (const auto& one : all)
        list.emplace_back(encode_one(one));
    return list;
}

json::object encoded(const Limits& limits) {
    return {{"bot_ms", ms_per_second / limits.bot_per_second},
            {"chat_ms", ms_per_second / limits.chat_per_second},
            {"chat_in_flight", std::max(1.0, std::floor(4 * limits.chat_per_second))},
            // Of a share below one, nothing.
            {"group_most", std::floor(limits.group_per_minute)},
            {"in_flight", limits.most_in_flight},
            {"bytes", limits.most_bytes},
            {"same_size", limits.spaces_equal_sizes}};
}

json::object encoded(const Wanted& wanted) {
    json::object one{
        {"permit", wanted.permit}, {"bytes", wanted.bytes}, {"hold_ms", wanted.hold.count()}};
    if (wanted.chat != 0) one["chat"] = chat_name(wanted.chat);
    if (wanted.album) one["album"] = true;
    return one;
}

json::object encoded(const Ended& ended) {
    return {{"permit", ended.permit},
            {"chat", chat_name(ended.chat)},
            {"posted", ended.posted},
            {"worked", ended.worked},
            {"ago_ms", ended.ago.count()}};
}

json::object encoded(const Held& held) {
    return {{"permit", held.permit},
            {"chat", chat_name(held.chat)},
            {"bytes", held.bytes},
            {"hold_ms", held.hold.count()}};
}

json::object encoded(const Told& told) {
    return {{"what", name_of(told.what)},
            {"chat", chat_name(told.chat)},
            {"ms", told.wait.count()},
            {"to", chat_name(told.to)}};
}

Turn decoded_turn(const json::object& turn) {
    Turn decoded{.permit = json::value_to<std::string>(turn.at("permit")),
                 .chat = {},
                 .wait = {},
                 .limit = {}};
    if (const auto* chat = turn.if_contains("chat")) {
        decoded.chat = std::stoll(json::value_to<std::string>(*chat));
    }
    if (const auto* wait = turn.if_contains("wait_ms")) {
        decoded.wait = std::chrono::milliseconds{std::llround(wait->to_number<double>())};
    }
    if (const auto* limit = turn.if_contains("limit")) {
        decoded.limit = json::value_to<std::string>(*limit);
    }
    if (const auto* album = turn.if_contains("album")) {
        decoded.album = Album{
            .id = json::value_to<std::string>(*album),
            .size = static_cast<unsigned>(std::llround(turn.at("album_size").to_number<double>()))};
    }
    return decoded;
}

}  // namespace

// All of them may arrive in one moment: less than a second's worth, and less than the Bot API
// server takes at once.
unsigned most_in_flight(double bot_per_second) {
    return static_cast<unsigned>(std::clamp(bot_per_second * 5 / 6, 1.0, 90.0));
}

Limits share_of(Limits limits, unsigned senders) {
    const double part = 1.0 / std::max(senders, 1U);
    limits.bot_per_second *= part;
    limits.chat_per_second *= part;
    limits.group_per_minute *= part;
    limits.most_in_flight = std::max(1U, limits.most_in_flight / std::max(senders, 1U));
    limits.most_bytes /= std::max(senders, 1U);
    return limits;
}

std::string encode(const Request& request) {
    const auto one = [](const auto& part) { return encoded(part); };
    return json::serialize(json::object{{"instance", request.instance},
                                        {"born", request.born},
                                        {"seq", request.seq},
                                        {"peers", request.peers},
                                        {"limits", encoded(request.limits)},
                                        {"grace_ms", request.grace.count()},
                                        {"horizon_ms", request.horizon.count()},
                                        {"chats", list_of(request.chats, chat_name)},
                                        {"ended", list_of(request.ended, one)},
                                        {"held", list_of(request.held, one)},
                                        {"told", list_of(request.told, one)},
                                        {"wanted", list_of(request.wanted, one)}});
}

Result<Answer> decode_answer(std::string_view text) {
    const auto none = [](std::string_view why) {
        return Failure{FailureKind::transient,
                       "the budget's script answers nonsense: " + std::string{why}};
    };
    boost::system::error_code error;
    const auto parsed = json::parse(text, error);
    if (error || !parsed.is_object()) return none("no JSON object");
    try {
        const auto& object = parsed.get_object();
        const auto whole = [&](std::string_view name) {
            return static_cast<std::uint64_t>(std::llround(object.at(name).to_number<double>()));
        };
        Answer answer{.seq = whole("seq"),
                      .born = whole("born"),
                      .instances = static_cast<unsigned>(whole("instances")),
                      .per_second = object.at("rate").to_number<double>(),
                      .turns = {}};
        // Lua knows no empty list: it is written as an empty object.
        if (const auto* turns = object.at("turns").if_array()) {
            for (const auto& turn : *turns)
                answer.turns.push_back(decoded_turn(turn.as_object()));
        }
        return answer;
    } catch (const std::exception& wrong) {
        return none(wrong.what());
    }
}

}  // namespace prewarm::budget
