// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/input/bounded_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace quantscope {
namespace {

using ::testing::HasSubstr;

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(ParseBoundedJson, ReadsWhatIsWithinTheLimits) {
  const auto value = parse_bounded_json(R"({"a": [1, "[[[{{{,,,::: \\\" [", {}], "\"": 2})", "x");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ((*value)["a"].size(), 3U);
  EXPECT_EQ((*value)["\""], 2);
  EXPECT_TRUE(parse_bounded_json(nested(64), "x"));
}

TEST(ParseBoundedJson, RefusesDeepTextBeforeItIsParsed) {
  // Neither text is JSON as a whole: only a look at the depth before parsing can say so.
  for (const std::string& text : {nested(65), std::string(50'000'000, '['), R"({"a": "[", "b": )" + nested(64) + "}"}) {
    const auto value = parse_bounded_json(text, "'x.json'");
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, ErrorCode::unsupported);
    EXPECT_THAT(value.error().message, HasSubstr("'x.json' has lists or objects more than 64 levels deep (byte "));
  }
}

TEST(ParseBoundedJson, NamesTheByteThatIsTooDeep) {
  const auto value = parse_bounded_json(R"(["[[[", [[]]])", "x", {.depth = 2});
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().where, "x: byte 9");
}

TEST(ParseBoundedJson, ListsBehindEachOtherAreNotDeep) {
  std::string text = "[[]";
  for (int i = 0; i < 1000; ++i) text += ",[{}]";
  EXPECT_TRUE(parse_bounded_json(text + "]", "x", {.depth = 3}));
}

TEST(ParseBoundedJson, RefusesMoreValuesThanAllowed) {
  EXPECT_TRUE(parse_bounded_json("[1,2,3]", "x", {.values = 4}));
  for (const char* text : {"[1,2,3,4]", R"({"a":1,"b":2})", "[[],[],[]]", "[{},{}]]"}) {
    const auto value = parse_bounded_json(text, "x", {.values = 4});
    ASSERT_FALSE(value) << text;
    EXPECT_THAT(value.error().message, HasSubstr("holds more than 4 values")) << text;
  }
}

TEST(ParseBoundedJson, SaysWhereTextIsNoJson) {
  for (const char* text : {"", "{", "\"", "\"\\", "\"\\\"", "[1,]", "]]]]", "nul", "\\\"[", "[\"a\xFF\"]", "[1e999]"}) {
    const auto value = parse_bounded_json(text, "'x.json'");
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::corrupt_file) << text;
    EXPECT_THAT(value.error().message, HasSubstr("'x.json' is not JSON")) << text;
  }
}

TEST(ParseBoundedJson, DoesNotLeaveUnreadWhatIsBehindAZeroByte) {
  using namespace std::string_literals;
  for (const std::string& text : {"0\0"s, "0\0\5[[["s, "{\"a\": 1}\0{\"a\": 2}"s, "[1, 2]\n\0\0\0\0"s, "\0[]"s}) {
    const auto value = parse_bounded_json(text, "'x.json'");
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::corrupt_file);
    EXPECT_EQ(value.error().where, "'x.json': byte " + std::to_string(text.find('\0') + 1));
  }
}

TEST(ParseBoundedJson, AStopEndsItBetweenTwoValues) {
  std::stop_source stop;
  int seen = 0;
  JsonReading reading;
  reading.take = [&](auto, nlohmann::json&) {
    if (++seen == 3) stop.request_stop();
    return false;
  };
  const auto value = parse_bounded_json("[[],[],[],[],[],[]]", "x", {}, reading, stop.get_token());
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ErrorCode::cancelled);
  EXPECT_EQ(seen, 3);
}

TEST(ParseBoundedJson, IsWhatTheLibraryReads) {
  for (const char* text :
       {"5", "-5", "18446744073709551615", "1.5e3", "\"a\\u00e9\"", "null", "true", "[]", "{}", "[[],{},[[1]]]",
        R"({"a":{"b":[1,{"c":null}]},"d":[{"e":"f"},{"e":2}],"a":3})", "\xEF\xBB\xBF[1]"})
    EXPECT_EQ(*parse_bounded_json(text, "x"), nlohmann::json::parse(text)) << text;
}

TEST(ParseBoundedJson, LeavesOutWhatIsTooDeep) {
  const auto value = parse_bounded_json(R"([1,[2,[3,[4]],{"a":5,"b":{"c":6}}]])", "x", {}, {.deepest = 2});
  EXPECT_EQ(*value, nlohmann::json::parse(R"([1,[2,[],{}]])"));
}

TEST(ParseBoundedJson, HandsOutPartsWithTheNamesThatLeadToThem) {
  std::vector<std::string> seen;
  JsonReading reading;
  reading.take = [&](std::span<const std::string_view> names, nlohmann::json& value) {
    std::string path;
    for (const std::string_view name : names) path += "/" + std::string(name);
    seen.push_back(path + " " + value.dump());
    return path == "/runs/";
  };
  const auto value = parse_bounded_json(R"({"x":[],"runs":[{"a":1},{"b":{"c":2}}],"y":3})", "x", {}, reading);
  EXPECT_EQ(*value, nlohmann::json::parse(R"({"x":[],"runs":[],"y":3})"));
  EXPECT_THAT(seen, ::testing::ElementsAre("/x []", R"(/runs/ {"a":1})", R"(/runs//b {"c":2})",
                                           R"(/runs/ {"b":{"c":2}})", "/runs []", R"( {"runs":[],"x":[],"y":3})"));
}

TEST(ParseBoundedJson, HoldsNoMoreThanWasAllowedAtOneTime) {
  std::string text = "[[1,2]";
  for (int i = 0; i < 1000; ++i) text += ",[1,2]";
  text += "]";
  JsonReading reading;
  reading.kept = 10;
  EXPECT_THAT(parse_bounded_json(text, "x", {}, reading).error().message, HasSubstr("more than 10 values in one part"));
  reading.take = [](std::span<const std::string_view> names, nlohmann::json&) { return names.size() == 1; };
  EXPECT_TRUE(parse_bounded_json(text, "x", {}, reading)->empty());
}

/// Each object is looked at once: a look at all before it would take hours here.
TEST(ParseBoundedJson, ReadsAListOfManyObjects) {
  std::string text = "[{\"a\":0}";
  for (int i = 1; i < 1'000'000; ++i) text += ",{\"a\":0}";
  EXPECT_EQ(parse_bounded_json(text + "]", "x", {}, {.deepest = 9})->size(), 1'000'000U);
}

TEST(CountJsonValues, IsAnUpperBound) {
  EXPECT_EQ(*count_json_values("5", "x"), 1U);
  EXPECT_EQ(*count_json_values("[]", "x"), 2U);
  EXPECT_EQ(*count_json_values(R"({"a": [1, "x,y:[{"]})", "x"), 5U);
}

}  // namespace
}  // namespace quantscope
