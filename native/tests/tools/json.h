// As much JSON as the recordings have: objects, arrays, strings without escapes,
// integers. For tests only.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

struct Json {
  std::string raw;   // as it stood
  std::string text;  // of a string
  std::int64_t number = 0;
  std::vector<Json> items;
  std::map<std::string, Json> members;

  bool has(const std::string& key) const { return members.contains(key); }
  const Json& at(const std::string& key) const { return members.at(key); }
  std::string text_or(const std::string& key, const std::string& other) const {
    return has(key) ? at(key).text : other;
  }
  std::uint64_t number_or(const std::string& key, std::uint64_t other) const {
    return has(key) ? static_cast<std::uint64_t>(at(key).number) : other;
  }
};

class JsonParser {
 public:
  explicit JsonParser(const std::string& text) : text_(text) {}
  Json value() {
    space();
    const std::size_t start = at_;
    Json out;
    if (peek() == '{') {
      for (char end = next(); end != '}'; end = next()) {
        space();
        if (peek() == '}') continue;
        const std::string key = string();
        space();
        expect(':');
        out.members.emplace(key, value());
        space();
        if (peek() == ',') {
          next();
          at_ -= 1;
        }
        if (peek() != ',' && peek() != '}') fail();
      }
    } else if (peek() == '[') {
      for (char end = next(); end != ']'; end = next()) {
        space();
        if (peek() == ']') continue;
        out.items.push_back(value());
        space();
        if (peek() != ',' && peek() != ']') fail();
      }
    } else if (peek() == '"') {
      out.text = string();
    } else {
      char* end = nullptr;
      out.number = std::strtoll(text_.c_str() + at_, &end, 10);
      if (end == text_.c_str() + at_) fail();
      at_ = static_cast<std::size_t>(end - text_.c_str());
    }
    out.raw = text_.substr(start, at_ - start);
    return out;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char next() { return at_ < text_.size() ? text_[at_++] : (fail(), '\0'); }
  void expect(char wanted) {
    if (next() != wanted) fail();
  }
  void space() {
    while (peek() == ' ') ++at_;
  }
  std::string string() {
    expect('"');
    std::string out;
    for (char c = next(); c != '"'; c = next()) {
      if (c == '\\') c = next();
      out += c;
    }
    return out;
  }
  [[noreturn]] void fail() const {
    std::cerr << "not a recording: offset " << at_ << "\n";
    std::exit(2);
  }
  const std::string& text_;
  std::size_t at_ = 0;
};

inline Json parse_json(const std::string& line) { return JsonParser(line).value(); }
