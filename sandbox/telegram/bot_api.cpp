#include "sandbox/telegram/bot_api.hpp"

#include <array>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/rand.h>

#include "common/log/log.hpp"
#include "sandbox/telegram/album.hpp"
#include "sandbox/telegram/api_answer.hpp"
#include "sandbox/telegram/faulty_answer.hpp"
#include "sandbox/telegram/message_json.hpp"
#include "sandbox/telegram/utf8.hpp"

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using http::Request;
using http::Response;
using std::chrono::steady_clock;

constexpr std::size_t files_kept = 1'000'000;
constexpr std::size_t messages_kept = 1'000'000;
constexpr std::size_t longest_caption = 1024;
constexpr std::uint64_t first_album = 13'000'000'000'000;  // As long as Telegram's.
// A refusal of the server itself comes after three seconds, with 60 to wait.
constexpr auto pause_of_server = std::chrono::seconds{3};
constexpr std::uint64_t largest_download = 20ULL * 1024 * 1024;

Secret random_seed() {
    std::string seed(32, '\0');
    RAND_bytes(reinterpret_cast<unsigned char*>(seed.data()), static_cast<int>(seed.size()));
    return Secret{seed};
}

std::uint64_t file_bytes_in(const Form& form) {
    std::uint64_t bytes = 0;
    for (const auto& file : form.files)
        bytes += file.bytes;
    return bytes;
}

/// Calls it when its scope ends.
template <typename Call>
struct AtEnd {
    Call call;
    ~AtEnd() { call(); }
};

/// Telegram's reader hangs up on a body it cannot read, without a word; the proxy before it says so
/// when one is too large.
Response refusal_of(const NoForm& no_form) {
    Response response{.status = no_form.status};
    if (no_form.status == 413) response = answer_of(ApiError{413, "Request Entity Too Large"});
    response.close = true;
    return response;
}

ApiResult<void> check_caption(const Form& form) {
    const auto caption = form.text("caption");
    if (!is_utf8(caption)) return bad_request("strings must be encoded in UTF-8");
    if (characters_in(caption) > longest_caption) return bad_request("message caption is too long");
    return {};
}

/// As Telegram calls a kind in its errors.
std::string_view spoken(MediaKind kind) {
    return kind == MediaKind::video_note ? "video note" : name_of(kind);
}

std::string declared_in(const Form& form) {
    json::object declared;
    for (const std::string_view name :
         {"width", "height", "duration", "length", "title", "performer", "supports_streaming",
          "disable_content_type_detection", "disable_notification"}) {
        if (const auto text = form.text(name); !text.empty()) declared[name] = text;
    }
    return json::serialize(declared);
}

std::string_view file_path_folder(MediaKind kind) {
    switch (kind) {
        case MediaKind::photo:
            return "photos";
        case MediaKind::video:
            return "videos";
        case MediaKind::animation:
            return "animations";
        case MediaKind::audio:
            return "music";
        case MediaKind::voice:
            return "voice";
        case MediaKind::video_note:
            return "video_notes";
        case MediaKind::sticker:
            return "stickers";
        case MediaKind::document:
            return "documents";
    }
    return "documents";
}

}  // namespace

struct BotApi::Method {
    std::string_view name;
    ApiResult<json::value> (BotApi::*run)(const Call&, const Method&);
    MediaKind kind = MediaKind::document;  ///< Of the methods that send.
};

const BotApi::Method* BotApi::method_named(std::string_view name) {
    static constexpr std::array methods{
        Method{"getMe", &BotApi::get_me},
        Method{"sendPhoto", &BotApi::send, MediaKind::photo},
        Method{"sendVideo", &BotApi::send, MediaKind::video},
        Method{"sendAnimation", &BotApi::send, MediaKind::animation},
        Method{"sendAudio", &BotApi::send, MediaKind::audio},
        Method{"sendVoice", &BotApi::send, MediaKind::voice},
        Method{"sendVideoNote", &BotApi::send, MediaKind::video_note},
        Method{"sendDocument", &BotApi::send, MediaKind::document},
        Method{"sendSticker", &BotApi::send, MediaKind::sticker},
        Method{"sendMediaGroup", &BotApi::send_group},
        Method{"deleteMessage", &BotApi::delete_message},
        Method{"forwardMessage", &BotApi::forward_message},
        Method{"getFile", &BotApi::get_file},
    };
    const auto* const found = std::ranges::find_if(
        methods, [&](const Method& one) { return boost::algorithm::iequals(one.name, name); });
    return found == methods.end() ? nullptr : found;
}

