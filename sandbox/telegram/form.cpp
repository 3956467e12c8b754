#include "sandbox/telegram/form.hpp"

#include <algorithm>
#include <iterator>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "sandbox/digest.hpp"
#include "sandbox/number.hpp"
#include "sandbox/telegram/multipart_parser.hpp"

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using http::Request;
using std::chrono::steady_clock;

// Of Telegram's own reader.
constexpr std::size_t most_text_bytes = 1024UL * 1024;
constexpr std::size_t most_files = 50;

/// Takes a body as fast as it is meant to be taken.
class Pace {
public:
    explicit Pace(std::uint64_t bytes_per_second) : bytes_per_second_{bytes_per_second} {}

    asio::awaitable<void> keep(std::uint64_t bytes_so_far) const {
        if (bytes_per_second_ == 0) co_return;
        const std::chrono::duration<double> due{static_cast<double>(bytes_so_far) /
                                                static_cast<double>(bytes_per_second_)};
        const auto ahead = begin_ + due - steady_clock::now();
        if (ahead.count() > 0)
            co_await sleep_for(std::chrono::duration_cast<steady_clock::duration>(ahead));
    }

private:
    std::uint64_t bytes_per_second_;
    steady_clock::time_point begin_ = steady_clock::now();
};

/// Makes a form of a body's parts.
class FormMaker final : public MultipartSink {
public:
    explicit FormMaker(Form& form) : form_{form} {}

    void begin_part(PartHeader header) override {
        if (!header.file_name) {
            form_.parameters.emplace_back(std::move(header.name), std::string{});
            is_file_ = false;
            return;
        }
        is_file_ = true;
        digest_ = Digest::sha256();
        content_ = {};
        form_.files.push_back({.field = std::move(header.name),
                               .file_name = std::move(*header.file_name),
                               .bytes = 0,
                               .sha256 = {},
                               .content = {}});
    }

    void part_bytes(std::string_view bytes) override {
        if (is_file_) {
            digest_.update(bytes);
            content_.feed(bytes);
            form_.files.back().bytes += bytes.size();
            return;
        }
        text_bytes_ += bytes.size();
        if (!too_large()) form_.parameters.back().second += bytes;
    }

    void end_part() override {
        if (!is_file_) return;
        form_.files.back().sha256 = digest_.as_sha256();
        form_.files.back().content = content_.content();
    }

    bool too_large() const {
        return text_bytes_ > most_text_bytes || form_.files.size() > most_files;
    }

private:
    Form& form_;
    Digest digest_ = Digest::sha256();
    ContentReader content_;
    std::size_t text_bytes_ = 0;
    bool is_file_ = false;
};

std::optional<NoForm> add_json(std::string_view text, Form& form) {
    boost::system::error_code error;
    const auto value = json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) return NoForm{.status = 400};
    for (const auto& [name, one] : value.as_object()) {
        if (one.is_null()) continue;
        form.parameters.emplace_back(
            name, one.is_string() ? json::value_to<std::string>(one) : json::serialize(one));
    }
    return std::nullopt;
}

std::optional<NoForm> add_urlencoded(std::string_view text, Form& form) {
    auto parameters = http::parse_form(text);
    if (!parameters) return NoForm{.status = 400};
    std::ranges::move(*parameters, std::back_inserter(form.parameters));
    return std::nullopt;
}

/// Hands the body to `take` piece by piece; `take` says whether to go on.
template <class Take>
asio::awaitable<std::optional<NoForm>> read_body(Request& request, FormLimits limits, Form& form,
                                                 Take take) {
    const Pace pace{limits.bytes_per_second};
    while (true) {
        const auto bytes = co_await request.body->read_some();
        if (!bytes) co_return NoForm{.aborted = bytes.error().kind == FailureKind::transient};
        if (bytes->empty()) co_return std::nullopt;
        form.body_bytes += bytes->size();
        if (form.body_bytes > limits.body_bytes) co_return NoForm{.status = 413};
        if (auto trouble = take(std::string_view{bytes->data(), bytes->size()})) co_return trouble;
        co_await pace.keep(form.body_bytes);
    }
}

asio::awaitable<std::optional<NoForm>> read_multipart(Request& request, FormLimits limits,
                                                      Form& form, std::string boundary) {
    FormMaker maker{form};
    MultipartParser parser{boundary, maker};
    auto trouble = co_await read_body(request, limits, form,
                                      [&](std::string_view bytes) -> std::optional<NoForm> {
                                          if (!parser.feed(bytes)) return NoForm{.status = 400};
                                          if (maker.too_large()) return NoForm{.status = 413};
                                          return std::nullopt;
                                      });
    if (trouble) co_return trouble;
    if (!parser.finish()) co_return NoForm{.status = 400};
    co_return std::nullopt;
}

}  // namespace

std::string_view Form::text(std::string_view name) const {
    for (const auto& [parameter, value] : parameters) {
        if (parameter == name) return value;
    }
    return {};
}

std::optional<std::int64_t> Form::number(std::string_view name) const {
    return number_in<std::int64_t>(text(name));
}

bool Form::flag(std::string_view name) const {
    const auto value = text(name);
    return boost::algorithm::iequals(value, "true") || boost::algorithm::iequals(value, "yes") ||
           value == "1";
}

const SentFile* Form::file(std::string_view field) const {
    for (const auto& one : files) {
        if (one.field == field) return &one;
    }
    return nullptr;
}

asio::awaitable<std::expected<Form, NoForm>> read_form(Request& request, FormLimits limits) {
    Form form;
    form.parameters = request.query;
    // The proxy in front of Telegram refuses what is announced as too large before it is sent.
    if (request.body->length().value_or(0) > limits.body_bytes)
        co_return std::unexpected{NoForm{.status = 413}};

    const auto content_type = request.header("content-type").value_or(std::string_view{});
    const auto type = media_type_of(content_type);
    std::optional<NoForm> trouble;
    if (type == "multipart/form-data") {
        auto boundary = boundary_of(content_type);
        if (!boundary) co_return std::unexpected{NoForm{.status = 400}};
        trouble = co_await read_multipart(request, limits, form, std::move(*boundary));
    } else {
        std::string text;
        trouble = co_await read_body(request, limits, form,
                                     [&](std::string_view bytes) -> std::optional<NoForm> {
                                         text += bytes;
                                         if (text.size() <= most_text_bytes) return std::nullopt;
                                         return NoForm{.status = 413};
                                     });
        if (!trouble && type == "application/json" && !text.empty()) trouble = add_json(text, form);
        if (!trouble && type == "application/x-www-form-urlencoded")
            trouble = add_urlencoded(text, form);
    }
    if (trouble) co_return std::unexpected{*trouble};
    co_return form;
}

}  // namespace prewarm::sandbox
