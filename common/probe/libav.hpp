/// FFmpeg's libraries, with owners for what they allocate. Private to this module.
#pragma once

#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

namespace prewarm::probe {

struct FreeAv {
    void operator()(AVFormatContext* file) const;
    void operator()(AVIOContext* io) const;
    void operator()(AVCodecContext* codec) const;
    void operator()(AVFrame* frame) const;
    void operator()(AVPacket* packet) const;
    void operator()(SwsContext* scaler) const;
};
template <class T>
using Av = std::unique_ptr<T, FreeAv>;

/// Its log goes to ours at `debug`, and no single allocation of its may be huge. For the whole
/// process; any number of times, from any thread.
void set_up_libav();

std::string libav_error(int code);

}  // namespace prewarm::probe
