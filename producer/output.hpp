/// How results are shown: tables for people, JSON for programs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

namespace prewarm::producer {

/// Columns as wide as their widest cell; a column of numbers is set to the right.
class Table {
public:
    explicit Table(std::vector<std::string> header);

    /// As many cells as the header has.
    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.size() == 1; }

    void print(std::ostream& out) const;

private:
    std::vector<std::vector<std::string>> rows_;  ///< The header is the first.
};

/// One object on one line, and flushed: whoever follows it sees it now.
void print_json(std::ostream& out, const boost::json::object& object);

/// For people, on stderr: each line begins with the program's name, and is as `shown` makes it.
void tell(std::ostream& err, std::string_view text);

/// Text from outside, safe on a terminal and in JSON: UTF-8 stays, control characters and what is
/// not UTF-8 become `\xNN`.
std::string shown(std::string_view text);

/// `12.3 MB`, in powers of ten.
std::string shown_bytes(std::uint64_t bytes);
/// `5 s`, `12 min`, `3 h`, `2 d`.
std::string shown_duration(std::chrono::milliseconds time);
/// `2026-11-21T10:50:12Z`
std::string shown_time(std::chrono::system_clock::time_point time);

/// `1 file`, `2 files`.
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

}  // namespace prewarm::producer
