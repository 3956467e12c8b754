#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "common/log/log.hpp"
#include "producer/prewarmctl.hpp"

int main(int argc, char** argv) try {
    using namespace prewarm;
    log::configure(log::Level::warn, log::Format::text);
    const auto status = producer::prewarmctl(std::vector<std::string>(argv + 1, argv + argc),
                                             {.environment = config::process_environment(),
                                              .out = std::cout,
                                              .err = std::cerr,
                                              .err_is_terminal = isatty(STDERR_FILENO) != 0});
    return static_cast<int>(status);
} catch (const std::exception& error) {
    std::cerr << "prewarmctl: unexpected: " << error.what() << '\n';
    return EXIT_FAILURE;
}