/// A call as far as it is known: its form comes with its body.
struct BotApi::Asked {
    std::string token;
    const Method* method = nullptr;  ///< Null when there is no such method.
    steady_clock::time_point began;
    Form form{};
    std::optional<ApiResult<FetchedFile>> fetched{};

    std::string_view method_name() const { return method != nullptr ? method->name : "unknown"; }
    FaultQuery as_query(std::optional<std::uint64_t> bytes, bool body_is_read) const {
        const auto bot = bot_of_token(token);
        return {.side = FaultSide::telegram,
                .bot_id = bot ? std::optional{bot->id} : std::nullopt,
                .chat_id = form.number("chat_id"),
                .method = method_name(),
                .key = {},
                .bytes = bytes,
                .body_is_read = body_is_read};
    }
};

BotApi::BotApi(BotApiOptions options, Stats& stats, Audit& audit, FaultMatcher& faults)
    : options_{std::move(options)},
      stats_{stats},
      audit_{audit},
      faults_{faults},
      files_{random_seed(), files_kept},
      chats_{messages_kept},
      limiter_{options_.rates} {}

asio::awaitable<Response> BotApi::answer(Request& request) {
    const AtWork at_work{stats_.telegram.at_once};
    const auto path = std::string_view{request.path}.substr(std::string_view{"/bot"}.size());
    const auto slash = std::min(path.find('/'), path.size());
    Asked asked{.token = std::string{path.substr(0, slash)},
                .method = method_named(path.substr(std::min(slash + 1, path.size()))),
                .began = steady_clock::now()};
    const auto method = asked.method_name();
    ++stats_.telegram.requests[std::string{method}];

    const auto bot = bot_of_token(asked.token);
    const auto bot_id = bot ? bot->id : 0;
    if (const auto refused = limiter_.begin_request(asked.began, bot_id))
        co_return co_await refuse(*refused);
    const AtEnd ended{[&] { limiter_.end_request(bot_id); }};

    Response response;
    auto fault = faults_.match(asked.as_query(request.body->length(), false));
    if (fault) {
        response = co_await break_off(request, std::move(*fault));
    } else if (method.starts_with("send")) {
        response = co_await answer_upload(request, std::move(asked), bot_id);
    } else if (auto form = co_await read(request)) {
        asked.form = std::move(*form);
        response = co_await perform(std::move(asked));
    } else {
        response = refusal_of(form.error());
    }
    if (response.hang_up == http::HangUp::no) ++stats_.telegram.answers[response.status];
    if (const auto* const text = std::get_if<std::string>(&response.body))
        stats_.telegram.bytes_sent += text->size();
    log::debug("telegram.answered", "a Bot API request",
               {{"method", method}, {"status", response.status}});
    co_return response;
}

asio::awaitable<std::expected<Form, NoForm>> BotApi::read(Request& request) {
    auto form = co_await read_form(request, options_.limits);
    if (!form && form.error().aborted) ++stats_.telegram.aborted_uploads;
    if (form) stats_.telegram.bytes_received += form->body_bytes;
    co_return form;
}

/// The body is read up to the half at most.
asio::awaitable<Response> BotApi::break_off(Request& request, Fault fault) {
    if (fault.hang.count() > 0) co_await sleep_for(fault.hang);
    const auto half =
        fault.break_off == BreakOff::middle ? request.body->length().value_or(0) / 2 : 0;
    for (std::uint64_t bytes_read = 0; bytes_read < half;) {
        const auto bytes = co_await request.body->read_some();
        if (!bytes || bytes->empty()) break;
        bytes_read += bytes->size();
        stats_.telegram.bytes_received += bytes->size();
    }
    co_return Response{.hang_up = http::HangUp::resets};
}

