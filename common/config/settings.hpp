/// Reads configuration variables and gathers every problem, so that all are told at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/secret.hpp"

namespace prewarm::config {

/// The value of a variable, or nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

Environment process_environment();

/// All of a file; nothing if it cannot be read, as when it is a folder.
std::optional<std::string> read_file(const std::string& path);

/// The configuration is wrong: `what()` has a line for each problem. Programs exit with 2.
class ConfigError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// For every variable NAME, NAME_FILE may name a file that holds the value (one trailing newline
/// is dropped). An empty value counts as not set. A wrong value is remembered, and the default
/// returned, until `throw_if_wrong`.
class Settings {
public:
    explicit Settings(Environment environment);

    std::string text(const std::string& name, std::string_view fallback);
    /// Required; `example` is shown when it is missing.
    std::string required_text(const std::string& name, std::string_view example);
    Secret secret(const std::string& name, std::string_view fallback);
    Secret required_secret(const std::string& name, std::string_view example);

    std::int64_t number(const std::string& name, std::int64_t fallback, std::int64_t least,
                        std::int64_t most);
    std::chrono::milliseconds milliseconds(const std::string& name,
                                           std::chrono::milliseconds fallback,
                                           std::chrono::milliseconds least,
                                           std::chrono::milliseconds most);
    bool flag(const std::string& name);  ///< `1` or `0`; off when not set.
    std::string one_of(const std::string& name, std::string_view fallback,
                       std::vector<std::string_view> choices);
    std::vector<std::string> list(const std::string& name);  ///< Comma-separated, blanks trimmed.

    /// Remembers `problem` unless `fine`.
    void require(bool fine, std::string problem);
    void throw_if_wrong() const;

    /// Every variable read so far and its effective value, secrets as `***`.
    const std::vector<std::pair<std::string, std::string>>& effective() const { return effective_; }

private:
    std::optional<std::string> read(const std::string& name);
    std::string shown(const std::string& name, std::string value);

    Environment environment_;
    std::vector<std::string> problems_;
    std::vector<std::pair<std::string, std::string>> effective_;
};

}  // namespace prewarm::config
