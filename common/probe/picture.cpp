#include "common/probe/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

extern "C" {
#include <libavutil/display.h>
}

#include "common/base/upload.hpp"

namespace prewarm::probe {
namespace {

constexpr int most_side = 320;
constexpr int least_side = 4;  // Of a picture that shows anything.
// libavcodec's scale, best first. The first is nearly always small enough.
constexpr std::array qualities{3, 8, 16, 31};

struct Size {
    int width;
    int height;
};

/// The largest of the shape's proportions; not larger than what there is.
Size thumbnail_size(const Shape& shape) {
    const auto longer = std::max(shape.width, shape.height);
    const double scale = std::min(1.0, static_cast<double>(most_side) / longer);
    return {static_cast<int>(std::lround(shape.width * scale)),
            static_cast<int>(std::lround(shape.height * scale))};
}

Av<AVFrame> new_picture(Size size) {
    Av<AVFrame> picture{av_frame_alloc()};
    if (!picture) return nullptr;
    picture->format = AV_PIX_FMT_YUVJ420P;
    picture->width = size.width;
    picture->height = size.height;
    if (av_frame_get_buffer(picture.get(), 0) < 0) return nullptr;
    return picture;
}

Av<AVFrame> scaled(const AVFrame& frame, Size size) {
    Av<SwsContext> scaler{sws_getContext(
        frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), size.width,
        size.height, AV_PIX_FMT_YUVJ420P, SWS_AREA, nullptr, nullptr, nullptr)};
    if (!scaler) return nullptr;
    // A JPEG has all levels of brightness, most videos leave some out.
    const bool has_all_levels = frame.color_range == AVCOL_RANGE_JPEG;
    const int* coefficients = sws_getCoefficients(SWS_CS_DEFAULT);
    constexpr int unchanged = 1 << 16;
    sws_setColorspaceDetails(scaler.get(), coefficients, has_all_levels ? 1 : 0, coefficients, 1, 0,
                             unchanged, unchanged);
    auto picture = new_picture(size);
    if (!picture) return nullptr;
    const int lines = sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height,
                                picture->data, picture->linesize);
    return lines == size.height ? std::move(picture) : nullptr;
}

void turn_plane(const std::uint8_t* from, int from_line, Size from_size, std::uint8_t* to,
                int to_line, Size to_size, const Shape& shape) {
    for (int y = 0; y < to_size.height; ++y) {
        for (int x = 0; x < to_size.width; ++x) {
            const int shown_x = shape.mirrors_x ? to_size.width - 1 - x : x;
            const int shown_y = shape.mirrors_y ? to_size.height - 1 - y : y;
            const int from_x = shape.exchanges_axes ? shown_y : shown_x;
            const int from_y = shape.exchanges_axes ? shown_x : shown_y;
            to[y * to_line + x] = from[std::min(from_y, from_size.height - 1) * from_line +
                                       std::min(from_x, from_size.width - 1)];
        }
    }
}

Av<AVFrame> turned(Av<AVFrame> picture, Size size, const Shape& shape) {
    if (!shape.exchanges_axes && !shape.mirrors_x && !shape.mirrors_y) return picture;
    auto result = new_picture(size);
    if (!result) return nullptr;
    for (int plane = 0; plane < 3; ++plane) {
        const auto of_plane = [&](const AVFrame& whole) {
            return plane == 0 ? Size{whole.width, whole.height}
                              : Size{(whole.width + 1) / 2, (whole.height + 1) / 2};
        };
        turn_plane(picture->data[plane], picture->linesize[plane], of_plane(*picture),
                   result->data[plane], result->linesize[plane], of_plane(*result), shape);
    }
    return result;
}

std::string jpeg_of(AVFrame& picture, int quality) {
    const auto* encoder = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    Av<AVCodecContext> codec{encoder != nullptr ? avcodec_alloc_context3(encoder) : nullptr};
    Av<AVPacket> packet{av_packet_alloc()};
    if (!codec || !packet) return {};
    codec->width = picture.width;
    codec->height = picture.height;
    codec->pix_fmt = AV_PIX_FMT_YUVJ420P;
    codec->time_base = {1, 1};
    codec->thread_count = 1;
    codec->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
    codec->global_quality = quality * FF_QP2LAMBDA;
    picture.quality = codec->global_quality;
    if (avcodec_open2(codec.get(), encoder, nullptr) < 0) return {};
    if (avcodec_send_frame(codec.get(), &picture) < 0 ||
        avcodec_send_frame(codec.get(), nullptr) < 0 ||
        avcodec_receive_packet(codec.get(), packet.get()) < 0)
        return {};
    return {reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size)};
}

/// Whose pixels are not square is shown wider, or narrower.
std::uint32_t shown_width(const AVCodecParameters& stored, AVRational pixel) {
    if (pixel.num <= 0 || pixel.den <= 0) return static_cast<std::uint32_t>(stored.width);
    constexpr double absurd = 32'768;
    const double width = stored.width * av_q2d(pixel);
    return width >= 1 && width < absurd ? static_cast<std::uint32_t>(std::lround(width))
                                        : static_cast<std::uint32_t>(stored.width);
}

}  // namespace

Shape shape_of(AVFormatContext& file, AVStream& stream) {
    const auto& stored = *stream.codecpar;
    if (stored.width <= 0 || stored.height <= 0) return {};
    Shape shape{.width = shown_width(stored, av_guess_sample_aspect_ratio(&file, &stream, nullptr)),
                .height = static_cast<std::uint32_t>(stored.height)};

    std::size_t bytes = 0;
    const auto* side = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes);
    std::array<std::int32_t, 9> matrix{};
    if (side == nullptr || bytes < sizeof(matrix)) return shape;
    std::memcpy(matrix.data(), side, sizeof(matrix));
    // Shown x is a·x + c·y, shown y is b·x + d·y.
    const auto a = matrix[0];
    const auto b = matrix[1];
    const auto c = matrix[3];
    const auto d = matrix[4];
    if (a == 0 && d == 0 && b != 0 && c != 0) {
        std::swap(shape.width, shape.height);
        shape.exchanges_axes = true;
        shape.mirrors_x = c < 0;
        shape.mirrors_y = b < 0;
    } else if (b == 0 && c == 0 && a != 0 && d != 0) {
        shape.mirrors_x = a < 0;
        shape.mirrors_y = d < 0;
    }
    return shape;
}

std::string thumbnail_of(const AVFrame& frame, const Shape& shape) {
    const auto size = thumbnail_size(shape);
    if (size.width < least_side || size.height < least_side) return {};
    const auto as_stored = shape.exchanges_axes ? Size{size.height, size.width} : size;
    auto picture = scaled(frame, as_stored);
    if (picture) picture = turned(std::move(picture), size, shape);
    if (!picture) return {};
    for (const int quality : qualities) {
        auto jpeg = jpeg_of(*picture, quality);
        if (jpeg.size() <= most_thumbnail_bytes) return jpeg;
    }
    return {};
}

}  // namespace prewarm::probe