// What takes Telegram time is the file, and what the server in front of it watches over.
asio::awaitable<Response> BotApi::answer_upload(Request& request, Asked asked,
                                                std::int64_t bot_id) {
    const auto announced = request.body->length().value_or(0);
    if (const auto refused = limiter_.begin_upload(bot_id, announced))
        co_return co_await refuse(*refused);
    const AtEnd uploaded{[&] { limiter_.end_upload(bot_id, announced); }};

    auto form = co_await read(request);
    if (!form) co_return refusal_of(form.error());
    asked.form = std::move(*form);
    const auto chat_id = asked.form.number("chat_id").value_or(0);
    if (const auto refused = limiter_.begin_sending(bot_id, chat_id))
        co_return co_await refuse(*refused);
    const AtEnd sent{[&] { limiter_.end_sending(bot_id, chat_id); }};
    const auto delay =
        limiter_.delay_of_size(steady_clock::now(), bot_id, file_bytes_in(asked.form));
    if (delay > RateLimiter::longest_delay)
        co_return co_await refuse({Limit::same_size, std::chrono::seconds{60}});
    if (delay.count() > 0) co_await sleep_for(delay);
    if (options_.latency.count() > 0) co_await sleep_for(options_.latency);
    asked.fetched = co_await fetch(asked, std::string{request.header("host").value_or("")});
    co_return co_await perform(std::move(asked));
}

/// Nothing when the request's media is no URL, or there is nobody to fetch it for.
asio::awaitable<std::optional<ApiResult<FetchedFile>>> BotApi::fetch(const Asked& asked,
                                                                     std::string own_host) {
    const auto media = asked.form.text(name_of(asked.method->kind));
    if (asked.method->run != &BotApi::send || !is_url(media) || !bot_of(asked.token))
        co_return std::nullopt;
    if (!fetcher_) fetcher_.emplace(co_await asio::this_coro::executor);
    co_return co_await fetcher_->fetch(std::string{media}, std::move(own_host));
}

/// Does what is asked, unless a fault is in the way.
asio::awaitable<Response> BotApi::perform(Asked asked) {
    const auto fault = faults_.match(asked.as_query(asked.form.body_bytes, true));
    if (!fault) co_return answer_of(run(std::move(asked)));
    if (fault->hang.count() > 0) co_await sleep_for(fault->hang);
    const auto bot = bot_of_token(asked.token);
    const auto chat_id = asked.form.number("chat_id");
    if (fault->retry_after.count() > 0 && bot && chat_id)
        limiter_.told_to_wait(steady_clock::now(), bot->id, *chat_id, fault->retry_after);
    auto response = fault->status != 0 ? telegram_answer(*fault) : answer_of(run(std::move(asked)));
    if (fault->break_off == BreakOff::after) co_return Response{.hang_up = http::HangUp::resets};
    if (fault->break_off == BreakOff::closes_after)
        co_return Response{.hang_up = http::HangUp::closes};
    if (fault->drip.count() > 0) co_return dripping(std::move(response), fault->drip);
    co_return response;
}

/// The server itself does, before anything is done.
asio::awaitable<Response> BotApi::refuse(Violation violation) {
    if (violation.limit != Limit::sessions) co_await sleep_for(pause_of_server);
    co_return answer_of(flooded(violation));
}

ApiError BotApi::flooded(const Violation& violation) {
    if (!violation.is_collateral) ++stats_.violations[std::string{name_of(violation.limit)}];
    return {.code = 429,
            .description =
                fmt::format("Too Many Requests: retry after {}", violation.retry_after.count()),
            .retry_after = violation.retry_after};
}

ApiResult<json::value> BotApi::run(Asked asked) {
    auto bot = bot_of(asked.token);
    if (!bot) return std::unexpected{bot.error()};
    if (asked.method == nullptr)
        return std::unexpected{ApiError{404, "Not Found: method not found"}};
    const Call call{.bot = std::move(*bot),
                    .form = std::move(asked.form),
                    .began = asked.began,
                    .fetched = std::move(asked.fetched)};
    return (this->*asked.method->run)(call, *asked.method);
}

ApiResult<Bot> BotApi::bot_of(std::string_view token) const {
    auto bot = bot_of_token(token);
    if (!bot) return std::unexpected{ApiError{404, "Not Found"}};
    if (!options_.bots) return *bot;
    const auto listed = options_.bots->find(token);
    if (listed == options_.bots->end()) return std::unexpected{ApiError{401, "Unauthorized"}};
    return listed->second;
}

