#include "sandbox/r2/s3_error.hpp"

#include <sstream>

#include <pugixml.hpp>

namespace prewarm::sandbox {

http::Response answer_of(const S3Error& error, std::string_view resource) {
    pugi::xml_document document;
    auto declaration = document.append_child(pugi::node_declaration);
    declaration.append_attribute("version") = "1.0";
    declaration.append_attribute("encoding") = "UTF-8";
    auto root = document.append_child("Error");
    root.append_child("Code").text() = std::string{error.code}.c_str();
    root.append_child("Message").text() = error.message.c_str();
    root.append_child("Resource").text() = std::string{resource}.c_str();
    std::ostringstream text;
    document.save(text, "", pugi::format_raw);
    return http::respond(error.status, "application/xml", text.str());
}

}  // namespace prewarm::sandbox
