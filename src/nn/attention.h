// Self-attention of a transformer layer: what encoder types differ in most.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "nn/modules.h"
#include "nn/parameters.h"
#include "ops/attention/attention.h"

namespace s2i {

/// Self-attention, from the layer's input to the output projection.
class Attention {
 public:
  virtual ~Attention() = default;

  /// What the attention of all layers shares in a pass, computed once by layer 0, e.g. a bias for
  /// each distance. Undefined if the type shares nothing.
  virtual at::Tensor shared(int64_t /*frames*/) const { return {}; }

  /// x      [B,T,D] float32 or bfloat16
  /// shared as shared() of layer 0 returned it
  /// frames [B] int64 on x's device: keys from this frame on are padding; undefined: none
  /// dropout of the attention weights
  /// returns [B,T,D] in x's type
  virtual at::Tensor forward(const at::Tensor& x, const at::Tensor& shared,
                             const at::Tensor& frames, const AttentionDropout& dropout) const = 0;
};

/// The four linear layers that every type has, D -> D each.
struct AttentionProjections {
  Linear query, key, value, output;

  AttentionProjections(ParameterList& parameters, const std::string& name, int64_t width)
      : query(parameters, name + ".q_proj", width, width),
        key(parameters, name + ".k_proj", width, width),
        value(parameters, name + ".v_proj", width, width),
        output(parameters, name + ".out_proj", width, width) {}
};

}  // namespace s2i