ApiResult<json::value> BotApi::get_me(const Call& call, const Method&) {
    auto me = as_json(call.bot);
    me["can_join_groups"] = true;
    me["can_read_all_group_messages"] = false;
    me["supports_inline_queries"] = false;
    return me;
}

// ---- sending ------------------------------------------------------------------------------------

ApiResult<json::value> BotApi::send(const Call& call, const Method& method) {
    const auto media = media_of(call, method.kind);
    if (!media) return std::unexpected{media.error()};
    const auto chat_id = chat_of(call.form, "chat_id");
    if (!chat_id) return std::unexpected{chat_id.error()};
    if (const auto checked = check_caption(call.form); !checked)
        return std::unexpected{checked.error()};
    return post(call, method, *chat_id, *media);
}

/// All or nothing: every item is taken before the first is posted.
ApiResult<json::value> BotApi::send_group(const Call& call, const Method& method) {
    const auto chat_id = chat_of(call.form, "chat_id");
    if (!chat_id) return std::unexpected{chat_id.error()};
    auto album = album_of(call.form);
    if (!album) return std::unexpected{album.error()};

    std::vector<std::pair<Call, Media>> items;
    for (auto& item : *album) {
        Call as_if_alone{.bot = call.bot, .form = std::move(item.form), .began = call.began};
        if (const auto checked = check_caption(as_if_alone.form); !checked)
            return std::unexpected{checked.error()};
        const auto media = media_of(as_if_alone, item.kind);
        if (!media) return std::unexpected{failed_item(items.size(), media.error())};
        if (files_.file(media->number)->kind != item.kind)
            return bad_request("can't use the media of the specified type in the album");
        items.emplace_back(std::move(as_if_alone), *media);
    }
    if (const auto flood = limiter_.post(steady_clock::now(), call.began, call.bot.id, *chat_id,
                                         static_cast<unsigned>(items.size())))
        return std::unexpected{flooded(*flood)};

    json::array messages;
    const auto media_group_id = std::to_string(first_album + ++albums_);
    for (const auto& [as_if_alone, media] : items) {
        auto message = publish(as_if_alone, method, *chat_id, media);
        message["media_group_id"] = media_group_id;
        messages.push_back(std::move(message));
    }
    return messages;
}

/// A text argument wins over a file of the same name, as with Telegram.
ApiResult<BotApi::Media> BotApi::media_of(const Call& call, MediaKind kind) {
    std::string_view field = name_of(kind);
    const auto text = call.form.text(field);
    if (text.starts_with(attached_prefix)) {
        field = text.substr(attached_prefix.size());
    } else if (is_url(text)) {
        return media_of_url(call, kind);
    } else if (!text.empty()) {
        return media_of_file_id(call, kind, text);
    }
    const auto* const file = call.form.file(field);
    if (file == nullptr)
        return bad_request(fmt::format("there is no {} in the request", spoken(kind)));
    auto stored = take_upload(call.form, kind, *file, options_.looking);
    if (!stored) return std::unexpected{stored.error()};
    return Media{.number = files_.add(std::move(*stored)), .is_upload = true};
}

ApiResult<BotApi::Media> BotApi::media_of_url(const Call& call, MediaKind kind) {
    if (!call.fetched)
        return bad_request("the sandbox fetches nothing by URL for an album: send the bytes");
    if (!*call.fetched) return std::unexpected{call.fetched->error()};
    auto stored = take_fetched(kind, **call.fetched);
    if (!stored) return std::unexpected{stored.error()};
    return Media{.number = files_.add(std::move(*stored)), .is_upload = true};
}

ApiResult<BotApi::Media> BotApi::media_of_file_id(const Call& call, MediaKind kind,
                                                  std::string_view file_id) {
    const auto found = files_.find(file_id, call.bot.id);
    if (!found) {
        switch (found.error()) {
            case BadFileId::unreadable:
                return bad_request("wrong remote file identifier specified: can't unserialize it");
            case BadFileId::unknown:
                return bad_request("wrong file identifier/HTTP URL specified");
            case BadFileId::thumbnail:
                return bad_request("can't use file of type Thumbnail as " +
                                   std::string{spoken(kind)});
        }
    }
    // Whatever the method, a document class file stays what it is; only photos are a world apart.
    const auto stored_kind = files_.file(found->number)->kind;
    if ((stored_kind == MediaKind::photo) != (kind == MediaKind::photo))
        return bad_request(
            fmt::format("can't use file of type {} as {}", spoken(stored_kind), spoken(kind)));
    return Media{.number = found->number, .is_upload = false};
}

