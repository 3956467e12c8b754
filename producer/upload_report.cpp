#include "producer/upload_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "producer/output.hpp"

namespace prewarm::producer {
namespace {

/// False for a file that could not be read: then nothing is known of it.
bool was_examined(const UploadedFile& file) {
    return !file.upload.r2_key.empty();
}

std::string result_text(const UploadedFile& file) {
    std::string text{name_of(file.result)};
    if (file.was_ready) text += ", was ready";
    return text;
}

std::uint64_t count_stored(const std::vector<UploadedFile>& files) {
    return static_cast<std::uint64_t>(
        std::ranges::count(files, true, &UploadedFile::object_was_there));
}

}  // namespace

boost::json::object json_of(const UploadedFile& file) {
    boost::json::object json{{"path", shown(file.path.native())}, {"result", name_of(file.result)}};
    if (was_examined(file)) {
        json["kind"] = name_of(file.upload.media.kind);
        json["sha256"] = file.upload.media.sha256.hex();
        json["bytes"] = file.upload.bytes;
        json["mime_type"] = file.upload.mime_type;
        json["key"] = shown(file.upload.r2_key);
        json["event_id"] = file.upload.event_id;
        json["object_was_there"] = file.object_was_there;
        json["was_ready"] = file.was_ready;
    }
    if (!file.detail.empty()) json["detail"] = shown(file.detail);
    return json;
}

void print_table(std::vector<UploadedFile> files, std::ostream& out) {
    if (files.empty()) return;
    std::ranges::sort(files, {}, &UploadedFile::path);
    Table table{{"PATH", "KIND", "SHA256", "BYTES", "KEY", "EVENT", "RESULT"}};
    for (const auto& file : files) {
        if (!was_examined(file)) {
            table.add({shown(file.path.native()), "-", "-", "-", "-", "-", result_text(file)});
            continue;
        }
        const auto& upload = file.upload;
        table.add({shown(file.path.native()), std::string{name_of(upload.media.kind)},
                   upload.media.sha256.hex(), std::to_string(upload.bytes), shown(upload.r2_key),
                   upload.event_id, result_text(file)});
    }
    table.print(out);
}

void print_summary(const std::vector<UploadedFile>& files, const std::vector<std::string>& problems,
                   std::ostream& err) {
    const auto count = [&](UploadResult result) {
        return static_cast<std::size_t>(std::ranges::count(files, result, &UploadedFile::result));
    };
    for (const auto& problem : problems)
        tell(err, problem);
    for (const auto& file : files) {
        if (file.result == UploadResult::failed)
            tell(err, fmt::format("{}: {}", file.path.native(), file.detail));
    }
    tell(err,
         fmt::format("{} published, {} recorded only, {} failed; {} stored already",
                     counted(count(UploadResult::published), "file", "files"),
                     count(UploadResult::recorded), count(UploadResult::failed) + problems.size(),
                     counted(count_stored(files), "object was", "objects were")));

    const auto recorded = std::ranges::find(files, UploadResult::recorded, &UploadedFile::result);
    if (recorded == files.end()) return;
    tell(err, fmt::format("recorded only, because: {}\n"
                          "the consumers publish what is recorded once RabbitMQ is back",
                          recorded->detail));
}

}  // namespace prewarm::producer
