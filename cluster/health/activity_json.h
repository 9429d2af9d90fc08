// A rank's activity as JSON: for progress files and for what watchdogs tell each other.
#pragma once

#include "cluster/comm/activity.h"
#include "core/json.h"

namespace s2i {

OrderedJson to_json(const ActivitySnapshot& snapshot);

/// The reverse. Throws UserError.
ActivitySnapshot activity_from_json(const Json& json);

}  // namespace s2i
