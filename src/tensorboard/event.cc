#include "tensorboard/event.h"

#include <chrono>

#include "core/error.h"
#include "core/unicode.h"
#include "events.pb.h"

namespace s2i::tensorboard {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string to_text(const google::protobuf::MessageLite& message) {
  std::string bytes;
  S2I_CHECK(message.SerializeToString(&bytes));
  return bytes;
}

pb::Value to_value(const HParam& setting) {
  pb::Value value;
  if (const auto* flag = std::get_if<bool>(&setting.value)) value.set_bool_value(*flag);
  if (const auto* number = std::get_if<double>(&setting.value)) value.set_number_value(*number);
  if (const auto* text = std::get_if<std::string>(&setting.value)) {
    value.set_string_value(escape_invalid_utf8(*text));
  }
  return value;
}

}  // namespace

struct Event::Message {
  pb::Event event;

  pb::Summary::Value& add(const std::string& tag) {
    pb::Summary::Value& value = *event.mutable_summary()->add_value();
    value.set_tag(escape_invalid_utf8(tag));
    return value;
  }

  void add_session(const std::string& tag, const pb::HParamsPluginData& data) {
    pb::Summary::Value& value = add(tag);
    pb::SummaryMetadata& metadata = *value.mutable_metadata();
    metadata.mutable_plugin_data()->set_plugin_name("hparams");
    metadata.mutable_plugin_data()->set_content(to_text(data));
    metadata.set_data_class(pb::SummaryMetadata::TENSOR);
    // TensorBoard wants a value and does not use it: one of no elements.
    value.mutable_tensor()->set_dtype(pb::Tensor::FLOAT);
    value.mutable_tensor()->mutable_tensor_shape()->add_dim()->set_size(0);
  }
};

Event::Event(int64_t step) : message_(std::make_unique<Message>()) {
  message_->event.set_step(step);
}

Event::~Event() = default;
Event::Event(Event&& other) noexcept = default;
Event& Event::operator=(Event&& other) noexcept = default;

void Event::add_scalar(const std::string& tag, double value) {
  message_->add(tag).set_simple_value(static_cast<float>(value));
}

void Event::add_text(const std::string& tag, const std::string& markdown) {
  pb::Summary::Value& value = message_->add(tag);
  value.mutable_metadata()->mutable_plugin_data()->set_plugin_name("text");
  value.mutable_metadata()->set_data_class(pb::SummaryMetadata::TENSOR);
  value.mutable_tensor()->set_dtype(pb::Tensor::STRING);
  value.mutable_tensor()->mutable_tensor_shape()->add_dim()->set_size(1);
  value.mutable_tensor()->add_string_val(escape_invalid_utf8(markdown));
}

void Event::add_image(const std::string& tag, const Png& png, const std::string& description) {
  constexpr int kColorChannels = 3;
  pb::Summary::Value& value = message_->add(tag);
  value.mutable_metadata()->set_summary_description(escape_invalid_utf8(description));
  pb::Summary::Image& image = *value.mutable_image();
  image.set_width(png.width);
  image.set_height(png.height);
  image.set_colorspace(kColorChannels);
  image.set_encoded_image_string(png.bytes);
}

void Event::add_session_start(const std::vector<HParam>& settings) {
  pb::HParamsPluginData data;
  pb::SessionStartInfo& info = *data.mutable_session_start_info();
  info.set_start_time_secs(now());
  for (const HParam& setting : settings) {
    (*info.mutable_hparams())[escape_invalid_utf8(setting.name)] = to_value(setting);
  }
  message_->add_session("_hparams_/session_start_info", data);
}

void Event::add_session_end() {
  pb::HParamsPluginData data;
  data.mutable_session_end_info()->set_status(pb::SessionEndInfo::SUCCESS);
  data.mutable_session_end_info()->set_end_time_secs(now());
  message_->add_session("_hparams_/session_end_info", data);
}

std::string Event::serialize() const {
  message_->event.set_wall_time(now());
  return to_text(message_->event);
}

std::string file_version_event() {
  pb::Event event;
  event.set_wall_time(now());
  event.set_file_version("brain.Event:2");
  return to_text(event);
}

std::string process_start_event(int64_t step) {
  pb::Event event;
  event.set_wall_time(now());
  event.set_step(step);
  event.mutable_session_log()->set_status(pb::SessionLog::START);
  return to_text(event);
}

EventHead event_head(std::string_view data) {
  pb::Event event;
  if (!event.ParseFromArray(data.data(), static_cast<int>(data.size()))) {
    throw RunError("not an event of TensorBoard");
  }
  if (!event.has_summary() || event.summary().value().empty()) return {event.step(), ""};
  return {event.step(), event.summary().value(0).tag()};
}

}  // namespace s2i::tensorboard
