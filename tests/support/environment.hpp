/// What an integration test gets from `scripts/stack env`, and names that no other test uses.
#pragma once

#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>

namespace prewarm::test {

/// A test without its server has failed; it is not skipped.
inline std::string required_variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') {
        throw std::runtime_error{name + " is not set: eval \"$(scripts/stack env)\" first"};
    }
    return value;
}

/// Fit for a bot slug, a table, a queue: `test_3fa1c09b`.
inline std::string random_name() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::random_device chance;
    std::string name{"test_"};
    for (int i = 0; i < 12; ++i)
        name += digits[chance() % digits.size()];
    return name;
}

}  // namespace prewarm::test
