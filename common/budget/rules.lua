-- Telegram's limits for one bot, as one decision: what may be sent when and to which chat, and how
-- long the rest has to wait. Pure: all it knows is in `state`, time is given, in milliseconds.
-- The same text decides inside Redis, for all instances, and in this process (rules.hpp says how
-- `request` and the answer look). Lua 5.1.
--
-- A permit is "in flight" until its holder says how it ended. It may reach its chat at any moment
-- of that time, so the limits hold whatever the upload takes: of a window's messages those in
-- flight are counted with those that are there, and where there is no window, few are in flight.

local window_ms = 60000
local rest_of_a_refused_chat_ms = 600000
local forget_instance_ms = 60000
local same_size_from_bytes = 100000
local unknown_size_taken_as = 10000000
local most_in_album = 10
-- Until a message has ended, and for a moment after it began, its sender alone knows whether the
-- chat takes more. That counts while Telegram has told anybody to wait a short time ago; and a long
-- upload keeps the others out for so long at most.
local wary_ms = 60000
local known_to_one_ms = 1500
local longest_alone_ms = 10000
local look_again_ms = 500
-- So many chats that are told to wait one after the other, with nothing that worked between, are
-- the bot.
local chats_that_are_the_bot = 3

local function is_group(id) return id:sub(1, 1) == '-' end

local function new_state(now)
    return {
        born = math.floor(now),
        seq = 0,
        closed_until = 0,
        slots = {},              -- The bot's, each for one message: which are taken, and when they end.
        rest = 0, rest_since = 0, -- A 429 for the whole bot.
        throttled = -wary_ms,    -- When a 429 was told.
        worked = 0,              -- When the last message began that Telegram took.
        chats = {},              -- By id: { log, in_flight, free, rest, rest_is, since, last, by }
        moved = {},              -- Chats that migrated: id to id.
        in_flight = {},          -- By permit: { chat, bytes, till, at }
        sizes = {},              -- By size in bytes: when the next of that size may go out.
        instances = {},          -- By name: until when it is counted.
    }
end

local function chat_of(state, id)
    while state.moved[id] do id = state.moved[id] end
    local chat = state.chats[id]
    if not chat then
        -- log: when each of its messages leaves the window, ascending.
        chat = { log = {}, in_flight = 0, free = 0, rest = 0, rest_is = '', since = 0, last = 0, by = '' }
        state.chats[id] = chat
    end
    return chat, id
end

-- As text: a table with large whole numbers for keys is not packed as it is.
local function slot_name(slot) return string.format('%.0f', slot) end

local function note_posted(chat, id, at)
    if not is_group(id) then return end
    local log, leaves = chat.log, at + window_ms
    local place = #log + 1
    while place > 1 and log[place - 1] > leaves do place = place - 1 end
    table.insert(log, place, leaves)
end

-- A permit that is not known (any more) may have been used all the same. Where its asker missed an
-- answer, it may have been used for another chat than was given here: what the asker says counts.
local function land(state, permit, chat_id, posted_at, worked)
    local flight = state.in_flight[permit]
    if flight then
        if worked then
            state.worked = math.max(state.worked, flight.at)
            if flight.at > state.rest_since then state.rest = 0 end  -- It was not the bot, then.
        end
        local left = state.chats[flight.chat]
        left.in_flight = left.in_flight - 1
        state.in_flight[permit] = nil
    end
    if posted_at then
        local chat, id = chat_of(state, chat_id)
        note_posted(chat, id, posted_at)
    end
end

local function fly(state, permit, chat_id, bytes, at, till)
    local chat, id = chat_of(state, chat_id)
    land(state, permit)
    chat.in_flight = chat.in_flight + 1
    state.in_flight[permit] = { chat = id, bytes = bytes, at = at, till = till }
end

