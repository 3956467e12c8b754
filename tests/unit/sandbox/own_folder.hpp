/// A folder of a test's own.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace prewarm::sandbox::test {

struct OwnFolder {
    OwnFolder() {
        auto name = (std::filesystem::temp_directory_path() / "prewarm-test-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make " + name};
        path = name;
    }
    ~OwnFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    OwnFolder(const OwnFolder&) = delete;
    OwnFolder& operator=(const OwnFolder&) = delete;

    std::filesystem::path path;
};

}  // namespace prewarm::sandbox::test
