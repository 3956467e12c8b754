#include "sandbox/telegram/file_register.hpp"

#include <set>

#include <gtest/gtest.h>

#include "common/base/base64.hpp"
#include "sandbox/base64.hpp"

namespace prewarm::sandbox {
namespace {

constexpr std::int64_t bot = 1;
constexpr std::int64_t other_bot = 2;

StoredFile file_of(MediaKind kind) {
    return {.kind = kind, .bytes = 10, .thumbnail_bytes = 5};
}

class Register : public testing::Test {
protected:
    std::string file_id(std::uint64_t number, FilePart part = FilePart::whole,
                        std::int64_t of_bot = bot) const {
        return files.names(number, part, of_bot).file_id;
    }

    FileRegister files{Secret{"seed"}, 3};
};

TEST_F(Register, FindsAFileByItsId) {
    const auto first = files.add(file_of(MediaKind::video));
    const auto second = files.add(file_of(MediaKind::photo));
    EXPECT_EQ(files.find(file_id(first), bot)->number, first);
    EXPECT_EQ(files.find(file_id(second), bot)->number, second);
    EXPECT_EQ(files.file(second)->kind, MediaKind::photo);
}

TEST_F(Register, GivesEachBotIdsOfItsOwn) {
    const auto number = files.add(file_of(MediaKind::video));
    EXPECT_NE(file_id(number, FilePart::whole, bot), file_id(number, FilePart::whole, other_bot));
    EXPECT_EQ(files.find(file_id(number, FilePart::whole, bot), other_bot).error(),
              BadFileId::unknown);
}

TEST_F(Register, KnowsAFileBySameUniqueIdForAllBots) {
    const auto number = files.add(file_of(MediaKind::video));
    EXPECT_EQ(files.names(number, FilePart::whole, bot).file_unique_id,
              files.names(number, FilePart::whole, other_bot).file_unique_id);
}

TEST_F(Register, GivesEachUploadAndEachPartNamesOfItsOwn) {
    std::set<std::string> ids;
    std::set<std::string> unique_ids;
    for (int upload = 0; upload < 2; ++upload) {
        const auto number = files.add(file_of(MediaKind::photo));
        for (const auto part : {FilePart::whole, FilePart::size_90, FilePart::size_320,
                                FilePart::size_800, FilePart::thumbnail}) {
            ids.insert(files.names(number, part, bot).file_id);
            unique_ids.insert(files.names(number, part, bot).file_unique_id);
        }
    }
    EXPECT_EQ(ids.size(), 10U);
    EXPECT_EQ(unique_ids.size(), 10U);
}

TEST_F(Register, ResendsAPhotoByAnyOfItsSizes) {
    const auto number = files.add(file_of(MediaKind::photo));
    EXPECT_EQ(files.find(file_id(number, FilePart::size_90), bot)->number, number);
}

TEST_F(Register, SendsNothingByAThumbnail) {
    const auto number = files.add(file_of(MediaKind::video));
    EXPECT_EQ(files.find(file_id(number, FilePart::thumbnail), bot).error(), BadFileId::thumbnail);
}

TEST_F(Register, MakesIdsThatBeginAsTelegramsAndAreLong) {
    EXPECT_TRUE(file_id(files.add(file_of(MediaKind::photo))).starts_with("AgAC"));
    EXPECT_TRUE(file_id(files.add(file_of(MediaKind::video))).starts_with("BAAC"));
    const auto id = file_id(files.add(file_of(MediaKind::document)));
    EXPECT_TRUE(id.starts_with("BQAC"));
    EXPECT_GT(id.size(), 64U);
}

TEST_F(Register, KnowsNoIdThatWasChanged) {
    const auto number = files.add(file_of(MediaKind::video));
    const auto id = file_id(number);
    for (std::size_t i = 0; i < id.size(); ++i) {
        auto changed = id;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ASSERT_FALSE(files.find(changed, bot)) << i;
    }
}

TEST_F(Register, CannotReadWhatIsNoId) {
    const auto id = file_id(files.add(file_of(MediaKind::video)));
    for (const auto& text : {std::string{}, std::string{"abc"}, std::string{"not an id"},
                             id.substr(1), id.substr(0, id.size() - 1), id + "AAAA", id + "="})
        EXPECT_EQ(files.find(text, bot).error(), BadFileId::unreadable) << text;
}

TEST_F(Register, KnowsNoIdOfAnotherServer) {
    const auto number = files.add(file_of(MediaKind::video));
    FileRegister elsewhere{Secret{"another seed"}, 3};
    elsewhere.add(file_of(MediaKind::video));
    EXPECT_EQ(elsewhere.find(file_id(number), bot).error(), BadFileId::unknown);
}

TEST_F(Register, ForgetsTheOldestFile) {
    const auto first = files.add(file_of(MediaKind::video));
    const auto id = file_id(first);
    for (int i = 0; i < 3; ++i)
        files.add(file_of(MediaKind::photo));
    EXPECT_EQ(files.file(first), nullptr);
    EXPECT_EQ(files.find(id, bot).error(), BadFileId::unknown);
    EXPECT_EQ(files.file(first + 1)->kind, MediaKind::photo);
    EXPECT_EQ(files.file(first + 4), nullptr);
}

TEST(Base64Url, ReadsWhatItWrites) {
    for (std::size_t size = 0; size < 10; ++size) {
        const std::string bytes(size, '\xFB');
        EXPECT_EQ(from_base64url(base64url(bytes)), bytes);
    }
    EXPECT_EQ(base64url("\xFB\xFF"), "-_8");
    EXPECT_EQ(base64("\xFB\xFF"), "+/8=");
}

}  // namespace
}  // namespace prewarm::sandbox