local function forget_what_is_over(state, now)
    local over = {}
    for permit, flight in pairs(state.in_flight) do
        if flight.till <= now then over[permit] = flight end
    end
    for permit, flight in pairs(over) do land(state, permit, flight.chat, flight.till) end
    for _, chat in pairs(state.chats) do
        local log, gone = chat.log, 0
        while log[gone + 1] and log[gone + 1] <= now do gone = gone + 1 end
        if gone > 0 then
            local left = {}
            for place = gone + 1, #log do left[#left + 1] = log[place] end
            chat.log = left
        end
    end
    for id, chat in pairs(state.chats) do
        local is_idle = chat.in_flight == 0 and #chat.log == 0
            and math.max(chat.free, chat.rest, chat.last + window_ms) <= now
        if is_idle then state.chats[id] = nil end
    end
    for size, free in pairs(state.sizes) do
        if free <= now then state.sizes[size] = nil end
    end
    for slot, time in pairs(state.slots) do
        if time <= now then state.slots[slot] = nil end
    end
    for name, till in pairs(state.instances) do
        if till <= now then state.instances[name] = nil end
    end
end

local function hear(state, now, told)
    if told.what == 'forget' then  -- Somebody may have mended its rights.
        for _, chat in pairs(state.chats) do
            if chat.rest_is == 'refused' then chat.rest = 0 end
        end
        return
    end
    local chat, id = chat_of(state, told.chat)
    if told.what == 'refused' then
        if now + rest_of_a_refused_chat_ms > chat.rest then
            chat.rest, chat.rest_is = now + rest_of_a_refused_chat_ms, 'refused'
        end
    elseif told.what == 'moved' then
        local now_chat, now_id = chat_of(state, told.to)
        if now_id == id then return end
        state.moved[id] = now_id
        now_chat.in_flight, chat.in_flight = now_chat.in_flight + chat.in_flight, 0
        for _, flight in pairs(state.in_flight) do
            if flight.chat == id then flight.chat = now_id end
        end
        for _, leaves in ipairs(chat.log) do note_posted(now_chat, now_id, leaves - window_ms) end
        chat.log = {}
        if chat.rest > now_chat.rest then
            now_chat.rest, now_chat.rest_is, now_chat.since = chat.rest, chat.rest_is, chat.since
        end
    elseif told.what == 'throttled' then
        state.throttled = now
        -- The answer does not say whom it means. Chats that were told the same meanwhile make it
        -- the bot, those left out after which Telegram took a message.
        local refused = 1
        for other, state_of in pairs(state.chats) do
            if other ~= id and state_of.rest_is == 'chat_cooldown' and state_of.rest > now
                and state_of.since >= state.worked
            then
                refused = refused + 1
            end
        end
        if refused >= chats_that_are_the_bot then
            state.rest, state.rest_since = math.max(state.rest, now + told.ms), now
        end
        chat.rest, chat.rest_is = math.max(chat.rest, now + told.ms), 'chat_cooldown'
        chat.since = now
    end
end

-- Where another one is sending to it, and would be the first to learn that it has to wait: when to
-- ask again.
local function anothers_until(state, chat, instance, now)
    if state.throttled + wary_ms <= now or chat.by == '' or chat.by == instance then return nil end
    local known = chat.last + known_to_one_ms
    if known > now then return known end
    if chat.in_flight > 0 and chat.last + longest_alone_ms > now then return now + look_again_ms end
end

-- When the chat may get its next message, and which limit says so; nothing when that depends on
-- what is in flight.
local function free_at(state, chat, id, limits, now, instance)
    local at, limit = chat.free, 'chat'
    at = math.max(at, anothers_until(state, chat, instance, now) or 0)
    if chat.rest > at then at, limit = chat.rest, chat.rest_is end
    if not is_group(id) then
        if chat.in_flight >= limits.chat_in_flight then return nil, 'in_flight' end
    else
        local too_many = #chat.log + chat.in_flight - limits.group_most + 1
        if too_many > 0 then
            local leaves = chat.log[too_many]
            if not leaves then return nil, 'group' end
            if leaves > at then at, limit = leaves, 'group' end
        end
    end
    return math.max(at, now), at > now and limit or nil
end

