// SPDX-License-Identifier: Apache-2.0
// The report in a real browser (Debian's chromium, headless): it is not blank, its parts lie one
// below the other and inside the window, wide and narrow, light and dark. Where a part lies is seen
// from the pixels: a copy of the page gives its heading an outline in a colour of its own.
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/subprocess.hpp"
#include "core/report/filled_state.hpp"
#include "report/report.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::test {
namespace {

namespace fs = std::filesystem;

struct Pixel {
  unsigned char r = 0, g = 0, b = 0;
  auto operator<=>(const Pixel&) const = default;
};

struct Image {
  std::size_t width = 0, height = 0;
  std::vector<Pixel> pixels;
  const Pixel& at(std::size_t x, std::size_t y) const { return pixels[y * width + x]; }
};

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i)
    out = out << 8U | static_cast<unsigned char>(bytes.at(at + i));
  return out;
}

// PNG (ISO/IEC 15948) as chromium writes it: 8 bits a channel, RGB or RGBA, not interlaced.
Image read_png(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  const std::string bytes = text.str();
  Image out;
  std::string packed;
  std::size_t channels = 0;
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const auto size = number_at(bytes, at);
    const auto kind = bytes.substr(at + 4, 4);
    if (kind == "IHDR") {
      out.width = number_at(bytes, at + 8);
      out.height = number_at(bytes, at + 12);
      EXPECT_EQ(bytes.at(at + 16), 8);
      channels = bytes.at(at + 17) == 6 ? 4 : 3;
      EXPECT_EQ(bytes.at(at + 20), 0);
    }
    if (kind == "IDAT") packed += bytes.substr(at + 8, size);
    at += size + 12;
  }
  const std::size_t row = out.width * channels;
  std::string raw((row + 1) * out.height, '\0');
  uLongf length = raw.size();
  if (raw.empty() ||
      ::uncompress(reinterpret_cast<Bytef*>(raw.data()), &length,
                   reinterpret_cast<const Bytef*>(packed.data()), packed.size()) != Z_OK)
    return {};
  std::vector<unsigned char> before(row, 0), now(row, 0);
  for (std::size_t y = 0; y < out.height; ++y) {
    const char filter = raw[y * (row + 1)];
    for (std::size_t i = 0; i < row; ++i) {
      const int left = i >= channels ? now[i - channels] : 0;
      const int up = before[i];
      const int corner = i >= channels ? before[i - channels] : 0;
      int add = 0;
      if (filter == 1) add = left;
      if (filter == 2) add = up;
      if (filter == 3) add = (left + up) / 2;
      if (filter == 4) {
        const int p = left + up - corner;
        const int a = std::abs(p - left), b = std::abs(p - up), c = std::abs(p - corner);
        add = a <= b && a <= c ? left : b <= c ? up : corner;
      }
      now[i] =
          static_cast<unsigned char>(static_cast<unsigned char>(raw[y * (row + 1) + 1 + i]) + add);
    }
    for (std::size_t x = 0; x < out.width; ++x)
      out.pixels.push_back({now[x * channels], now[x * channels + 1], now[x * channels + 2]});
    std::swap(before, now);
  }
  return out;
}

struct Box {
  std::size_t left = SIZE_MAX, top = SIZE_MAX, right = 0, bottom = 0;
  bool exists() const { return right > 0; }
};

Box box_of(const Image& image, Pixel colour) {
  Box out;
  for (std::size_t y = 0; y < image.height; ++y)
    for (std::size_t x = 0; x < image.width; ++x) {
      if (image.at(x, y) != colour) continue;
      out.left = std::min(out.left, x);
      out.right = std::max(out.right, x);
      out.top = std::min(out.top, y);
      out.bottom = std::max(out.bottom, y);
    }
  return out;
}

struct Marked {
  const char* id;
  Pixel colour;
  const char* css;
};
constexpr std::array<Marked, 4> kMarked = {{{"domains", {255, 0, 255}, "#ff00ff"},
                                            {"mailboxes", {0, 255, 255}, "#00ffff"},
                                            {"stragglers", {255, 255, 0}, "#ffff00"},
                                            {"not", {0, 255, 0}, "#00ff00"}}};

std::string page_of_a_run(const TempDir& dir) {
  auto state = store::StateFile::open(dir / "state.db", store::Access::act);
  EXPECT_TRUE(state) << state.error().message();
  EXPECT_TRUE(report::test::Filler(state->db()).fill());
  const auto data = report::collect(state->db());
  EXPECT_TRUE(data) << data.error().message();
  return report::to_html(*data);
}

