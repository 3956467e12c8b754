#include "producer/output.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <ranges>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "common/base/text.hpp"

namespace prewarm::producer {
namespace {

bool is_number(const std::string& cell) {
    return !cell.empty() &&
           std::ranges::all_of(cell, [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

bool is_control(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (first < 0x20 || first == 0x7f) return true;
    // U+0080 to U+009F: terminals obey some of them.
    return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

}  // namespace

Table::Table(std::vector<std::string> header) {
    rows_.push_back(std::move(header));
}

void Table::add(std::vector<std::string> cells) {
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t column = 0; column < row.size(); ++column) {
            std::size_t width = 0;
            bool numbers = rows_.size() > 1;
            for (std::size_t at = 0; at < rows_.size(); ++at) {
                width = std::max(width, width_of(rows_[at][column]));
                numbers = numbers && (at == 0 || is_number(rows_[at][column]));
            }
            const std::string padding(width - width_of(row[column]), ' ');
            if (column > 0) line += "  ";
            line += numbers ? padding + row[column] : row[column] + padding;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out << line << '\n';
    }
}

void print_json(std::ostream& out, const boost::json::object& object) {
    out << boost::json::serialize(object) << std::endl;
}

void tell(std::ostream& err, std::string_view text) {
    for (const auto line : std::views::split(text, '\n'))
        err << "prewarmctl: " << shown({line.begin(), line.end()}) << '\n';
    err.flush();
}

std::string shown(std::string_view text) {
    std::string safe;
    while (!text.empty()) {
        const auto length = utf8_character(text);
        if (length == 0 || is_control(text.substr(0, length))) {
            const auto bytes = std::max<std::size_t>(length, 1);
            for (const auto c : text.substr(0, bytes))
                safe += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
            text.remove_prefix(bytes);
        } else {
            safe += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return safe;
}

std::string shown_bytes(std::uint64_t bytes) {
    constexpr std::array units{"kB", "MB", "GB", "TB"};
    if (bytes < 1000) return fmt::format("{} B", bytes);
    auto value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    while (value >= 999.95 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string shown_duration(std::chrono::milliseconds time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    if (seconds < 120) return fmt::format("{} s", seconds);
    if (seconds < 2 * 3600) return fmt::format("{} min", seconds / 60);
    if (seconds < 48 * 3600) return fmt::format("{} h", seconds / 3600);
    return fmt::format("{} d", seconds / 86400);
}

std::string shown_time(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace prewarm::producer