local function choose_chat(state, now, limits, want, pool, instance)
    if want.chat then
        local chat, id = chat_of(state, want.chat)
        if chat.rest <= now then pool = { want.chat } end
    end
    local best
    for _, wished in ipairs(pool) do
        local chat, id = chat_of(state, wished)
        local at, limit = free_at(state, chat, id, limits, now, instance)
        local load = #chat.log + chat.in_flight
        -- One that depends on what is in flight comes after all that do not.
        if not best or (at or math.huge) < (best.at or math.huge)
            or (at == best.at and (load < best.load or (load == best.load and chat.last < best.chat.last)))
        then
            best = { chat = chat, id = id, at = at, limit = limit, load = load }
        end
    end
    return best
end

-- What the Bot API server reserves for a request of this size.
local function reserve_size(state, size, bytes, at)
    state.sizes[size] = at + math.min(math.max(bytes * 1e-4, 200), 900)
end

local function size_that_counts(limits, bytes)
    return limits.same_size and bytes > same_size_from_bytes and tostring(bytes)
end

local function bytes_of(want) return want.bytes > 0 and want.bytes or unknown_size_taken_as end

-- Which limit on what is in flight is in the way.
local function too_much(limits, in_flight, bytes)
    if in_flight.count >= limits.in_flight then return 'in_flight' end
    if in_flight.count > 0 and in_flight.bytes + bytes > limits.bytes then return 'bytes' end
end

local function next_slot(state, limits, at)
    local first = math.floor(at / limits.bot_ms)
    local slot = first
    while state.slots[slot_name(slot)] do slot = slot + 1 end
    -- The begin of the first one, multiplied out again, may come out a hair after `at`: no wait.
    return slot, slot > first and math.max(at, slot * limits.bot_ms) or at
end

local function take_off(state, limits, want, chat_id, slot, at, in_flight)
    state.slots[slot_name(slot)] = (slot + 1) * limits.bot_ms
    fly(state, want.permit, chat_id, bytes_of(want), at, at + want.hold_ms)
    in_flight.count, in_flight.bytes = in_flight.count + 1, in_flight.bytes + bytes_of(want)
end

-- When, and to which chat; and the album that it may be the first of. That only a group gets: a
-- person takes a few messages at once, wherever they come from.
local function decide(state, now, request, want, in_flight)
    local limits = request.limits
    local full = too_much(limits, in_flight, bytes_of(want))
    if full then return nil, full end
    local best = choose_chat(state, now, limits, want, request.chats, request.instance)
    if not best then return nil, 'no_chat' end
    local at, limit = best.at, best.limit
    if not at then return nil, limit end
    -- To be asked for again then.
    if anothers_until(state, best.chat, request.instance, now) then return at, limit end
    local function not_before(time, name)
        if time and time > at then at, limit = time, name end
    end
    not_before(state.rest, 'bot_cooldown')
    local size = size_that_counts(limits, want.bytes)
    if size then not_before(state.sizes[size], 'same_size') end
    local slot, free = next_slot(state, limits, at)
    not_before(free, 'bot')
    if at > now + request.horizon_ms then return at, limit end

    take_off(state, limits, want, best.id, slot, at, in_flight)
    best.chat.free = at + limits.chat_ms
    best.chat.last, best.chat.by = at, request.instance
    if want.album and not want.chat and is_group(best.id) then
        return at, limit, best.id, { chat = best.chat, id = best.id, at = at, bytes = 0, members = {} }
    end
    if size then reserve_size(state, size, want.bytes, at) end
    return at, limit, best.id
end

-- Whether one more goes with them. It takes what any message takes, but for the distance to the
-- others of its chat and of its size.
local function join(state, now, request, want, in_flight, album)
    local limits, chat = request.limits, album.chat
    if not want.album or want.chat or #album.members >= most_in_album then return false end
    if too_much(limits, in_flight, bytes_of(want)) then return false end
    local too_many = #chat.log + chat.in_flight - limits.group_most + 1
    if too_many > 0 and (chat.log[too_many] or math.huge) > album.at then return false end
    local slot, at = next_slot(state, limits, album.at)
    if at > now + request.horizon_ms then return false end

    take_off(state, limits, want, album.id, slot, at, in_flight)
    chat.free = chat.free + limits.chat_ms
    album.at = at
    return true
end

