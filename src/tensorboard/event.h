// One event of TensorBoard: what a run tells about a step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace s2i::tensorboard {

/// A setting, for the HPARAMS tab.
struct HParam {
  std::string name;
  std::variant<bool, double, std::string> value;
};

/// An image file in PNG format with three channels.
struct Png {
  int width = 0;
  int height = 0;
  std::string bytes;
};

/// The values of one step. Tags group by the text before their first slash. Texts that are not
/// UTF-8 are escaped.
class Event {
 public:
  explicit Event(int64_t step);
  ~Event();
  Event(Event&& other) noexcept;
  Event& operator=(Event&& other) noexcept;

  void add_scalar(const std::string& tag, double value);
  /// Text in Markdown.
  void add_text(const std::string& tag, const std::string& markdown);
  /// `description`: Markdown.
  void add_image(const std::string& tag, const Png& png, const std::string& description);
  /// The start of a run with these settings.
  void add_session_start(const std::vector<HParam>& settings);
  /// The end of a run that is complete.
  void add_session_end();

  /// As the data of a record, with the current time.
  std::string serialize() const;

 private:
  struct Message;
  std::unique_ptr<Message> message_;
};

/// The event that begins a file.
std::string file_version_event();

/// The event with which a process starts that writes from `step` on.
std::string process_start_event(int64_t step);

/// The first tag of an event; empty if it has none.
struct EventHead {
  int64_t step = 0;
  std::string tag;
};

/// Throws RunError for data that is no event.
EventHead event_head(std::string_view data);

}  // namespace s2i::tensorboard
