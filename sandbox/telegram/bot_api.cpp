#include "sandbox/telegram/bot_api.hpp"

#include <array>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/rand.h>

#include "common/log/log.hpp"
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
// A refusal of the server itself comes after three seconds, with 60 to wait.
constexpr auto pause_of_server = std::chrono::seconds{3};
constexpr std::uint64_t largest_download = 20ULL * 1024 * 1024;

Secret random_seed() {
    std::string seed(32, '\0');
    RAND_bytes(reinterpret_cast<unsigned char*>(seed.data()), static_cast<int>(seed.size()));
    return Secret{seed};
}

Response as_response(const ApiResult<json::value>& result) {
    if (result)
        return http::respond(200, "application/json",
                             json::serialize(json::object{{"ok", true}, {"result", *result}}));
    const auto& error = result.error();
    json::object body{
        {"ok", false}, {"error_code", error.code}, {"description", error.description}};
    json::object parameters;
    if (error.retry_after.count() > 0) parameters["retry_after"] = error.retry_after.count();
    if (error.migrate_to_chat_id != 0)
        parameters["migrate_to_chat_id"] = error.migrate_to_chat_id;
    if (!parameters.empty()) body["parameters"] = std::move(parameters);
    auto response = http::respond(error.code, "application/json", json::serialize(body));
    if (error.code == 429)
        response.headers.emplace_back("Retry-After", std::to_string(error.retry_after.count()));
    return response;
}

std::uint64_t file_bytes_in(const Form& form) {
    std::uint64_t bytes = 0;
    for (const auto& file : form.files)
        bytes += file.bytes;
    return bytes;
}

/// Telegram's reader hangs up on a body it cannot read, without a word; the proxy before it says so
/// when one is too large.
Response refusal_of(const NoForm& no_form) {
    Response response{.status = no_form.status};
    if (no_form.status == 413)
        response = as_response(std::unexpected{ApiError{413, "Request Entity Too Large"}});
    response.close = true;
    return response;
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
        Method{"deleteMessage", &BotApi::delete_message},
        Method{"forwardMessage", &BotApi::forward_message},
        Method{"getFile", &BotApi::get_file},
    };
    const auto* const found = std::ranges::find_if(
        methods, [&](const Method& one) { return boost::algorithm::iequals(one.name, name); });
    return found == methods.end() ? nullptr : found;
}

BotApi::BotApi(BotApiOptions options, Stats& stats, Audit& audit)
    : options_{std::move(options)},
      stats_{stats},
      audit_{audit},
      files_{random_seed(), files_kept},
      chats_{messages_kept},
      limiter_{options_.rates} {}

asio::awaitable<Response> BotApi::answer(Request& request) {
    const auto began = steady_clock::now();
    const AtWork at_work{stats_.telegram.at_once};
    const auto path = std::string_view{request.path}.substr(std::string_view{"/bot"}.size());
    const auto slash = std::min(path.find('/'), path.size());
    const std::string token{path.substr(0, slash)};
    const auto* const method = method_named(path.substr(std::min(slash + 1, path.size())));
    ++stats_.telegram.requests[method != nullptr ? std::string{method->name} : "unknown"];

    const bool sends = method != nullptr && method->name.starts_with("send");
    Response response;
    if (sends) {
        response = co_await answer_upload(request, *method, token, began);
    } else {
        auto form = co_await read(request);
        response = form ? as_response(run(method, token, began, std::move(*form)))
                        : refusal_of(form.error());
    }
    ++stats_.telegram.answers[response.status];
    if (const auto* const text = std::get_if<std::string>(&response.body))
        stats_.telegram.bytes_sent += text->size();
    log::debug(
        "telegram.answered", "a Bot API request",
        {{"method", method != nullptr ? method->name : "unknown"}, {"status", response.status}});
    co_return response;
}

asio::awaitable<std::expected<Form, NoForm>> BotApi::read(Request& request) {
    auto form = co_await read_form(request, options_.limits);
    if (!form && form.error().aborted) ++stats_.telegram.aborted_uploads;
    if (form) stats_.telegram.bytes_received += form->body_bytes;
    co_return form;
}

// What takes Telegram time is the file, and what the server in front of it watches over.
asio::awaitable<Response> BotApi::answer_upload(Request& request, const Method& method,
                                                std::string_view token,
                                                steady_clock::time_point began) {
    const auto bot = bot_of_token(token);
    const auto bot_id = bot ? bot->id : 0;
    const auto announced = request.body->length().value_or(0);
    if (const auto refused = limiter_.begin_upload(bot_id, announced)) {
        co_await sleep_for(pause_of_server);
        co_return as_response(std::unexpected{flooded(*refused)});
    }
    struct AtWorkHere {
        RateLimiter& limiter;
        std::int64_t bot_id;
        std::uint64_t bytes;
        ~AtWorkHere() { limiter.end_upload(bot_id, bytes); }
    } at_work{limiter_, bot_id, announced};

    auto form = co_await read(request);
    if (!form) co_return refusal_of(form.error());
    const auto delay =
        limiter_.delay_of_size(steady_clock::now(), bot_id, file_bytes_in(*form));
    if (delay > RateLimiter::longest_delay) {
        co_await sleep_for(pause_of_server);
        co_return as_response(
            std::unexpected{flooded({Limit::same_size, std::chrono::seconds{60}})});
    }
    if (delay.count() > 0) co_await sleep_for(delay);
    if (options_.latency.count() > 0) co_await sleep_for(options_.latency);
    co_return as_response(run(&method, token, began, std::move(*form)));
}

ApiError BotApi::flooded(const Violation& violation) {
    ++stats_.violations[std::string{name_of(violation.limit)}];
    return {.code = 429,
            .description =
                fmt::format("Too Many Requests: retry after {}", violation.retry_after.count()),
            .retry_after = violation.retry_after};
}

ApiResult<json::value> BotApi::run(const Method* method, std::string_view token,
                                   steady_clock::time_point began, Form form) {
    auto bot = bot_of(token);
    if (!bot) return std::unexpected{bot.error()};
    if (method == nullptr) return std::unexpected{ApiError{404, "Not Found: method not found"}};
    const Call call{.bot = std::move(*bot), .form = std::move(form), .began = began};
    return (this->*method->run)(call, *method);
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
    const auto caption = call.form.text("caption");
    if (!is_utf8(caption)) return bad_request("strings must be encoded in UTF-8");
    if (characters_in(caption) > longest_caption) return bad_request("message caption is too long");
    return post(call, method, *chat_id, *media);
}

/// A text argument wins over a file of the same name, as with Telegram.
ApiResult<BotApi::Media> BotApi::media_of(const Call& call, MediaKind kind) {
    constexpr std::string_view attached = "attach://";
    std::string_view field = name_of(kind);
    const auto text = call.form.text(field);
    if (text.starts_with(attached)) {
        field = text.substr(attached.size());
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

ApiResult<BotApi::Media> BotApi::media_of_file_id(const Call& call, MediaKind kind,
                                                  std::string_view file_id) {
    if (file_id.find('.') != std::string_view::npos)
        return bad_request("the sandbox does not fetch files by URL yet: send the bytes");
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

/// Every send ends here: whatever may keep a message from being posted belongs before it is.
ApiResult<json::value> BotApi::post(const Call& call, const Method& method, std::int64_t chat_id,
                                    Media media) {
    if (const auto flood = limiter_.post(steady_clock::now(), call.bot.id, chat_id))
        return std::unexpected{flooded(*flood)};
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
