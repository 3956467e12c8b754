#include "common/probe/probe.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/probe/block_reader.hpp"
#include "common/probe/libav.hpp"
#include "common/probe/picture.hpp"

namespace prewarm::probe {
namespace {

// Playlists and the like are formats, too, and would open what they name.
constexpr auto formats = "mov,matroska,gif,mp3,ogg,flac,wav";
constexpr auto decoders =
    "h264,hevc,vp8,vp9,libdav1d,mpeg4,gif,mjpeg,png,aac,mp3float,opus,vorbis,flac";

constexpr int io_bytes = 16 * 1024;
constexpr int most_streams = 16;
constexpr int looked_through_bytes = 256 * 1024;
constexpr auto looked_through_time = 5 * AV_TIME_BASE;
constexpr int most_pictures_tried = 3;
constexpr int most_packets_read = 500;
// Of a tag in front of an MP3. What is large in one is the cover, and the music comes behind it.
constexpr std::uint64_t most_tag_bytes = 512 * 1024;
constexpr std::uint64_t kept_tag_bytes = 64 * 1024;
constexpr std::size_t most_text_bytes = 256;

// ---- what libavformat calls ------------------------------------------------------------------

/// The reader, as libavformat knows it.
struct Input {
    BlockReader reader;
    std::chrono::steady_clock::time_point deadline;

