/// How an upload of files went, as it is told.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "producer/file_upload.hpp"

namespace prewarm::producer {

boost::json::object json_of(const UploadedFile& file);

/// By path.
void print_table(std::vector<UploadedFile> files, std::ostream& out);

/// What failed and why, how many did not, and what becomes of events that were only recorded.
/// `problems` are those of files that were not even found.
void print_summary(const std::vector<UploadedFile>& files, const std::vector<std::string>& problems,
                   std::ostream& err);

}  // namespace prewarm::producer
