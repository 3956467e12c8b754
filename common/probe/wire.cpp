#include "common/probe/wire.hpp"

#include <cstring>
#include <type_traits>

#include "common/base/text.hpp"
#include "common/base/upload.hpp"

namespace prewarm::probe {
namespace {

constexpr std::size_t most_text_bytes = 1000;

class Writer {
public:
    template <class Number>
    void number(Number value) {
        static_assert(std::is_integral_v<Number>);
        text_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    void text(std::string_view value) {
        number(static_cast<std::uint64_t>(value.size()));
        text_ += value;
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

/// Gives zeros and nothing once something was missing.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_{text} {}

    template <class Number>
    Number number() {
        Number value{};
        const auto bytes = take(sizeof(value));
        if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(value));
        return value;
    }
    std::string text(std::size_t most_bytes) {
        const auto size = number<std::uint64_t>();
        if (size > most_bytes) is_wrong_ = true;
        return std::string{take(size)};
    }
    bool is_done() const { return !is_wrong_ && rest_.empty(); }

private:
    std::string_view take(std::uint64_t size) {
        if (is_wrong_ || size > rest_.size()) {
            is_wrong_ = true;
            return {};
        }
        const auto taken = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view rest_;
    bool is_wrong_ = false;
};

bool is_clean(std::string_view text) {
    while (!text.empty()) {
        const auto size = utf8_character(text);
        if (size == 0 || (size == 1 && (text[0] < ' ' || text[0] == '\x7f'))) return false;
        text.remove_prefix(size);
    }
    return true;
}

bool is_plausible(const Found& found) {
    return found.duration.count() >= 0 && is_clean(found.title) && is_clean(found.performer) &&
           (found.thumbnail.empty() || found.thumbnail.starts_with("\xff\xd8"));
}

}  // namespace

std::string encode(const Result<Found>& result) {
    Writer writer;
    writer.number(std::uint8_t{result.has_value()});
    if (!result) {
        writer.text(result.error().detail.substr(0, most_text_bytes));
        return writer.take();
    }
    writer.number(result->width);
    writer.number(result->height);
    writer.number(std::int64_t{result->duration.count()});
    writer.number(std::uint8_t{result->has_sound});
    writer.text(result->title);
    writer.text(result->performer);
    writer.text(result->thumbnail);
    return writer.take();
}

Result<Found> decode(std::string_view text) {
    const Failure wrong{FailureKind::refused, "the probe's result is none"};
    Reader reader{text};
    if (reader.number<std::uint8_t>() == 0) {
        auto detail = reader.text(most_text_bytes);
        if (!reader.is_done()) return wrong;
        return Failure{FailureKind::refused, printable(detail)};
    }
    Found found;
    found.width = reader.number<std::uint32_t>();
    found.height = reader.number<std::uint32_t>();
    found.duration = std::chrono::milliseconds{reader.number<std::int64_t>()};
    found.has_sound = reader.number<std::uint8_t>() != 0;
    found.title = reader.text(most_text_bytes);
    found.performer = reader.text(most_text_bytes);
    found.thumbnail = reader.text(most_thumbnail_bytes);
    if (!reader.is_done() || !is_plausible(found)) return wrong;
    return found;
}

}  // namespace prewarm::probe
