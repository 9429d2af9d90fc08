# Run with cmake -P: writes a C++ source that defines s2i::page_files::<NAME> as the content of INPUT.
# -D INPUT=file -D OUTPUT=file.cc -D NAME=name -D HEADER=header
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,){24})" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"
namespace s2i::page_files {
namespace {
constexpr unsigned char kBytes[] = {
${bytes}
};
}  // namespace
const std::string_view ${NAME}{reinterpret_cast<const char*>(kBytes), sizeof kBytes};
}  // namespace s2i::page_files
")
