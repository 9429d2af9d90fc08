#include "preprocess/utterance_notes.h"

#include <spdlog/spdlog.h>

#include <array>

#include "core/error.h"
#include "core/unicode.h"

namespace s2i {
namespace {

struct KindText {
  NoteKind kind;
  const char* name;     ///< The name in JSON.
  const char* message;  ///< Log text before the number of utterances.
  const char* advice;   ///< Log text after the file names.
};

constexpr std::array kKinds{
    KindText{NoteKind::kDamaged, "damaged", "damaged files, read partially", ""},
    KindText{NoteKind::kUnusual, "unusual", "unusual files", ""},
    KindText{NoteKind::kClipped, "clipped", "utterances clipped to the range of int16",
             "; --dtype float32 avoids clipping"},
    KindText{NoteKind::kSilent, "silent", "silent utterances", ""}};

const KindText& text_of(NoteKind kind) {
  for (const KindText& text : kKinds) {
    if (text.kind == kind) return text;
  }
  S2I_CHECK(false, "unknown kind of note");
  return kKinds.front();
}

NoteKind parse_kind(const std::string& name, const std::string& where) {
  for (const KindText& text : kKinds) {
    if (name == text.name) return text.kind;
  }
  throw UserError("{}: unknown kind of note '{}'", where, name);
}

/// "a.wav (12 samples)", "b.wav (the last Ogg page is truncated)".
std::string name_of(const CorpusSplit& split, const UtteranceNote& note) {
  std::string name = printable(split.rows[note.row].audio.native());
  if (note.samples > 0) name += fmt::format(" ({} samples)", note.samples);
  if (!note.text.empty()) name += fmt::format(" ({})", note.text);
  return name;
}

}  // namespace

OrderedJson to_json(const std::vector<UtteranceNote>& notes) {
  OrderedJson json = OrderedJson::array();
  for (const UtteranceNote& note : notes) {
    json.push_back({{"row", note.row},
                    {"kind", text_of(note.kind).name},
                    {"samples", note.samples},
                    {"text", note.text}});
  }
  return json;
}

std::vector<UtteranceNote> notes_from_json(const Json& json, const std::string& where) {
  std::vector<UtteranceNote> notes;
  for (const Json& item : json_get<std::vector<Json>>(json, "notes", where)) {
    notes.push_back({json_get<size_t>(item, "row", where),
                     parse_kind(json_get<std::string>(item, "kind", where), where),
                     json_get<uint64_t>(item, "samples", where),
                     json_get<std::string>(item, "text", where)});
  }
  return notes;
}

void summarize_notes(const CorpusSplit& split, const std::vector<UtteranceNote>& notes,
                     OrderedJson& summary) {
  for (const KindText& kind : kKinds) {
    OrderedJson list = OrderedJson::array();
    for (const UtteranceNote& note : notes) {
      if (note.kind != kind.kind) continue;
      const CorpusRow& row = split.rows[note.row];
      OrderedJson item{
          {"line", row.line}, {"id", row.id}, {"audio", escape_invalid_utf8(row.audio.native())}};
      if (note.samples > 0) item["samples"] = note.samples;
      if (!note.text.empty()) item["text"] = note.text;
      list.push_back(item);
    }
    summary[fmt::format("{}_rows", kind.name)] = list;
  }
}

void log_notes(const CorpusSplit& split, const std::vector<UtteranceNote>& notes) {
  constexpr size_t kMaxNamed = 10;
  for (const KindText& kind : kKinds) {
    size_t count = 0;
    std::string names;
    for (const UtteranceNote& note : notes) {
      if (note.kind != kind.kind) continue;
      if (++count > kMaxNamed) continue;
      if (!names.empty()) names += ", ";
      names += name_of(split, note);
    }
    if (count == 0) continue;
    if (count > kMaxNamed) names += fmt::format(" and {} more", count - kMaxNamed);
    spdlog::warn("{}: {} ({}): {}{}", split.name, kind.message, count, names, kind.advice);
  }
}

}  // namespace s2i
