#include "producer/local_file.hpp"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.hpp"

namespace prewarm::producer {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class LocalFiles : public testing::Test {
protected:
    std::vector<std::string> names(const FoundFiles& found) const {
        std::vector<std::string> names;
        for (const auto& file : found.files)
            names.push_back(fs::relative(file.path, folder.path()).string());
        return names;
    }

    test::TemporaryFolder folder;
};

TEST_F(LocalFiles, GoesThroughFoldersAndPassesHiddenFilesOver) {
    folder.file("a/2.txt", "22");
    folder.file("a/b/c/1.txt", "1");
    folder.file("a/.hidden", "x");
    folder.file("a/.git/config", "x");
    const auto found = find_files({(folder.path() / "a").string()});
    EXPECT_THAT(names(found), ElementsAre("a/2.txt", "a/b/c/1.txt"));
    EXPECT_EQ(found.files[0].bytes, 2U);
    EXPECT_TRUE(found.problems.empty());
}

TEST_F(LocalFiles, TakesWhatIsNamedEvenIfHidden) {
    const auto hidden = folder.file(".hidden", "x");
    EXPECT_THAT(names(find_files({hidden.string()})), ElementsAre(".hidden"));
}

TEST_F(LocalFiles, GivesEachFileOnce) {
    const auto file = folder.file("a.txt", "x");
    fs::create_symlink(file, folder.path() / "link.txt");
    EXPECT_THAT(names(find_files({file.string(), folder.path().string(), file.string()})),
                ElementsAre("a.txt"));
}

TEST_F(LocalFiles, DoesNotFollowLinksInCircles) {
    folder.file("a/1.txt", "1");
    fs::create_directory_symlink(folder.path(), folder.path() / "a/up");
    EXPECT_THAT(names(find_files({folder.path().string()})), ElementsAre("a/1.txt"));
}

TEST_F(LocalFiles, TellsWhatIsNotThereAndGoesOn) {
    const auto file = folder.file("a.txt", "x");
    const auto found = find_files({(folder.path() / "no\n.txt").string(), "/dev/null", file});
    EXPECT_THAT(names(found), ElementsAre("a.txt"));
    EXPECT_THAT(found.problems, ElementsAre(HasSubstr("no\\x0a.txt: No such file or directory"),
                                            "/dev/null: neither a file nor a directory"));
}

TEST_F(LocalFiles, OfALargeFileHashesEveryByte) {
    std::string content(700'000, 'x');
    content += "the end";
    const auto examined = examine(folder.file("large", content));
    ASSERT_TRUE(examined) << examined.error().detail;
    EXPECT_EQ(examined->sha256, sha256_of(content));
    EXPECT_EQ(examined->bytes, content.size());
}

TEST_F(LocalFiles, LeavesAnEmptyFileOut) {
    const auto examined = examine(folder.file("empty", ""));
    ASSERT_FALSE(examined);
    EXPECT_EQ(examined.error().kind, FailureKind::refused);
    EXPECT_THAT(examined.error().detail, HasSubstr("empty"));
}

TEST_F(LocalFiles, SaysWhyAFileCannotBeRead) {
    const auto missing = examine(folder.path() / "no");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, FailureKind::not_found);
    EXPECT_EQ(missing.error().detail, "No such file or directory");
    EXPECT_FALSE(examine(folder.path()));
}

ExaminedFile jpeg() {
    return {.bytes = 1, .sha256 = sha256_of("x"), .mime_type = "image/jpeg"};
}

TEST(ObjectKey, HoldsTheDigestAndTheExtension) {
    const auto digest = sha256_of("x").hex();
    EXPECT_EQ(object_key("media/", "a/b.JPEG", jpeg()), "media/" + digest + ".jpeg");
    EXPECT_EQ(object_key("", "archive.tar.gz", jpeg()), digest + ".gz");
}

TEST(ObjectKey, TakesTheTypesExtensionIfTheNameHasNone) {
    const auto digest = sha256_of("x").hex();
    EXPECT_EQ(object_key("", "b", jpeg()), digest + ".jpg");
    EXPECT_EQ(object_key("", ".hidden", jpeg()), digest + ".jpg");
    EXPECT_EQ(object_key("", "b.", jpeg()), digest + ".jpg");
    EXPECT_EQ(object_key("", "b.j p", jpeg()), digest + ".jpg");
    EXPECT_EQ(object_key("", "b.\xd1\x84", jpeg()), digest + ".jpg");
    auto unknown = jpeg();
    unknown.mime_type = "application/x-unheard-of";
    EXPECT_EQ(object_key("", "b", unknown), digest);
}

TEST(EventFileName, IsWhatAnEventMayHold) {
    EXPECT_EQ(event_file_name("a/\xd1\x84 b.jpg"), "\xd1\x84 b.jpg");
    EXPECT_EQ(event_file_name("a/x\ny\x7f.jpg"), "x_y_.jpg");
    EXPECT_EQ(event_file_name("a/\xff\xc3.jpg"), "__.jpg");
}

}  // namespace
}  // namespace prewarm::producer
