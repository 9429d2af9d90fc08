#include "preprocess/csv_reader.h"

#include <utility>

#include "core/error.h"

namespace s2i {
namespace {

constexpr const char* kQuotingHint =
    "if quotes are ordinary characters in this file, use --quoting none";

/// Whether a byte begins a character of UTF-8, rather than continuing one.
bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

class Parser {
 public:
  Parser(std::string_view text, const CsvFormat& format) : text_(text), format_(format) {}

  CsvRows parse() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '\r' || c == '\n') {
        read_line_end();
      } else {
        read_character(c);
        ++position_;
      }
    }
    if (state_ == State::kQuoted) {
      throw UserError("line {}: unterminated quote in the field that starts here; {}", field_line_,
                      kQuotingHint);
    }
    end_row();
    return std::move(result_);
  }

 private:
  enum class State {
    kRowStart,       ///< Before the first character of a row.
    kFieldStart,     ///< After a delimiter.
    kUnquoted,       ///< Inside a field that does not begin with a quote.
    kQuoted,         ///< Inside a quoted field.
    kQuoteInQuoted,  ///< After a quote inside a quoted field: its end, or the first of two.
  };

  void read_character(char c) {
    switch (state_) {
      case State::kRowStart:
        row_.line = line_;
        [[fallthrough]];
      case State::kFieldStart:
        field_line_ = line_;
        if (c == '"' && format_.quoting == CsvQuoting::kStandard) {
          state_ = State::kQuoted;
        } else if (c == format_.delimiter) {
          end_field();
        } else {
          state_ = State::kUnquoted;
          append(c);
        }
        return;
      case State::kUnquoted:
        if (c == format_.delimiter) {
          end_field();
        } else {
          append(c);
        }
        return;
      case State::kQuoted:
        if (c == '"') {
          state_ = State::kQuoteInQuoted;
        } else {
          append(c);
        }
        return;
      case State::kQuoteInQuoted:
        if (c == '"') {
          state_ = State::kQuoted;
          append(c);
        } else if (c == format_.delimiter) {
          end_field();
        } else {
          throw UserError(
              "line {}: text after the closing quote of field {}; a quote inside a quoted field is "
              "written twice; {}",
              line_, row_.fields.size() + 1, kQuotingHint);
        }
        return;
    }
  }

  /// CRLF counts as one line end; a quoted field keeps its characters.
  void read_line_end() {
    const size_t size = text_.substr(position_, 2) == "\r\n" ? 2 : 1;
    if (state_ == State::kQuoted) {
      for (const char c : text_.substr(position_, size)) append(c);
    } else {
      end_row();
    }
    position_ += size;
    ++line_;
  }

  void append(char c) {
    if (begins_character(c) && ++field_characters_ > kMaxCsvFieldCharacters) {
      throw UserError("line {}: a field of more than {} characters starts here; {}", field_line_,
                      kMaxCsvFieldCharacters, kQuotingHint);
    }
    field_ += c;
  }

  void end_field() {
    if (row_.fields.size() == kMaxCsvFields) {
      throw UserError("line {}: the row has more than {} fields", row_.line, kMaxCsvFields);
    }
    if (state_ == State::kQuoteInQuoted && line_ != field_line_) {
      if (result_.multiline_fields++ == 0) result_.first_multiline_line = field_line_;
    }
    row_.fields.push_back(std::exchange(field_, std::string()));
    field_characters_ = 0;
    state_ = State::kFieldStart;
  }

  void end_row() {
    if (state_ == State::kRowStart) return;  // a blank line
    end_field();
    if (result_.rows.size() == kMaxCsvRows) throw UserError("more than {} rows", kMaxCsvRows);
    result_.rows.push_back(std::exchange(row_, CsvRow{}));
    state_ = State::kRowStart;
  }

  const std::string_view text_;
  const CsvFormat format_;
  State state_ = State::kRowStart;
  size_t position_ = 0;
  uint64_t line_ = 1;
  uint64_t field_line_ = 0;  ///< Line on which the field begins.
  size_t field_characters_ = 0;
  std::string field_;
  CsvRow row_;
  CsvRows result_;
};

}  // namespace

CsvRows parse_csv(std::string_view text, const CsvFormat& format) {
  return Parser(text, format).parse();
}

}  // namespace s2i
