// A rank's activity as JSON: for progress files and for the messages between watchdogs.
#pragma once

#include "cluster/comm/activity.h"
#include "core/json.h"

namespace s2i {

/// Of the last steps the numbers and seconds only.
OrderedJson to_json(const ActivitySnapshot& snapshot);

/// The inverse of to_json(). Throws UserError.
ActivitySnapshot activity_from_json(const Json& json);

}  // namespace s2i
