#include "operation_cases.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "ops/adam_update/adam_update.h"
#include "ops/adam_update/adam_update_reference.h"
#include "ops/attention/attention.h"
#include "ops/conv_groupnorm/conv_groupnorm.h"
#include "ops/conv_groupnorm/conv_groupnorm_reference.h"
#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu.h"
#include "ops/dropout/dropout.h"
#include "ops/dropout/dropout_reference.h"
#include "ops/dropout_add_norm/dropout_add_norm.h"
#include "ops/position_bias/position_bias.h"
#include "ops/position_bias/position_bias_reference.h"
#include "ops/position_gate/position_gate.h"
#include "ops/position_gate/position_gate_reference.h"
#include "ops/position_matrix/position_matrix.h"
#include "ops/position_matrix/position_matrix_reference.h"
#include "ops/positional_conv/positional_conv.h"
#include "ops/positional_conv/positional_conv_reference.h"
#include "ops/strided_conv/strided_conv.h"
#include "ops/strided_conv/strided_conv_reference.h"

namespace s2i {
namespace {

/// The sizes of a batch at the layers of the model.
struct Shape {
  const char* name;
  int64_t batch;       ///< B
  int64_t first_rows;  ///< rows of the first convolution
  int64_t channels;    ///< C of the convolutions
  int64_t frames;      ///< T of the transformer
  int64_t heads;       ///< H
  int64_t head_width;  ///< d
};

constexpr Shape kShapes[] = {{"small", 2, 320, 64, 20, 4, 16},
                             {"base", 8, 12800, 512, 199, 12, 64}};
constexpr int64_t kFirstTaps = 10, kFirstStride = 5;

/// A smooth tensor without zeros that could make arithmetic cheaper.
at::Tensor values(at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
  return at::sin(at::arange(c10::multiply_integers(shape), at::kFloat)).view(shape).to(type);
}

at::Tensor leaf(at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
  return values(shape, type).set_requires_grad(true);
}

std::string case_name(const char* operation, const Shape& shape, at::ScalarType type) {
  return std::string(operation) + "/" + shape.name + (type == at::kFloat ? "/fp32" : "/bf16");
}

double size_of(at::ScalarType type) { return type == at::kFloat ? 4 : 2; }

OperationCase dropout_case(const Shape& s, at::ScalarType type) {
  OperationCase c;
  c.name = case_name("dropout", s, type);
  c.inputs = [=] {
    return std::vector{leaf({s.batch, s.frames, s.heads * s.head_width}, type),
                       at::arange(s.batch, at::kLong)};
  };
  c.run = [](const auto& in) { return dropout(in[0], in[1], 3, 0.1); };
  if (type == at::kFloat) {
    c.plain = [](const auto& in) { return dropout_reference(in[0], in[1], 3, 0.1); };
    c.plain_is_cpu_forward_only = true;
  }
  const auto elements = static_cast<double>(s.batch * s.frames * s.heads * s.head_width);
  c.forward_work = c.backward_work = 2 * elements * size_of(type);
  return c;
}

OperationCase dropout_add_norm_case(const Shape& s, at::ScalarType type) {
  OperationCase c;
  c.name = case_name("dropout_add_norm", s, type);
  const int64_t width = s.heads * s.head_width;
  c.inputs = [=] {
    const std::vector<int64_t> hidden = {s.batch, s.frames, width};
    return std::vector{leaf(hidden, type), leaf(hidden), leaf({width}), leaf({width}),
                       at::arange(s.batch, at::kLong)};
  };
  c.run = [](const auto& in) {
    return dropout_add_norm(in[0], in[1], {in[4], 3, 0.1}, in[2], in[3], 1e-5).typed;
  };
  c.plain = [](const auto& in) {
    const at::Tensor sum = in[1] + dropout(in[0], in[4], 3, 0.1);
    return at::layer_norm(sum, {in[2].size(0)}, in[2], in[3], 1e-5).to(in[0].scalar_type());
  };
  // Forward reads x and the residual, and writes the sum and the result in both types. Backward
  // reads the gradient and the sum, and writes the gradients of x and the residual.
  const auto elements = static_cast<double>(s.batch * s.frames * width);
  const double typed = type == at::kFloat ? 0 : size_of(type);
  c.forward_work = elements * (size_of(type) + 3 * 4 + typed);
  c.backward_work = elements * (2 * size_of(type) + 2 * 4);
  return c;
}

/// The samples of the batch, then the tensors of the first layer.
std::vector<at::Tensor> first_layer_inputs(const Shape& s) {
  return {values({s.batch, s.first_rows * kFirstStride}), leaf({s.channels, 1, kFirstTaps}),
          leaf({s.channels}), leaf({s.channels})};
}

ConvGroupNorm first_layer(const std::vector<at::Tensor>& in) {
  return {in[1], {}, in[2], in[3], kFirstStride, 1e-5};
}

/// The windows of the last rows reach past the audio.
std::vector<int64_t> first_frames(const Shape& s) {
  return std::vector<int64_t>(static_cast<size_t>(s.batch),
                              s.first_rows - kFirstTaps / kFirstStride);
}

OperationCase conv_groupnorm_case(const Shape& s) {
  OperationCase c;
  c.name = case_name("conv_groupnorm", s, at::kFloat);
  c.inputs = [=] { return first_layer_inputs(s); };
  c.run = [=](const auto& in) { return conv_groupnorm(in[0], first_layer(in), first_frames(s)); };
  c.plain = [=](const auto& in) {
    return conv_groupnorm_reference(in[0], first_layer(in), first_frames(s));
  };
  const auto output = static_cast<double>(s.batch * s.first_rows * s.channels) * 4;
  c.forward_work = c.backward_work = output;
  return c;
}

OperationCase conv_groupnorm_gelu_case(const Shape& s, at::ScalarType type) {
  OperationCase c;
  c.name = case_name("conv_groupnorm_gelu", s, type);
  c.inputs = [=] { return first_layer_inputs(s); };
  c.run = [=](const auto& in) {
    return conv_groupnorm_gelu(in[0], first_layer(in), first_frames(s), type);
  };
  c.plain = [=](const auto& in) {
    return at::gelu(conv_groupnorm_reference(in[0], first_layer(in), first_frames(s))).to(type);
  };
  const auto output = static_cast<double>(s.batch * s.first_rows * s.channels) * size_of(type);
  c.forward_work = c.backward_work = output;
  return c;
}

/// The second convolution, the largest.
OperationCase strided_conv_case(const Shape& s, at::ScalarType type) {
  constexpr int64_t kTaps = 3, kStride = 2;
  OperationCase c;
  c.name = case_name("strided_conv", s, type);
  c.inputs = [=] {
    return std::vector{leaf({s.batch, s.first_rows, s.channels}, type),
                       leaf({s.channels, s.channels, kTaps})};
  };
  c.run = [](const auto& in) { return strided_conv(in[0], in[1], {}, kStride); };
  if (type == at::kFloat) {
    c.plain = [](const auto& in) { return strided_conv_reference(in[0], in[1], {}, kStride); };
  }
  c.bound = Bound::kFlop;
  c.forward_work = 2.0 * static_cast<double>(s.batch * s.first_rows / kStride) *
                   static_cast<double>(s.channels * s.channels * kTaps);
  c.backward_work = 2 * c.forward_work;
  return c;
}

/// The model's 128 taps and 16 groups, fewer for small shapes.
OperationCase positional_conv_case(const Shape& s, at::ScalarType type) {
  const int64_t width = s.heads * s.head_width;
  const int64_t taps = width >= 768 ? 128 : 16, groups = width >= 768 ? 16 : 4;
  OperationCase c;
  c.name = case_name("positional_conv", s, type);
  c.inputs = [=] {
    return std::vector{leaf({s.batch, s.frames, width}, type), leaf({width, width / groups, taps}),
                       leaf({width})};
  };
  c.run = [=](const auto& in) { return positional_conv(in[0], in[1], in[2], groups); };
  c.plain = [=](const auto& in) {
    return positional_conv_reference(in[0], in[1].to(type), in[2].to(type), groups);
  };
  c.bound = Bound::kFlop;  // as a sum over windows
  c.forward_work = 2.0 * static_cast<double>(s.batch * s.frames * width) *
                   static_cast<double>(width / groups * taps);
  c.backward_work = 2 * c.forward_work;
  return c;
}

OperationCase attention_case(const Shape& s, at::ScalarType type, bool with_bias) {
  OperationCase c;
  c.name = case_name(with_bias ? "attention/gated_bias" : "attention/no_bias", s, type);
  c.inputs = [=] {
    const std::vector<int64_t> hidden = {s.batch, s.frames, s.heads * s.head_width};
    return std::vector{leaf(hidden, type),
                       leaf(hidden, type),
                       leaf(hidden, type),
                       leaf({s.heads, 2 * s.frames - 1}),
                       leaf({s.batch, s.heads, s.frames}),
                       at::full({s.batch}, s.frames - 3, at::kLong),
                       at::arange(s.batch, at::kLong)};
  };
  c.run = [=](const auto& in) {
    const auto bias = with_bias ? GatedPositionBias{in[3], in[4]} : GatedPositionBias{};
    return attention(in[0], in[1], in[2], s.heads, bias, in[5], {in[6], 3, 0.1});
  };
  c.bound = Bound::kFlop;
  c.forward_work = 4.0 * static_cast<double>(s.batch * s.heads * s.head_width) *
                   static_cast<double>(s.frames * s.frames);
  c.backward_work = 2 * c.forward_work;
  return c;
}

OperationCase position_bias_case(const Shape& s) {
  constexpr int64_t kBuckets = 320, kMaxDistance = 800;
  OperationCase c;
  c.name = case_name("position_bias", s, at::kFloat);
  c.inputs = [=] { return std::vector{leaf({kBuckets, s.heads})}; };
  c.run = [=](const auto& in) { return position_bias(in[0], s.frames, kMaxDistance); };
  c.plain = [=](const auto& in) { return position_bias_reference(in[0], s.frames, kMaxDistance); };
  c.forward_work = c.backward_work = 4.0 * static_cast<double>(s.heads * (2 * s.frames - 1));
  return c;
}

OperationCase position_gate_case(const Shape& s, at::ScalarType type) {
  OperationCase c;
  c.name = case_name("position_gate", s, type);
  c.inputs = [=] {
    return std::vector{leaf({s.batch, s.frames, s.heads * s.head_width}, type),
                       leaf({kGateOutputs, s.head_width}), leaf({kGateOutputs}), leaf({s.heads})};
  };
  c.run = [](const auto& in) { return position_gate(in[0], in[1], in[2], in[3]); };
  c.plain = [=](const auto& in) {
    return position_gate_reference(in[0], in[1].to(type), in[2].to(type), in[3]);
  };
  const auto read =
      static_cast<double>(s.batch * s.frames * s.heads * s.head_width) * size_of(type);
  c.forward_work = read;
  c.backward_work = 2 * read;
  return c;
}

/// A flat buffer of `elements`.
OperationCase adam_update_case(const Shape& s, int64_t elements) {
  OperationCase c;
  c.name = case_name("adam_update", s, at::kFloat);
  c.inputs = [=] {
    return std::vector{values({elements}),
                       values({elements}),
                       values({elements}),
                       values({elements}).abs(),
                       at::ones({}),
                       at::zeros({elements / kUpdateUnit}, at::kByte),
                       at::ones({}),
                       at::ones({1}),
                       at::zeros({elements}, at::kBFloat16)};
  };
  const auto tensors = [](const auto& in) {
    return AdamTensors{in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], in[8]};
  };
  AdamSettings settings;
  settings.learning_rate = 1e-5;
  settings.weight_decay = {0.01};
  c.run = [=](const auto& in) {
    adam_update(tensors(in), settings);
    return in[0];
  };
  c.plain = [=](const auto& in) {
    adam_update_reference(tensors(in), settings);
    return in[0];
  };
  // Reads four buffers, writes three and the bfloat16 copy.
  c.forward_work = static_cast<double>(elements) * (7 * 4 + 2);
  return c;
}

OperationCase position_matrix_case(const Shape& s) {
  OperationCase c;
  c.name = case_name("position_matrix", s, at::kFloat);
  c.inputs = [=] { return std::vector{leaf({s.heads, 2 * s.frames - 1})}; };
  c.run = [](const auto& in) { return position_matrix(in[0]); };
  c.plain = [](const auto& in) { return position_matrix_reference(in[0]); };
  c.forward_work = c.backward_work = 4.0 * static_cast<double>(s.heads * s.frames * s.frames);
  return c;
}

}  // namespace

std::vector<OperationCase> operation_cases() {
  std::vector<OperationCase> cases;
  for (const Shape& shape : kShapes) {
    cases.push_back(conv_groupnorm_case(shape));
    cases.push_back(position_bias_case(shape));
    cases.push_back(position_matrix_case(shape));
    cases.push_back(adam_update_case(shape, shape.channels * shape.channels * 64));
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      cases.push_back(conv_groupnorm_gelu_case(shape, type));
      cases.push_back(dropout_case(shape, type));
      cases.push_back(position_gate_case(shape, type));
      cases.push_back(dropout_add_norm_case(shape, type));
      cases.push_back(attention_case(shape, type, true));
      cases.push_back(attention_case(shape, type, false));
      cases.push_back(strided_conv_case(shape, type));
      cases.push_back(positional_conv_case(shape, type));
    }
  }
  return cases;
}

}  // namespace s2i
