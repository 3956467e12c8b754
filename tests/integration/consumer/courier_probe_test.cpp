/// What an upload does not tell of a large media, the courier finds out.
#include <filesystem>
#include <fstream>

#include "common/runtime/task_group.hpp"
#include "tests/integration/consumer/courier_fixture.hpp"
#include "tests/support/temporary_folder.hpp"

namespace prewarm {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

class CourierProbe : public CourierTest {
protected:
    static std::string made(const std::string& name) {
        std::ifstream file{PREWARM_TEST_MEDIA "/" + name, std::ios::binary};
        if (!file) throw std::runtime_error{name + " is not there"};
        return {std::istreambuf_iterator{file}, {}};
    }

    Upload large_video() { return uploaded(MediaKind::video, made("large.mp4")); }

    std::uint64_t sent_by_r2() {
        return stats().at("r2").at("bytes_sent").to_number<std::uint64_t>();
    }

    std::int64_t declared(std::string_view name) {
        const auto posting = received().at(0);
        const auto* value = posting.at("declared").as_object().if_contains(name);
        if (value == nullptr) return 0;
        return value->is_string() ? std::stoll(std::string{value->as_string()})
                                  : value->to_number<std::int64_t>();
    }

    std::uint64_t thumbnail_bytes() {
        return received().at(0).at("thumbnail_bytes").to_number<std::uint64_t>();
    }
};

TEST_F(CourierProbe, ALargeVideoIsDeclaredThoughItsUploadTellsNothing) {
    const auto upload = large_video();
    ASSERT_GT(upload.bytes, 30'000'000U);
    const auto before = sent_by_r2();
    const auto sent = carry(upload);
    ASSERT_TRUE(sent) << sent.error().detail;

    EXPECT_EQ(declared("width"), 640);
    EXPECT_EQ(declared("height"), 360);
    EXPECT_EQ(declared("duration"), 20);
    EXPECT_THAT(thumbnail_bytes(), AllOf(Ge(1000U), Le(most_thumbnail_bytes)));
    EXPECT_EQ(sent->declared.width, 640U);
    EXPECT_EQ(sent->declared.height, 360U);
    EXPECT_EQ(received()[0].at("sha256").as_string(), upload.media.sha256.hex());

    const auto beside = sent_by_r2() - before - upload.bytes;
    EXPECT_LT(beside, 1'000'000U);
    EXPECT_EQ(reports.at(0).probed_bytes, beside);
    RecordProperty("bytes_read_beside_the_transfer", static_cast<int>(beside));
}

TEST_F(CourierProbe, WhatTheUploadTellsIsNotReplaced) {
    auto upload = large_video();
    upload.attributes.width = 1;
    upload.attributes.duration = 7s;
    ASSERT_TRUE(carry(upload));
    EXPECT_EQ(declared("width"), 1);
    EXPECT_EQ(declared("height"), 360);
    EXPECT_EQ(declared("duration"), 7);
}

TEST_F(CourierProbe, NothingIsReadWhenAllIsTold) {
    auto upload = large_video();
    upload.attributes = {
        .width = 640, .height = 360, .duration = 20s, .thumbnail_r2_key = "thumbnail"};
    put("thumbnail", bytes_of(test::sample_of(MediaKind::photo)));
    ASSERT_TRUE(carry(upload));
    EXPECT_EQ(reports.at(0).probed_bytes, 0U);
    EXPECT_EQ(stats().at("r2").at("requests").at("GET").to_number<int>(), 2);
}

TEST_F(CourierProbe, NothingIsReadOfWhatTelegramLooksInto) {
    ASSERT_TRUE(carry(uploaded(MediaKind::video, bytes_of(test::sample_of(MediaKind::video)))));
    EXPECT_EQ(stats().at("r2").at("requests").at("GET").to_number<int>(), 1);
}

TEST_F(CourierProbe, AVideoThatTellsNothingIsSentWithoutAttributes) {
    const auto sent = carry(uploaded(MediaKind::video, numbered(11'000'000)));
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(sent->declared, MediaAttributes{});
    EXPECT_EQ(thumbnail_bytes(), 0U);
}

TEST_F(CourierProbe, ALargeGifIsDeclaredLikewise) {
    const auto sent = carry(uploaded(MediaKind::animation, made("large.gif")));
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(declared("width"), 320);
    EXPECT_THAT(declared("duration"), AllOf(Ge(13), Le(19)));
    EXPECT_GT(thumbnail_bytes(), 0U);
    EXPECT_LT(reports.at(0).probed_bytes, 1'000'000U);
}

TEST_F(CourierProbe, ALargeAudioIsDeclaredLikewise) {
    auto bytes = made("cover_jpg.mp3");
    bytes.resize(11'000'000);  // At 64 kbit/s that is 1375 s.
    const auto sent = carry(uploaded(MediaKind::audio, bytes));
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_THAT(declared("duration"), AllOf(Ge(1370), Le(1380)));
    EXPECT_EQ(sent->declared.title, "Тон");
    EXPECT_EQ(sent->declared.performer, "prewarm");
    EXPECT_GT(thumbnail_bytes(), 0U);
}

TEST_F(CourierProbe, MoreUploadsThanProcessesAreProbedOneAfterTheOther) {
    const auto upload = large_video();
    int carried = 0;
    loop.restart();
    for (int i = 0; i < 6; ++i) {
        asio::co_spawn(loop, courier->carry(upload, turn),
                       [&](const std::exception_ptr& thrown, const Result<Sent>& sent) {
                           if (!thrown && sent && sent->declared.width == 640) ++carried;
                       });
    }
    loop.run();
    EXPECT_EQ(carried, 6);
}

/// Another program in the probe's place: a hostile file has taken it down, or over.
class ProbeThatIsNone : public CourierProbe, public testing::WithParamInterface<const char*> {
protected:
    void probe_with(std::string program) {
        auto changed = options();
        changed.probe_program = std::move(program);
        use(std::move(changed));
    }