local function add_member(album, want, turn)
    album.bytes = album.bytes + want.bytes
    album.members[#album.members + 1] = { want = want, turn = turn }
end

-- All go when the last of them may, as one request.
local function seal(state, now, limits, album)
    local at, limit = album.at, nil
    local size = size_that_counts(limits, album.bytes)
    if size then
        if (state.sizes[size] or 0) > at then at, limit = state.sizes[size], 'same_size' end
        reserve_size(state, size, album.bytes, at)
    end
    album.chat.free = math.max(album.chat.free, at + #album.members * limits.chat_ms)
    album.chat.last = at
    local first = album.members[1]
    for _, member in ipairs(album.members) do
        state.in_flight[member.want.permit].till = at + member.want.hold_ms
        member.turn.wait_ms = math.ceil(at - now)
        member.turn.limit = limit or first.turn.limit
        if #album.members > 1 then
            member.turn.album, member.turn.album_size = first.want.permit, #album.members
        end
    end
end

local function rate_of(state, now, request)
    local limits, chats = request.limits, 0
    for _, wished in ipairs(request.chats) do
        local chat, id = chat_of(state, wished)
        if chat.rest <= now then
            chats = chats + (is_group(id)
                and math.min(limits.group_most / window_ms, 1 / limits.chat_ms)
                or 1 / limits.chat_ms)
        end
    end
    return state.rest <= now and math.min(chats, 1 / limits.bot_ms) * 1000 or 0
end

return function(state, now, request)
    if not state then
        state = new_state(now)
        state.seq = request.seq
        -- This asker, or others, may remember messages of the last minute.
        local may_lack_some = request.peers > 0 or request.seq > 0
        if may_lack_some then state.closed_until = now + request.grace_ms end
    elseif request.born == state.born and request.seq > state.seq then
        -- Restored from a moment that lies before what this instance has seen.
        state.born, state.seq = math.floor(now), request.seq
        state.closed_until = now + request.grace_ms
    end
    state.seq = state.seq + 1
    forget_what_is_over(state, now)
    state.instances[request.instance] = now + forget_instance_ms
    for _, one in ipairs(request.ended) do
        land(state, one.permit, one.chat, one.posted and now - one.ago_ms or nil, one.worked)
    end
    for _, one in ipairs(request.held) do
        local flight = state.in_flight[one.permit]
        local _, id = chat_of(state, one.chat)
        if not flight or flight.chat ~= id then
            fly(state, one.permit, one.chat, one.bytes, 0, now + one.hold_ms)
        else  -- It takes longer than was thought.
            flight.till = math.max(flight.till, now + one.hold_ms)
        end
    end
    for _, told in ipairs(request.told) do hear(state, now, told) end

    local in_flight = { count = 0, bytes = 0 }
    for _, flight in pairs(state.in_flight) do
        in_flight.count, in_flight.bytes = in_flight.count + 1, in_flight.bytes + flight.bytes
    end
    local turns, albums = {}, {}
    local full_until, full_by  -- What holds for every message of the bot.
    if state.closed_until > now then full_until, full_by = state.closed_until, 'recovery' end
    for place, want in ipairs(request.wanted) do
        local open = albums[#albums]
        local at, limit, chat, album = full_until, full_by, nil, nil
        if open and join(state, now, request, want, in_flight, open) then
            at, chat, album = open.at, open.id, open
        elseif not full_until then
            at, limit, chat, album = decide(state, now, request, want, in_flight)
            if album then albums[#albums + 1] = album end
            if not chat and (limit == 'bot' or limit == 'bot_cooldown') then
                full_until, full_by = at, limit
            end
        end
        turns[place] = {
            permit = want.permit, chat = chat, limit = limit, wait_ms = at and math.ceil(at - now),
        }
        if album then add_member(album, want, turns[place]) end
    end
    for _, album in ipairs(albums) do seal(state, now, request.limits, album) end
    local instances = 0
    for _ in pairs(state.instances) do instances = instances + 1 end
    return state, {
        born = state.born, seq = state.seq, instances = instances,
        rate = rate_of(state, now, request), turns = turns,
    }
end