ApiResult<std::int64_t> BotApi::chat_of(const Form& form, std::string_view field) const {
    if (form.text(field).empty()) return bad_request(fmt::format("{} is empty", field));
    const auto chat_id = form.number(field);
    if (!chat_id || *chat_id == 0) return bad_request("chat not found");
    return *chat_id;
}

/// Whatever may keep a message from being posted comes before `publish`, for albums too.
ApiResult<json::value> BotApi::post(const Call& call, const Method& method, std::int64_t chat_id,
                                    Media media) {
    if (const auto flood = limiter_.post(steady_clock::now(), call.began, call.bot.id, chat_id))
        return std::unexpected{flooded(*flood)};
    return publish(call, method, chat_id, media);
}

json::object BotApi::publish(const Call& call, const Method& method, std::int64_t chat_id,
                             Media media) {
    const auto now = std::chrono::system_clock::now();
    const auto message_id =
        chats_.post(chat_id, {.file = media.number,
                              .bot_id = call.bot.id,
                              .is_protected = call.form.flag("protect_content")});
    auto message =
        message_json({.from = call.bot, .chat_id = chat_id, .message_id = message_id, .date = now});
    add_media(message, files_, media.number, call.bot.id);
    if (const auto caption = call.form.text("caption"); !caption.empty())
        message["caption"] = caption;

    audit_.add({.time = now,
                .bot_id = call.bot.id,
                .chat_id = chat_id,
                .message_id = message_id,
                .method = std::string{method.name},
                .is_upload = media.is_upload,
                .declared = declared_in(call.form),
                .file = *files_.file(media.number),
                .names = files_.names(media.number, FilePart::whole, call.bot.id),
                .request_time = std::chrono::duration_cast<std::chrono::microseconds>(
                    steady_clock::now() - call.began)});
    return message;
}

ApiResult<json::value> BotApi::forward_message(const Call& call, const Method& method) {
    const auto chat_id = chat_of(call.form, "chat_id");
    if (!chat_id) return std::unexpected{chat_id.error()};
    const auto from_chat_id = chat_of(call.form, "from_chat_id");
    if (!from_chat_id) return std::unexpected{from_chat_id.error()};
    const auto* const original =
        chats_.find(*from_chat_id, call.form.number("message_id").value_or(0));
    if (original == nullptr || files_.file(original->file) == nullptr)
        return bad_request("message to forward not found");
    if (original->is_protected) return bad_request("the message can't be forwarded");
    return post(call, method, *chat_id, {.number = original->file, .is_upload = false});
}

// ---- the rest -----------------------------------------------------------------------------------

ApiResult<json::value> BotApi::delete_message(const Call& call, const Method&) {
    const auto chat_id = chat_of(call.form, "chat_id");
    if (!chat_id) return std::unexpected{chat_id.error()};
    auto* const message = chats_.find(*chat_id, call.form.number("message_id").value_or(0));
    if (message == nullptr) return bad_request("message to delete not found");
    if (message->bot_id != call.bot.id) return bad_request("message can't be deleted");
    message->is_deleted = true;
    return true;
}

ApiResult<json::value> BotApi::get_file(const Call& call, const Method&) {
    const auto file_id = call.form.text("file_id");
    if (file_id.empty()) return bad_request("file_id not specified");
    const auto found = files_.find(file_id, call.bot.id);
    if (!found) return bad_request("wrong file_id or the file is temporarily unavailable");
    const auto& file = *files_.file(found->number);
    if (file.bytes > largest_download && !options_.is_local) return bad_request("file is too big");
    const auto names = files_.names(found->number, found->part, call.bot.id);
    return json::object{
        {"file_id", names.file_id},
        {"file_unique_id", names.file_unique_id},
        {"file_size", file.bytes},
        {"file_path", fmt::format("{}/file_{}", file_path_folder(file.kind), found->number)}};
}

}  // namespace prewarm::sandbox
