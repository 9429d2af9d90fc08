#include "classification/classifier_config.h"
#include "classification/preprocessor_config.h"
#include "fuzzing.h"

using namespace s2i;

// The input is read as config.json and as preprocessor_config.json.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  accept_or_reject([&] { read_preprocessor(parse_json(text_of(data, size), "fuzz"), "fuzz"); });
  return accept_or_reject([&] {
    const Json json = parse_json(text_of(data, size), "fuzz");
    const ClassifierConfig config = ClassifierConfig::from_json(json, "fuzz");
    S2I_CHECK(config.encoder.frames(config.encoder.min_samples()) == 1 &&
              config.encoder.head_dim() > 0);
    // The configuration survives a round trip.
    const OrderedJson written = config.to_json();
    S2I_CHECK(ClassifierConfig::from_json(parse_json(written.dump(), "own"), "own").to_json() ==
              written);
  });
}
