#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/integration/s3/s3_fixture.hpp"

namespace prewarm::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;

class AwkwardKey : public S3Test, public testing::WithParamInterface<std::string> {};

TEST_P(AwkwardKey, NamesTheSameObjectForEveryRequest) {
    const auto name = object(GetParam());
    put(name, "what " + GetParam() + " names");
    const auto stored = run(writer.look_up(name, soon()));
    ASSERT_TRUE(stored) << stored.error().detail;
    EXPECT_EQ(stored->size_bytes, GetParam().size() + 11);
    const auto read = run(read_whole(name, {}));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, "what " + GetParam() + " names");
}

INSTANTIATE_TEST_SUITE_P(All, AwkwardKey,
                         testing::Values("plain", "a b", "a+b", "a%b", "a%20b", "k=v&w=x", "a//b",
                                         "a/b/", "a/./b/../c", "видео/日本/🎬.mp4",
                                         "!'()*$,;:@~[]{}|^`\"<>#?\\", "?versions",
                                         " lead and trail "));

TEST_F(S3Test, KeepsWhatKindOfFileAnObjectIs) {
    const auto name = object("a");
    put(name, "abc");
    const auto stored = run(writer.look_up(name, soon()));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->content_type, "text/plain");
    EXPECT_THAT(stored->etag, HasSubstr("900150983cd24fb0d6963f7d28e17f72"));  // MD5 of "abc"
}

TEST_F(S3Test, BlamesNoObjectForAWrongSecret) {
    auto wrong = credentials();
    wrong.secret_access_key = Secret{"another"};
    endpoint = endpoint_with(wrong);
    const auto read = run(read_whole(object("a"), {}));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::misconfigured);
    EXPECT_THAT(read.error().detail, HasSubstr("SignatureDoesNotMatch"));
    const auto stored = run(writer.put(object("a"), "a", "", soon()));
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, FailureKind::misconfigured);
    const auto looked_up = run(writer.look_up(object("a"), soon()));
    ASSERT_FALSE(looked_up);
    EXPECT_EQ(looked_up.error().kind, FailureKind::misconfigured);
}

TEST_F(S3Test, BlamesNoObjectForABucketThatDoesNotExist) {
    const auto read = run(read_whole({test::random_name(), "a"}, {}));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::misconfigured);
}

TEST_F(S3Test, SaysThatAnObjectDoesNotExist) {
    const auto read = run(read_whole(object("a"), {}));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::not_found);
    EXPECT_THAT(read.error().detail, HasSubstr("NoSuchKey"));
    const auto looked_up = run(writer.look_up(object("a"), soon()));
    ASSERT_FALSE(looked_up);
    EXPECT_EQ(looked_up.error().kind, FailureKind::not_found);
}

class FileTest : public S3Test {
protected:
    FileTest() { std::ofstream{path, std::ios::binary} << bytes; }
    ~FileTest() override { std::filesystem::remove(path); }

    std::string bytes = numbered(700'000);
    std::filesystem::path path = std::filesystem::temp_directory_path() / test::random_name();
};

TEST_F(FileTest, IsStoredAsItIs) {
    const auto name = object("file");
    const auto stored =
        run(writer.put_file(name, {path, bytes.size(), sha256_of(bytes)}, "video/mp4", soon()));
    ASSERT_TRUE(stored) << stored.error().detail;
    const auto read = run(read_whole(name, {bytes.size(), sha256_of(bytes)}));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_TRUE(*read == bytes);
}

TEST_F(FileTest, TellsHowMuchOfItWasSent) {
    std::vector<std::uint64_t> told;
    LocalFile file{path, bytes.size(), sha256_of(bytes)};
    file.on_sent = [&](std::uint64_t sent) { told.push_back(sent); };
    ASSERT_TRUE(run(writer.put_file(object("file"), file, "video/mp4", soon())));
    EXPECT_GT(told.size(), 2U);
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_EQ(told.back(), bytes.size());
}

TEST_F(FileTest, IsNotStoredWhenItChangedSinceItsDigestWasTaken) {
    const auto name = object("file");
    const auto stored =
        run(writer.put_file(name, {path, bytes.size(), sha256_of("before")}, "video/mp4", soon()));
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, FailureKind::mismatch) << stored.error().detail;
    EXPECT_FALSE(run(writer.look_up(name, soon())));
}

TEST_F(FileTest, IsNotStoredWhenItHasBecomeShorter) {
    const auto name = object("file");
    const auto stored =
        run(writer.put_file(name, {path, bytes.size() + 1, sha256_of(bytes)}, "video/mp4", soon()));
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, FailureKind::transient) << stored.error().detail;
    EXPECT_FALSE(run(writer.look_up(name, soon())));
}

TEST_F(FileTest, IsNotFoundWhereThereIsNone) {
    const auto stored =
        run(writer.put_file(object("file"), {path.string() + "-not", 1, {}}, "video/mp4", soon()));
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, FailureKind::not_found);
}

}  // namespace
}  // namespace prewarm::s3
