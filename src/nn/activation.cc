#include "nn/activation.h"

#include <map>
#include <vector>

#include "core/error.h"
#include "core/nearest_name.h"

namespace s2i {

Activation activation_of(const std::string& name, std::string_view where) {
  static const std::map<std::string, Activation> known = {
      {"gelu", Activation::kGelu},
      {"gelu_python", Activation::kGelu},
      {"gelu_new", Activation::kGeluTanh},
      {"gelu_fast", Activation::kGeluTanh},
      {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"quick_gelu", Activation::kQuickGelu},
      {"relu", Activation::kRelu},
      {"selu", Activation::kSelu},
      {"silu", Activation::kSilu},
      {"swish", Activation::kSilu},
      {"mish", Activation::kMish},
      {"tanh", Activation::kTanh},
      {"sigmoid", Activation::kSigmoid},
      {"linear", Activation::kLinear}};
  if (const auto entry = known.find(name); entry != known.end()) return entry->second;
  std::vector<std::string> names;
  names.reserve(known.size());
  for (const auto& [known_name, activation] : known) names.push_back(known_name);
  const std::string nearest = nearest_name(name, names);
  throw UserError("{}: no activation function \"{}\"{}", where, name,
                  nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest));
}

}  // namespace s2i