Image screenshot(const TempDir& dir, const std::string& name, const std::string& html, int width,
                 bool dark) {
  const auto page = dir / (name + ".html");
  const auto picture = dir / (name + ".png");
  std::ofstream(page) << html;
  std::vector<std::string> argv = {
      "/usr/bin/chromium",
      "--headless=new",
      "--no-sandbox",  // root in a container has none
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--hide-scrollbars",
      "--user-data-dir=" + (dir / ("profile-" + name)).string(),
      "--window-size=" + std::to_string(width) + (width < 800 ? ",9000" : ",6000"),
      "--screenshot=" + picture.string()};
  argv.push_back(std::string("--blink-settings=preferredColorScheme=") + (dark ? "0" : "1"));
  argv.push_back("file://" + page.string());
  SubprocessOptions options;
  options.environment = {"HOME=" + dir.path().string(), "PATH=/usr/bin:/bin"};
  options.limit = std::chrono::seconds(120);
  const auto ran = run_program(argv, "", options, {});
  EXPECT_TRUE(ran) << ran.error().message();
  if (!ran || !fs::exists(picture)) {
    ADD_FAILURE() << (ran ? ran->errors : "");
    return {};
  }
  // For those who want to look at it.
  if (const char* keep = std::getenv("MXF_KEEP_REPORT"))
    fs::copy_file(picture, fs::path(keep) / (name + ".png"), fs::copy_options::overwrite_existing);
  return read_png(picture);
}

class ReportInBrowser : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/bin/chromium", X_OK) != 0)
      GTEST_SKIP() << "no chromium: scripts/install-packages test";
  }
  TempDir dir_;
};

TEST_F(ReportInBrowser, IsLaidOutWideAndNarrowLightAndDark) {
  const auto html = page_of_a_run(dir_);
  std::string marks = "<style>";
  for (const auto& one : kMarked)
    marks += "#" + std::string(one.id) + "{outline:3px solid " + one.css + ";outline-offset:-3px}";
  marks += "main{outline:2px solid #0000fe;outline-offset:-2px}</style></head>";
  auto marked = html;
  marked.replace(marked.find("</head>"), 7, marks);
  for (const int width : {1280, 400})
    for (const bool dark : {false, true}) {
      const auto name = std::to_string(width) + (dark ? "-dark" : "-light");
      SCOPED_TRACE(name);
      const auto plain = screenshot(dir_, name, html, width, dark);
      ASSERT_EQ(plain.width, static_cast<std::size_t>(width));
      const std::set<Pixel> colours(plain.pixels.begin(), plain.pixels.end());
      EXPECT_GT(colours.size(), 50U) << "blank, or nearly";
      const Pixel background = plain.at(2, 2);
      EXPECT_EQ(background, dark ? (Pixel{0x0f, 0x14, 0x19}) : (Pixel{0xf5, 0xf6, 0xf8}));

      const auto seen = screenshot(dir_, name + "-marked", marked, width, dark);
      const auto main = box_of(seen, {0, 0, 0xfe});
      ASSERT_TRUE(main.exists());
      EXPECT_LE(main.right - main.left, static_cast<std::size_t>(width));
      EXPECT_LT(main.bottom, seen.height - 10) << "the page is longer than the picture";
      std::size_t above = 0;
      for (const auto& one : kMarked) {
        const auto box = box_of(seen, one.colour);
        ASSERT_TRUE(box.exists()) << one.id << " is not on the page";
        EXPECT_GT(box.top, above) << one.id << " lies over what is before it";
        EXPECT_GE(box.bottom - box.top, 12U) << one.id;
        EXPECT_GE(box.right - box.left, static_cast<std::size_t>(width) / 2) << one.id;
        EXPECT_LE(box.right, main.right) << one.id << " is wider than the page";
        above = box.bottom;
      }
    }
}

// The control of the above: a page without its parts is found to be one.
TEST_F(ReportInBrowser, ABlankPageIsFoundOut) {
  const auto blank =
      screenshot(dir_, "blank", "<!doctype html><html><body></body></html>", 400, false);
  const std::set<Pixel> colours(blank.pixels.begin(), blank.pixels.end());
  EXPECT_EQ(colours.size(), 1U);
  EXPECT_FALSE(box_of(blank, kMarked[0].colour).exists());
}

}  // namespace
}  // namespace mxferry::test
