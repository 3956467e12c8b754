#include "common/downloads/folder.hpp"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_folder.hpp"

namespace prewarm::downloads {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class FolderTest : public testing::Test {
protected:
    std::shared_ptr<Folder> opened() { return Folder::open(path).value(); }

    void keep(Folder& folder, std::string_view text) {
        const auto part = folder.begin(sha256_of(text)).value();
        ASSERT_TRUE(part->write(text));
        ASSERT_TRUE(part->keep());
    }
    std::filesystem::path file_of(std::string_view text) const {
        return path / sha256_of(text).hex();
    }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator{path}, {}));
    }
    static mode_t mode_of(const std::filesystem::path& file) {
        struct stat about{};
        EXPECT_EQ(::stat(file.c_str(), &about), 0);
        return about.st_mode & 0777;
    }

    test::TemporaryFolder temporary;
    std::filesystem::path path = temporary.path() / "made" / "of" / "downloads";
};

TEST_F(FolderTest, IsForItsUserAlone) {
    keep(*opened(), "text");
    EXPECT_EQ(mode_of(path), 0700U);
    EXPECT_EQ(mode_of(file_of("text")), 0600U);
}

TEST_F(FolderTest, IsForOneProcess) {
    const auto first = opened();
    const auto second = Folder::open(path);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().detail, HasSubstr("another process has it"));
}

TEST_F(FolderTest, GivesBackWhatWasKept) {
    const auto folder = opened();
    keep(*folder, "text");
    const auto copy = folder->open_copy(sha256_of("text"), 4).value();
    EXPECT_EQ(copy->next(3).value(), "tex");
    EXPECT_EQ(copy->next(3).value(), "t");
}

TEST_F(FolderTest, GivesNoLastBytesOfACopyThatHasChanged) {
    const auto folder = opened();
    keep(*folder, "text");
    std::ofstream{file_of("text")} << "next";
    const auto copy = folder->open_copy(sha256_of("text"), 4).value();
    EXPECT_TRUE(copy->next(3));
    const auto last = copy->next(3);
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().kind, FailureKind::mismatch);
}

TEST_F(FolderTest, DoesNotOpenWhatIsNotTheFileThatWasKept) {
    const auto folder = opened();
    keep(*folder, "text");
    EXPECT_EQ(folder->open_copy(sha256_of("text"), 5).error().kind, FailureKind::not_found);
    EXPECT_EQ(folder->open_copy(sha256_of("next"), 4).error().kind, FailureKind::not_found);
    std::filesystem::create_symlink(file_of("text"), file_of("link"));
    EXPECT_EQ(folder->open_copy(sha256_of("link"), 4).error().kind, FailureKind::not_found);
}

TEST_F(FolderTest, LeavesNothingOfAPartThatWasNotKept) {
    const auto folder = opened();
    ASSERT_TRUE(folder->begin(sha256_of("text")).value()->write(std::string_view{"te"}));
    EXPECT_EQ(files(), 0U);
}

TEST_F(FolderTest, DropsWhatWasKeptInVain) {
    const auto folder = opened();
    const auto part = folder->begin(sha256_of("text")).value();
    ASSERT_TRUE(part->keep());
    part->drop();
    EXPECT_EQ(files(), 0U);
}

TEST_F(FolderTest, TakesStockOfWhatAFormerProcessLeft) {
    const auto hex = sha256_of("old").hex();
    temporary.file("made/of/downloads/" + hex, "old");
    temporary.file("made/of/downloads/" + sha256_of("new").hex(), "newer");
    temporary.file("made/of/downloads/" + hex + ".17.part", "o");
    std::filesystem::last_write_time(file_of("old"),
                                     std::filesystem::file_time_type::clock::now() - 1h);
    const auto left = opened()->take_stock().value();
    ASSERT_THAT(left, SizeIs(2));
    EXPECT_EQ(left[0].sha256, sha256_of("old"));
    EXPECT_GE(left[0].unused_for, 1h);
    EXPECT_EQ(left[1].sha256, sha256_of("new"));
    EXPECT_LT(left[1].unused_for, 1h);
    EXPECT_EQ(left[1].bytes, 5U);
    EXPECT_FALSE(std::filesystem::exists(path / (hex + ".17.part")));
}

TEST_F(FolderTest, LeavesAllElseAlone) {
    const auto hex = sha256_of("x").hex();
    auto upper = hex;
    for (auto& c : upper)
        c = static_cast<char>(std::toupper(c));
    const std::vector<std::string> others{
        "notes.txt", hex + "0", hex + ".part", hex + ".1x.part", hex + ".part~", upper, "1.part"};
    for (const auto& name : others)
        temporary.file("made/of/downloads/" + name, "mine");
    std::filesystem::create_directory(path / hex);
    std::filesystem::create_symlink(path / "notes.txt", path / (hex + ".1.part"));
    EXPECT_THAT(opened()->take_stock().value(), IsEmpty());
    EXPECT_EQ(files(), others.size() + 2);
}

TEST_F(FolderTest, SaysWhatIsWrongWithIt) {
    const auto file = temporary.file("file", "");
    EXPECT_THAT(Folder::open(file).error().detail, HasSubstr("Not a directory"));
    EXPECT_THAT(Folder::open(file / "below").error().detail, HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace prewarm::downloads
