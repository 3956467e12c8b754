#include "producer/dead_letters/cause.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace prewarm::producer {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_word(char c) {
    return is_letter(c) || is_digit(c);
}

/// Reads a detail from left to right, and writes its cause.
class Normaliser {
public:
    explicit Normaliser(std::string_view detail) : rest_{detail} {}

    std::string cause() {
        while (!rest_.empty()) {
            if (!object() && !quoted() && !time() && !id() && !path() && !number()) word();
        }
        return std::move(cause_);
    }

private:
    bool put(std::string_view placeholder, std::size_t instead_of) {
        cause_ += placeholder;
        rest_.remove_prefix(instead_of);
        return true;
    }

    bool at_start_of_word() const { return cause_.empty() || !is_word(cause_.back()); }

    /// How far it goes on with characters of this kind.
    template <class Kind>
    std::size_t span(Kind kind, std::size_t from = 0) const {
        const auto end =
            std::find_if_not(rest_.begin() + static_cast<std::ptrdiff_t>(from), rest_.end(), kind);
        return static_cast<std::size_t>(end - rest_.begin());
    }

    /// `GET bucket/a key, perhaps with blanks: ...`
    bool object() {
        constexpr std::array<std::string_view, 3> methods{"GET ", "HEAD ", "PUT "};
        if (!at_start_of_word()) return false;
        for (const auto method : methods) {
            if (!rest_.starts_with(method)) continue;
            // A key may hold `: ` itself; an answer of R2's says where it ends.
            auto end = rest_.rfind(": HTTP ");
            if (end == std::string_view::npos) end = rest_.find(": ");
            if (end == std::string_view::npos) end = rest_.size();
            if (rest_.substr(0, end).find('/') == std::string_view::npos) return false;
            cause_ += method;
            return put("<key>", end);
        }
        return false;
    }

    bool quoted() {
        const char quote = rest_.front();
        if (quote != '`' && quote != '"' && quote != '\'') return false;
        if (!at_start_of_word()) return false;  // An apostrophe.
        const auto end = rest_.find(quote, 1);
        if (end == std::string_view::npos) return false;
        return put("<text>", end + 1);
    }

    /// `2026-11-21T10:50:12.123Z`, also with a blank for the T.
    bool time() {
        constexpr std::string_view shape = "0000-00-00T00:00:00";
        if (!at_start_of_word() || rest_.size() < shape.size()) return false;
        for (std::size_t at = 0; at < shape.size(); ++at) {
            const char c = rest_[at];
            const bool fits = shape[at] == '0'   ? is_digit(c)
                              : shape[at] == 'T' ? c == 'T' || c == ' '
                                                 : c == shape[at];
            if (!fits) return false;
        }
        auto end = shape.size();
        if (end < rest_.size() && rest_[end] == '.') end = span(is_digit, end + 1);
        if (end < rest_.size() && rest_[end] == 'Z') ++end;
        return put("<time>", end);
    }

    /// UUIDs, digests, and other long words of digits and letters, such as a file_id.
    bool id() {
        if (!at_start_of_word() || rest_.front() == '-') return false;
        const auto length = span([](char c) { return is_word(c) || c == '-'; });
        const auto word = rest_.substr(0, length);
        const auto digits = std::ranges::count_if(word, is_digit);
        if (digits == 0 || std::ranges::all_of(word, is_digit)) return false;
        const bool hex =
            length >= 8 && std::ranges::all_of(word, [](char c) { return is_hex(c) || c == '-'; });
        return (hex || (length >= 20 && digits >= 3)) && put("<id>", length);
    }

    /// A word with slashes, but for content types and what holds no digit.
    bool path() {
        if (!at_start_of_word()) return false;
        const auto length =
            span([](char c) { return is_word(c) || std::string_view{"-./+%@~"}.contains(c); });
        const auto word = rest_.substr(0, length);
        const bool varies = word.contains('/') && std::ranges::any_of(word, is_digit);
        return varies && put("<key>", length - (word.ends_with('.') ? 1 : 0));
    }

    bool number() {
        if (!at_start_of_word() || in_compound()) return false;
        const bool negative = rest_.front() == '-' && rest_.size() > 1 && is_digit(rest_[1]);
        if (!negative && !is_digit(rest_.front())) return false;
        auto end = span(is_digit, negative ? 1 : 0);
        if (!negative && end == 3 && is_status(rest_.substr(0, 3)))
            return put(rest_.substr(0, 3), 3);
        if (end + 1 < rest_.size() && rest_[end] == '.' && is_digit(rest_[end + 1]))
            end = span(is_digit, end + 1);
        return put("<n>", end);
    }

    /// Within `SHA-256` or `UTF-8`.
    bool in_compound() const {
        return cause_.size() > 1 && cause_.back() == '-' && is_letter(cause_[cause_.size() - 2]);
    }

    /// `HTTP 404 ...`, `sendPhoto: 400: ...`
    bool is_status(std::string_view digits) const {
        if (digits.front() < '2' || digits.front() > '5') return false;
        return cause_.ends_with("HTTP ") ||
               (cause_.ends_with(": ") && rest_.substr(3).starts_with(":"));
    }

    void word() {
        // Digits within a word, as in `sha256`, belong to it.
        const auto length = std::max<std::size_t>(is_word(rest_.front()) ? span(is_word) : 1, 1);
        put(rest_.substr(0, length), length);
    }

    std::string_view rest_;
    std::string cause_;
};

}  // namespace

std::string cause_of(std::string_view detail) {
    // The service writes line ends so. What follows the first line shows the place in a body.
    detail = detail.substr(0, std::min(detail.find("\\x0a"), detail.find('\n')));
    return Normaliser{detail}.cause();
}

}  // namespace prewarm::producer
