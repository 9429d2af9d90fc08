// The content of a report as one JSON object, which the page shows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/json.h"
#include "report/run_folder.h"

namespace s2i {

/// The audio of an utterance as a data URI, or "".
using AudioOf = std::function<std::string(const RunFolder& run, const PredictedUtterance& one)>;

/// `runs`, each with a name of its own; `report.js` says what each run has. Throws UserError for an
/// evaluation.json that no program of this project writes.
OrderedJson report_data(const std::vector<RunFolder>& runs, const AudioOf& audio_of);

}  // namespace s2i