    void expect_sent_without() {
        const auto sent = carry(uploaded(MediaKind::video, numbered(11'000'000)));
        ASSERT_TRUE(sent) << sent.error().detail;
        EXPECT_EQ(sent->declared, MediaAttributes{});
        EXPECT_EQ(thumbnail_bytes(), 0U);
        EXPECT_LE(reports.at(0).probed_bytes, 983'040U);
    }
};

TEST_P(ProbeThatIsNone, IsDoneWithout) {
    const test::TemporaryFolder folder;
    const auto program =
        folder.file("probe", std::string{"#!/usr/bin/python3\n"
                                         "import os, struct\n"
                                         "def say(*numbers):\n"
                                         "    os.write(0, struct.pack('QQQ', *numbers))\n"} +
                                 GetParam());
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    probe_with(program.string());
    expect_sent_without();
}

INSTANTIATE_TEST_SUITE_P(
    Programs, ProbeThatIsNone,
    testing::Values("", "os.write(0, b'half a message')", "os.kill(os.getpid(), 9)",
                    "say(0, 10**12, 100)", "say(0, 2**64 - 1, 2)", "say(0, 0, 0)",
                    "say(0, 0, 11_000_000)", "say(1, 0, 2**40)",
                    "say(1, 0, 10)\nos.write(0, b'0123456789')",
                    // Again and again: until it has had as much as it may.
                    "while True:\n    say(0, 0, 65536)\n    os.read(0, 100_000)"));

TEST_F(ProbeThatIsNone, MayBeMissing) {
    probe_with("/not/there");
    expect_sent_without();
}

/// The probe waits for bytes that do not come.
class ProbeOfASilentServer : public CourierProbe {
protected:
    void begin(TaskGroup& jobs, const Upload& upload) {
        jobs.spawn([](auto& self, auto wanted) -> asio::awaitable<void> {
            (void)co_await self.courier->carry(wanted, self.turn);
            self.is_carried = true;
        }(*this, upload));
        loop.restart();
        // The object's own request waits with its body; the second one is the probe's.
        while (r2.running() < 2)
            loop.run_one();
        sandbox.freeze();
    }

    bool is_carried = false;
};

TEST_F(ProbeOfASilentServer, EndsAtOnceWhenTheJobIsCancelled) {
    const auto upload = large_video();
    TaskGroup jobs{loop.get_executor()};
    begin(jobs, upload);
    jobs.cancel_all();
    loop.run();
    EXPECT_EQ(jobs.running(), 0U);
    EXPECT_FALSE(is_carried);
    EXPECT_EQ(r2.running(), 0U);
    sandbox.thaw();
}

}  // namespace
}  // namespace prewarm