    bool is_late() const { return std::chrono::steady_clock::now() >= deadline; }
};

int read_some(void* opaque, std::uint8_t* into, int size) {
    auto& input = *static_cast<Input*>(opaque);
    if (input.is_late()) return AVERROR_EXIT;
    const auto given = input.reader.read({into, static_cast<std::size_t>(size)});
    if (given > 0) return static_cast<int>(given);
    return input.reader.failure() ? AVERROR(EIO) : AVERROR_EOF;
}

std::int64_t seek_to(void* opaque, std::int64_t offset, int whence) {
    auto& reader = static_cast<Input*>(opaque)->reader;
    const auto size = static_cast<std::int64_t>(reader.size_bytes());
    if ((whence & AVSEEK_SIZE) != 0) return size;
    if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(reader.position());
    if (whence == SEEK_END) offset += size;
    if (offset < 0) return AVERROR(EINVAL);
    reader.seek(static_cast<std::uint64_t>(offset));
    return offset;
}

int is_late(void* opaque) {
    return static_cast<const Input*>(opaque)->is_late() ? 1 : 0;
}

int open_nothing(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
    return AVERROR(EACCES);
}

// ---- what it found ---------------------------------------------------------------------------

/// The first line of `text`'s that fits; nothing of what is no UTF-8.
std::string clean(std::string_view text) {
    std::string cleaned;
    while (!text.empty()) {
        const auto size = utf8_character(text);
        if (size == 0) return {};
        if (cleaned.size() + size > most_text_bytes) break;
        const bool is_control = size == 1 && (text[0] < ' ' || text[0] == '\x7f');
        // So are U+0080 to U+009F.
        const bool is_late_control = size == 2 && text[0] == '\xc2' && text[1] < '\xa0';
        cleaned += is_control || is_late_control ? std::string_view{" "} : text.substr(0, size);
        text.remove_prefix(size);
    }
    return cleaned;
}

/// Ogg has the tags with its streams.
std::string tag_of(const AVFormatContext& file, const AVStream* sound, const char* name) {
    const auto* entry = av_dict_get(file.metadata, name, nullptr, 0);
    if (entry == nullptr && sound != nullptr)
        entry = av_dict_get(sound->metadata, name, nullptr, 0);
    return entry != nullptr ? clean(entry->value) : std::string{};
}

bool is_cover(const AVStream& stream) {
    return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

/// The first of its type; a cover only if there is nothing else.
AVStream* first_of(const AVFormatContext& file, AVMediaType type) {
    AVStream* found = nullptr;
    for (unsigned i = file.nb_streams; i > 0; --i) {
        auto* stream = file.streams[i - 1];
        if (stream->codecpar->codec_type != type) continue;
        if (found == nullptr || is_cover(*found) || !is_cover(*stream)) found = stream;
    }
    return found;
}

std::chrono::milliseconds milliseconds_of(std::int64_t time, AVRational unit) {
    constexpr std::int64_t absurd = std::int64_t{1000} * 86'400 * 365;
    if (time == AV_NOPTS_VALUE || time <= 0) return {};
    const auto milliseconds = av_rescale_q(time, unit, {1, 1000});
    return std::chrono::milliseconds{milliseconds > 0 && milliseconds < absurd ? milliseconds : 0};
}

/// As the header has it.
std::chrono::milliseconds duration_of(const AVFormatContext& file) {
    auto longest = milliseconds_of(file.duration, AVRational{1, AV_TIME_BASE});
    if (longest.count() > 0) return longest;
    for (unsigned i = 0; i < file.nb_streams; ++i) {
        const auto& stream = *file.streams[i];
        if (!is_cover(stream))
            longest = std::max(longest, milliseconds_of(stream.duration, stream.time_base));
    }
    return longest;
}

// ---- one file --------------------------------------------------------------------------------

class Probe {
public:
    Probe(ByteSource& source, const Limits& limits)
        : limits_{limits}, input_{{source, limits.read_bytes}, limits.deadline} {}

    Result<Found> run();

private:
    void leave_out_a_large_cover();
    Result<> open();
    void look_through();
    std::string picture();
    Av<AVFrame> first_picture();
    bool goes_to_a_picture_that_fits();
    Av<AVFrame> decoded(AVCodecContext& codec, const AVPacket* packet) const;
    std::int64_t source_bytes() const {
        return static_cast<std::int64_t>(input_.reader.size_bytes());
    }
    Failure failure(std::string what, int code) const;
    bool can_be_decoded(const AVCodecParameters& stored) const;

    Limits limits_;
    Input input_;
    bool cover_is_left_out_ = false;
    Av<AVIOContext> io_;
    Av<AVFormatContext> file_;
    AVStream* video_ = nullptr;  ///< Or the cover.
};

Failure Probe::failure(std::string what, int code) const {
    if (input_.reader.failure()) return *input_.reader.failure();
    if (input_.is_late()) return {FailureKind::transient, what + ": it took too long"};
    return {FailureKind::refused, fmt::format("{}: {}", what, libav_error(code))};
}

void Probe::leave_out_a_large_cover() {
    // "ID3", a version of two bytes, flags, and the size in four bytes of seven bits.
    std::array<std::uint8_t, 10> head{};
    if (input_.reader.read(head) != head.size()) return;
    input_.reader.seek(0);
    if (head[0] != 'I' || head[1] != 'D' || head[2] != '3') return;
    std::uint64_t size = head.size();
    size += std::uint64_t{head[6] & 0x7fU} << 21U | std::uint64_t{head[7] & 0x7fU} << 14U |
            std::uint64_t{head[8] & 0x7fU} << 7U | std::uint64_t{head[9] & 0x7fU};
    if (size <= most_tag_bytes) return;
    input_.reader.blank(kept_tag_bytes, size);
    cover_is_left_out_ = true;
}

Result<> Probe::open() {
    auto* buffer = static_cast<std::uint8_t*>(av_malloc(io_bytes));
    io_.reset(avio_alloc_context(buffer, io_bytes, 0, &input_, read_some, nullptr, seek_to));
    auto* file = avformat_alloc_context();
    if (!io_ || file == nullptr) {
        av_free(io_ ? nullptr : buffer);
        avformat_free_context(file);
        return Failure{FailureKind::transient, "out of memory"};
    }
    file->pb = io_.get();
    file->flags |= AVFMT_FLAG_CUSTOM_IO;
    file->interrupt_callback = {is_late, &input_};
    file->io_open = open_nothing;
    file->max_streams = most_streams;
    file->probesize = looked_through_bytes;
    file->format_probesize = looked_through_bytes;
    file->max_analyze_duration = looked_through_time;
    file->format_whitelist = av_strdup(formats);
    file->codec_whitelist = av_strdup(decoders);
    // Frees `file` when it fails.
    const int opened = avformat_open_input(&file, nullptr, nullptr, nullptr);
    if (opened < 0) return failure("the container cannot be read", opened);
    file_.reset(file);
    return {};
}

/// For what the header leaves open: reads on into the streams.
void Probe::look_through() {
    std::vector<AVDictionary*> options(file_->nb_streams, nullptr);
    for (auto& option : options) {
        av_dict_set_int(&option, "max_pixels", limits_.picture_pixels, 0);
        av_dict_set_int(&option, "threads", 1, 0);
    }
    const int looked = avformat_find_stream_info(file_.get(), options.data());
    for (auto& option : options)
        av_dict_free(&option);
    if (looked < 0) return;
    // A guess by the bit rate is good for sound alone.
    const auto* video = first_of(*file_, AVMEDIA_TYPE_VIDEO);
    if (file_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE && video != nullptr &&
        !is_cover(*video))
        file_->duration = AV_NOPTS_VALUE;
}

Av<AVFrame> Probe::decoded(AVCodecContext& codec, const AVPacket* packet) const {
    Av<AVFrame> frame{av_frame_alloc()};
    if (!frame || avcodec_send_packet(&codec, packet) < 0) return nullptr;
    // It would wait for more, to put the pictures into their order.
    avcodec_send_packet(&codec, nullptr);
    const int received = avcodec_receive_frame(&codec, frame.get());
    avcodec_flush_buffers(&codec);
    return received < 0 ? nullptr : std::move(frame);
}

bool Probe::can_be_decoded(const AVCodecParameters& stored) const {
    if (stored.width < 0 || stored.height < 0) return false;
    return std::int64_t{stored.width} * stored.height <= limits_.picture_pixels;
}

/// False when the index tells that none is small enough to be read.
bool Probe::goes_to_a_picture_that_fits() {
    constexpr std::uint64_t around_it = 2 * BlockReader::block_bytes;
    const int count = avformat_index_get_entries_count(video_);
    for (int i = 0; i < count; ++i) {
        const auto* entry = avformat_index_get_entry(video_, i);
        if ((entry->flags & AVINDEX_KEYFRAME) == 0) continue;
        if (static_cast<std::uint64_t>(entry->size) + around_it > input_.reader.left_bytes())
            continue;
        return i == 0 || av_seek_frame(file_.get(), video_->index, entry->timestamp, 0) >= 0;
    }
    return count == 0;
}

Av<AVFrame> Probe::first_picture() {
    const auto* decoder = avcodec_find_decoder(video_->codecpar->codec_id);
    Av<AVCodecContext> codec{decoder != nullptr ? avcodec_alloc_context3(decoder) : nullptr};
    Av<AVPacket> packet{av_packet_alloc()};
    if (!codec || !packet) return nullptr;
    if (avcodec_parameters_to_context(codec.get(), video_->codecpar) < 0) return nullptr;
    codec->thread_count = 1;
    codec->max_pixels = limits_.picture_pixels;
    codec->codec_whitelist = av_strdup(decoders);
    if (avcodec_open2(codec.get(), decoder, nullptr) < 0) return nullptr;
    if (is_cover(*video_)) return decoded(*codec, &video_->attached_pic);
    if (!goes_to_a_picture_that_fits()) return nullptr;

    int tried = 0;
    for (int read = 0; read < most_packets_read && tried < most_pictures_tried; ++read) {
        if (input_.is_late() || av_read_frame(file_.get(), packet.get()) < 0) return nullptr;
        const bool is_whole = packet->stream_index == video_->index &&
                              (packet->flags & AV_PKT_FLAG_KEY) != 0 &&
                              (packet->flags & AV_PKT_FLAG_CORRUPT) == 0;
        if (is_whole) {
            ++tried;
            if (auto frame = decoded(*codec, packet.get())) return frame;
        }
        av_packet_unref(packet.get());
    }
    return nullptr;
}

std::string Probe::picture() {
    if (video_ == nullptr || !can_be_decoded(*video_->codecpar)) return {};
    if (is_cover(*video_) && cover_is_left_out_) return {};
    for (unsigned i = 0; i < file_->nb_streams; ++i) {
        if (file_->streams[i] != video_) file_->streams[i]->discard = AVDISCARD_ALL;
    }
    const auto frame = first_picture();
    if (!frame) return {};
    auto shape = shape_of(*file_, *video_);
    if (shape.width == 0) {
        shape.width = static_cast<std::uint32_t>(frame->width);
        shape.height = static_cast<std::uint32_t>(frame->height);
    }
    return thumbnail_of(*frame, shape);
}

Result<Found> Probe::run() {
    leave_out_a_large_cover();
    if (auto opened = open(); !opened) return opened.error();

    Found found;
    const auto* video = first_of(*file_, AVMEDIA_TYPE_VIDEO);
    found.duration = duration_of(*file_);
    // A GIF does not say how long it is: it was counted, as far as it could be read. The rest is
    // taken to be like that.
    const bool was_counted = std::string_view{file_->iformat->name} == "gif";
    if (was_counted && input_.reader.is_spent())
        found.duration =
            found.duration * source_bytes() / static_cast<std::int64_t>(input_.reader.furthest());

    const bool has_no_size = video != nullptr && !is_cover(*video) && video->codecpar->width == 0;
    if ((found.duration.count() == 0 && !was_counted) || has_no_size || file_->nb_streams == 0) {
        look_through();
        found.duration = duration_of(*file_);
    }
    video_ = first_of(*file_, AVMEDIA_TYPE_VIDEO);
    const auto* sound = first_of(*file_, AVMEDIA_TYPE_AUDIO);
    found.has_sound = sound != nullptr;
    found.title = tag_of(*file_, sound, "title");
    found.performer = tag_of(*file_, sound, "artist");
    if (video_ == nullptr) return found;

    if (!is_cover(*video_)) {
        const auto shape = shape_of(*file_, *video_);
        found.width = shape.width;
        found.height = shape.height;
    }
    found.thumbnail = picture();
    return found;
}

}  // namespace

Result<Found> probe(ByteSource& source, const Limits& limits) {
    set_up_libav();
    Probe probe{source, limits};
    return probe.run();
}

}  // namespace prewarm::probe
