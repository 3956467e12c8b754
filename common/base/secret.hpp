/// A string that must not be seen: a token, a password, a URL that holds one.
#pragma once

#include <ostream>
#include <string>
#include <utility>

namespace prewarm {

/// Prints as `***`. The text is reached by `reveal()` only, where it goes on a wire.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_{std::move(text)} {}

    const std::string& reveal() const { return text_; }
    bool empty() const { return text_.empty(); }

    bool operator==(const Secret&) const = default;

    friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "***"; }

private:
    std::string text_;
};

}  // namespace prewarm
