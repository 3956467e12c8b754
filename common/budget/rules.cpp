#include "common/budget/rules.hpp"

#include <stdexcept>
#include <utility>

#include <boost/json.hpp>
#include <lua.hpp>

#include "common/budget/rules_text.hpp"

namespace prewarm::budget {
namespace {

namespace json = boost::json;

// What Redis adds: time, a place for the state, and JSON. A state that nobody asks for any more
// knows nothing worth keeping but its rests, whose time is added.
constexpr std::string_view before_rules = "local decide = (function()\n";
constexpr std::string_view after_rules = R"lua(
end)()
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local kept = redis.call('GET', KEYS[1])
local state, answer = decide(kept and cmsgpack.unpack(kept) or nil, now, cjson.decode(ARGV[1]))
local till = math.max(state.rest, now)
for _, chat in pairs(state.chats) do till = math.max(till, chat.rest) end
redis.call('SET', KEYS[1], cmsgpack.pack(state), 'PX', string.format('%.0f', till - now + 3600000))
return cjson.encode(answer)
)lua";

// The registry's places for the function and the state.
constexpr const char* decide_key = "decide";
constexpr const char* state_key = "state";

void push(lua_State* lua, const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            lua_pushnil(lua);
            break;
        case json::kind::bool_:
            lua_pushboolean(lua, value.get_bool() ? 1 : 0);
            break;
        case json::kind::int64:
        case json::kind::uint64:
        case json::kind::double_:
            lua_pushnumber(lua, value.to_number<double>());
            break;
        case json::kind::string:
            lua_pushlstring(lua, value.get_string().data(), value.get_string().size());
            break;
        case json::kind::array: {
            lua_newtable(lua);
            int place = 0;
            for (const auto& element : value.get_array()) {
                push(lua, element);
                lua_rawseti(lua, -2, ++place);
            }
            break;
        }
        case json::kind::object:
            lua_newtable(lua);
            for (const auto& [key, member] : value.get_object()) {
                lua_pushlstring(lua, key.data(), key.size());
                push(lua, member);
                lua_rawset(lua, -3);
            }
            break;
    }
}

/// The value at `place` of the stack. A table is a list if it has a first element.
json::value read(lua_State* lua, int place) {
    switch (lua_type(lua, place)) {
        case LUA_TBOOLEAN:
            return lua_toboolean(lua, place) != 0;
        case LUA_TNUMBER:
            return lua_tonumber(lua, place);
        case LUA_TSTRING: {
            std::size_t size = 0;
            const char* text = lua_tolstring(lua, place, &size);
            return json::string{text, size};
        }
        case LUA_TTABLE:
            break;
        default:
            return nullptr;
    }
    if (const auto length = lua_objlen(lua, place); length > 0) {
        json::array list;
        for (std::size_t element = 1; element <= length; ++element) {
            lua_rawgeti(lua, place, static_cast<int>(element));
            list.push_back(read(lua, lua_gettop(lua)));
            lua_pop(lua, 1);
        }
        return list;
    }
    json::object object;
    lua_pushnil(lua);
    while (lua_next(lua, place) != 0) {
        // The key must stay as it is: only texts are read, which is all there are.
        object[lua_tostring(lua, -2)] = read(lua, lua_gettop(lua));
        lua_pop(lua, 1);
    }
    return object;
}

[[noreturn]] void fail(lua_State* lua) {
    throw std::logic_error{"rules.lua: " + std::string{lua_tostring(lua, -1)}};
}

}  // namespace

const std::string& shared_rules() {
    static const auto script =
        std::string{before_rules} + std::string{rules_text} + std::string{after_rules};
    return script;
}

void Rules::Close::operator()(lua_State* lua) const {
    lua_close(lua);
}

Rules::Rules() : lua_{luaL_newstate()} {
    auto* lua = lua_.get();
    if (lua == nullptr) throw std::bad_alloc{};
    luaL_openlibs(lua);
    if (luaL_loadbuffer(lua, rules_text.data(), rules_text.size(), "rules.lua") != 0 ||
        lua_pcall(lua, 0, 1, 0) != 0) {
        fail(lua);
    }
    lua_setfield(lua, LUA_REGISTRYINDEX, decide_key);
}

Answer Rules::decide(std::chrono::milliseconds now, const Request& request) {
    auto* lua = lua_.get();
    lua_getfield(lua, LUA_REGISTRYINDEX, decide_key);
    lua_getfield(lua, LUA_REGISTRYINDEX, state_key);
    lua_pushnumber(lua, static_cast<double>(now.count()));
    push(lua, json::parse(encode(request)));
    if (lua_pcall(lua, 3, 2, 0) != 0) fail(lua);
    const auto answer = read(lua, lua_gettop(lua));
    lua_pop(lua, 1);
    lua_setfield(lua, LUA_REGISTRYINDEX, state_key);
    auto decoded = decode_answer(json::serialize(answer));
    if (!decoded) throw std::logic_error{decoded.error().detail};
    return std::move(*decoded);
}

}  // namespace prewarm::budget
