#include "producer/upload_report.hpp"

#include <sstream>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

using testing::HasSubstr;

UploadedFile published(const std::string& path) {
    UploadedFile file{.path = path};
    file.upload.event_id = "e1";
    file.upload.media = {.bot_slug = "shop", .sha256 = sha256_of("x"), .kind = MediaKind::photo};
    file.upload.r2_key = "x.jpg";
    file.upload.bytes = 1;
    file.upload.mime_type = "image/jpeg";
    file.result = UploadResult::published;
    return file;
}

UploadedFile unreadable(const std::string& path) {
    return {.path = path, .detail = "Permission denied"};
}

std::string summary(const std::vector<UploadedFile>& files,
                    const std::vector<std::string>& problems = {}) {
    std::ostringstream err;
    print_summary(files, problems, err);
    return err.str();
}

TEST(UploadReport, ListsFilesByPath) {
    auto was_ready = published("a.jpg");
    was_ready.was_ready = true;
    std::ostringstream out;
    print_table({published("b.jpg"), unreadable("c.jpg"), was_ready}, out);
    const auto digest = sha256_of("x").hex();
    EXPECT_EQ(out.str(), "PATH   KIND   SHA256" + std::string(60, ' ') +
                             "BYTES  KEY    EVENT  RESULT\n" + "a.jpg  photo  " + digest +
                             "  1      x.jpg  e1     published, was ready\n" + "b.jpg  photo  " +
                             digest + "  1      x.jpg  e1     published\n" + "c.jpg  -      -" +
                             std::string(65, ' ') + "-      -      -      failed\n");
}

TEST(UploadReport, SaysNothingOfAFileThatItCouldNotRead) {
    EXPECT_EQ(boost::json::serialize(json_of(unreadable("c.jpg"))),
              R"({"path":"c.jpg","result":"failed","detail":"Permission denied"})");
}

TEST(UploadReport, TellsProgramsEverything) {
    EXPECT_EQ(boost::json::serialize(json_of(published("b.jpg"))),
              R"({"path":"b.jpg","result":"published","kind":"photo","sha256":")" +
                  sha256_of("x").hex() +
                  R"(","bytes":1,"mime_type":"image/jpeg","key":"x.jpg","event_id":"e1",)"
                  R"("object_was_there":false,"was_ready":false})");
}

TEST(UploadReport, NamesWhatFailed) {
    EXPECT_EQ(summary({published("b.jpg"), unreadable("c.jpg")}, {"d: there is no such file"}),
              "prewarmctl: d: there is no such file\n"
              "prewarmctl: c.jpg: Permission denied\n"
              "prewarmctl: 1 file published, 0 recorded only, 2 failed; 0 objects were stored "
              "already\n");
}

TEST(UploadReport, SaysWhatBecomesOfWhatIsRecordedOnly) {
    auto recorded = published("a.jpg");
    recorded.result = UploadResult::recorded;
    recorded.detail = "Connection refused";
    const auto text = summary({recorded});
    EXPECT_THAT(text, HasSubstr("0 files published, 1 recorded only, 0 failed"));
    EXPECT_THAT(text, HasSubstr("because: Connection refused"));
    EXPECT_THAT(text, HasSubstr("once RabbitMQ is back"));
}

}  // namespace
}  // namespace prewarm::producer
