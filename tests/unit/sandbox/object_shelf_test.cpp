#include "sandbox/r2/object_shelf.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.hpp"

namespace prewarm::sandbox {
namespace {

using prewarm::test::TemporaryFolder;

class Shelf : public testing::Test {
protected:
    void put(std::string_view key, std::string_view content, std::string etag = "\"e\"") {
        auto incoming = shelf.receive();
        incoming.write(content);
        shelf.put("bucket", key, incoming,
                  {.bytes = content.size(),
                   .etag = std::move(etag),
                   .content_type = "text/plain",
                   .metadata = {{"x-amz-meta-a", "\xC3\xA4\""}},
                   .last_modified = time});
    }

    static std::string read(StoredObject& object) {
        std::string text(object.info().bytes + 10, '\0');
        text.resize(object.read(0, {text.data(), object.info().bytes}));
        return text;
    }

    std::chrono::system_clock::time_point time{std::chrono::milliseconds{1'795'258'381'123}};
    TemporaryFolder folder;
    ObjectShelf shelf{folder.path() / "objects"};
};

TEST_F(Shelf, GivesBackWhatWasPutThere) {
    put("key", "content");
    auto object = shelf.find("bucket", "key");
    ASSERT_TRUE(object);
    EXPECT_EQ(read(*object), "content");
    EXPECT_EQ(object->info().etag, "\"e\"");
    EXPECT_EQ(object->info().content_type, "text/plain");
    EXPECT_EQ(object->info().last_modified, time);
    EXPECT_EQ(object->info().metadata.at(0).second, "\xC3\xA4\"");
}

TEST_F(Shelf, KeepsObjectsForALaterRun) {
    put("key", "content");
    ObjectShelf again{folder.path() / "objects"};
    EXPECT_TRUE(again.find("bucket", "key"));
}

TEST_F(Shelf, HasNothingUnderAnotherKeyOrBucket) {
    put("key", "content");
    EXPECT_FALSE(shelf.find("bucket", "ke"));
    EXPECT_FALSE(shelf.find("other", "key"));
}

TEST_F(Shelf, TakesAnyKeyAndWritesNowhereElse) {
    const std::string awkward[] = {"..",     "../../escaped", "a//b",     "a/",
                                   "/a",     "a\nb",          "\xC3\xA4", std::string(1024, 'k'),
                                   "a/../b", "%2e%2e",        "~",        "nul\0l"};
    for (const auto& key : awkward)
        put(key, key);
    for (const auto& key : awkward) {
        auto object = shelf.find("bucket", key);
        ASSERT_TRUE(object) << key;
        EXPECT_EQ(read(*object), key);
    }
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder.path()}) {
        if (!entry.is_regular_file()) continue;
        ++files;
        EXPECT_EQ(entry.path().parent_path(), folder.path() / "objects");
    }
    EXPECT_EQ(files, std::size(awkward));
}

TEST_F(Shelf, LetsAReaderFinishWhatIsReplacedOrRemoved) {
    put("key", "old content");
    auto old = shelf.find("bucket", "key");
    put("key", "new");
    EXPECT_EQ(read(*old), "old content");
    auto replaced = shelf.find("bucket", "key");
    EXPECT_EQ(read(*replaced), "new");
    shelf.remove("bucket", "key");
    EXPECT_EQ(read(*replaced), "new");
    EXPECT_FALSE(shelf.find("bucket", "key"));
}

TEST_F(Shelf, LeavesNothingOfWhatWasNotFinished) {
    {
        auto incoming = shelf.receive();
        incoming.write(std::string_view{"half"});
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "objects"));
}

TEST_F(Shelf, RemovesWhatAnEarlierRunLeftHalfWritten) {
    std::ofstream{folder.path() / "objects" / "incoming-1"} << "half";
    ObjectShelf again{folder.path() / "objects"};
    EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "objects"));
}

TEST_F(Shelf, HoldsEmptyObjects) {
    put("key", "");
    auto object = shelf.find("bucket", "key");
    EXPECT_EQ(object->info().bytes, 0U);
}

}  // namespace
}  // namespace prewarm::sandbox
