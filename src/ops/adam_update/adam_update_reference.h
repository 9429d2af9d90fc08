// Adam and AdamW as the papers write them, one tensor operation after another.
#pragma once

#include "ops/adam_update/adam_update.h"

namespace s2i {

/// The same update, in the type of the tensors, which may be float64. Does not round to `narrow`.
void adam_update_reference(const AdamTensors& tensors, const AdamSettings& settings);

}  // namespace s2i
