// --devices, on simulated GPUs.
#include "cli/devices.h"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/calibration.h"
#include "store/store.h"
#include "tests/cli/kopt_fixture.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

TEST(ParseDevicesTest, NumbersOrAll) {
  EXPECT_EQ(ParseDevices("0", 1), std::vector{0});
  EXPECT_EQ(ParseDevices("2,0", 3), (std::vector{2, 0}));
  EXPECT_EQ(ParseDevices("all", 3), (std::vector{0, 1, 2}));
}

TEST(ParseDevicesTest, ErrorsInWords) {
  const auto error = [](const std::string& text, int count) {
    const auto devices = ParseDevices(text, count);
    EXPECT_FALSE(devices) << text;
    return devices ? "" : devices.error().message;
  };
  EXPECT_EQ(error("2", 2), "there is no device 2: 2 are there");
  EXPECT_EQ(error("0,1", 1), "there is no device 1: 1 is there");
  EXPECT_EQ(error("0,1,0", 2), "device 0 is given twice");
  for (const char* text : {"", "x", "0,", ",0", "-1", "0 1", "0,all", "1.5", "99999999999"}) {
    EXPECT_NE(error(text, 2).find("is no device"), std::string::npos) << text;
  }
}

class DevicesTest : public KoptTest {
 protected:
  void SetUp() override {
    KoptTest::SetUp();
    for (size_t i = 0; i < gpus_.size(); ++i) {
      gpus_[i].device_now = {.name = "a simulated GPU",
                             .which = fmt::format("{} (GPU-{})", i, i),
                             .values = {{"SMS", 132}, {"SMEM_BLOCK", 232448}}};
      gpus_[i].behave = [](const Configuration& configuration) {
        return Behaviour{.speedup = 1 + 0.001 * static_cast<double>(configuration.at("TEAM"))};
      };
    }
    more_backends_[Target::kCuda] = {
        .new_verifier = [&](const Spec&, const VerifierOptions& options) -> Result<std::unique_ptr<Verifier>> {
          return std::make_unique<BorrowedVerifier>(gpus_.at(static_cast<size_t>(options.device)));
        },
        .device = [&](int number) -> Result<Device> {
          if (number == broken_) return EnvironmentError("the device is broken");
          return gpus_.at(static_cast<size_t>(number)).device();
        },
        .calibrate = [&](const VerifierOptions& options) -> Result<Peaks> {
          calibrated_ = options.device;
          return Peaks{};
        },
        .count_devices = [&] { return Result<int>(there_); },
        .new_verifiers = [&](const Spec&, const VerifierOptions&,
                             std::span<const int> numbers) -> Result<std::vector<std::unique_ptr<Verifier>>> {
          std::vector<std::unique_ptr<Verifier>> verifiers;
          for (const int number : numbers) {
            verifiers.push_back(std::make_unique<BorrowedVerifier>(gpus_.at(static_cast<size_t>(number))));
          }
          return verifiers;
        }};
  }
  int Tune(const std::vector<std::string>& more, const std::string& budget = "60s") {
    const auto folder = std::filesystem::path(KOPT_SOURCE_DIR) / "examples";
    std::vector<std::string> words = {
        "tune",  folder / "softmax.spec", folder / "softmax.cu", "--target", "cuda", "--budget", budget, "--out", "out",
        "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return Kopt(words);
  }
  static ordered_json Json(const std::string& file) { return ordered_json::parse(Read(file)); }
  // How often each device has screened since the last call.
  std::vector<size_t> Screened() {
    std::vector<size_t> counts;
    for (FakeVerifier& gpu : gpus_) counts.push_back(std::exchange(gpu.screened, {}).size());
    return counts;
  }

  std::array<FakeVerifier, 3> gpus_ = {FakeVerifier{clock_, interrupts_}, FakeVerifier{clock_, interrupts_},
                                       FakeVerifier{clock_, interrupts_}};
  int calibrated_ = -1, broken_ = -1, there_ = 3;
};

TEST_F(DevicesTest, TheFirstUnlessOthersAreNamed) {
  EXPECT_EQ(Tune({}), 0) << err_;
  const auto screened = Screened();
  EXPECT_GT(screened[0], 0u);
  EXPECT_EQ(screened[1] + screened[2], 0u);
  EXPECT_FALSE(ordered_json::parse(out_).contains("devices"));
  EXPECT_FALSE(Json("out/manifest.json").contains("devices"));
}

TEST_F(DevicesTest, ARunIsSpreadOverThoseThatAreNamed) {
  EXPECT_EQ(Tune({"--devices", "2,1"}), 0) << err_;
  const auto screened = Screened();
  EXPECT_EQ(screened[0], 0u);
  EXPECT_GT(screened[1], 0u);
  EXPECT_GT(screened[2], 0u);
  EXPECT_EQ(calibrated_, 2);
  const ordered_json devices = {"2 (GPU-2)", "1 (GPU-1)"};
  EXPECT_EQ(ordered_json::parse(out_)["devices"], devices);
  const ordered_json manifest = Json("out/manifest.json");
  EXPECT_EQ(manifest["devices"], devices);
  EXPECT_EQ(manifest["judgement"]["device"], Json("out/verdict.json")["evidence"]["device"]);
  const std::string report = Read("out/report.md");
  EXPECT_NE(report.find("2 of them: 2 (GPU-2), 1 (GPU-1)"), std::string::npos);
  EXPECT_NE(report.find("--devices 2,1"), std::string::npos) << "how to repeat the run";
}

TEST_F(DevicesTest, AnotherOneAloneIsUsedForAll) {
  EXPECT_EQ(Tune({"--devices", "1"}), 0) << err_;
  EXPECT_EQ(calibrated_, 1);
  EXPECT_EQ(Screened()[0], 0u);
}

TEST_F(DevicesTest, ADeviceThatIsNotNamedIsNotAskedFor) {
  broken_ = 0;
  EXPECT_EQ(Tune({"--devices", "1"}), 0) << out_;
  EXPECT_EQ(Tune({}), 3);
  EXPECT_NE(out_.find("the device is broken"), std::string::npos) << out_;
}

TEST_F(DevicesTest, ARunWhoseDevicesAreNotAllThereSaysSo) {
  EXPECT_EQ(Tune({"--devices", "0,1"}, "20s"), 0) << err_;
  there_ = 1;
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "50s"}), 2);
  EXPECT_NE(err_.find("is on the devices 0,1: there is no device 1: 1 is there (at `RUN`)"), std::string::npos) << err_;
  EXPECT_NE(err_.find("name others with --devices"), std::string::npos) << err_;
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "50s", "--devices", "0"}), 0) << err_;
}

TEST_F(DevicesTest, WhatAnyOfThemSawOfThePeaksIsKept) {
  gpus_[1].peaks_now.read_bytes = 5e12;
  EXPECT_EQ(Tune({"--devices", "0,1"}, "20s"), 0) << err_;
  auto store = Store::Open("state");
  ASSERT_TRUE(store) << store.error().Text();
  EXPECT_EQ(LoadCalibration(*store, "a simulated GPU")->value().peaks.read_bytes, 5e12);
}

TEST_F(DevicesTest, ARunGoesOnWithItsOwnUnlessOthersAreNamed) {
  EXPECT_EQ(Tune({"--devices", "0,1"}, "20s"), 0) << err_;
  Screened();
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "50s"}), 0) << err_;
  auto screened = Screened();
  EXPECT_GT(screened[0], 0u);
  EXPECT_GT(screened[1], 0u);
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "90s", "--devices", "2"}), 0) << err_;
  screened = Screened();
  EXPECT_EQ(screened[0] + screened[1], 0u);
  EXPECT_GT(screened[2], 0u);
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "120s"}), 0) << err_;
  EXPECT_GT(Screened()[2], 0u);
}

TEST_F(DevicesTest, WhatCannotBeIsSaid) {
  EXPECT_EQ(Tune({"--devices", "0,3"}), 2);
  EXPECT_NE(out_.find("there is no device 3: 3 are there"), std::string::npos) << out_;
  EXPECT_EQ(Tune({"--devices", "1,1"}), 2);
  EXPECT_NE(out_.find("device 1 is given twice"), std::string::npos) << out_;
  Init();
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "10s", "--devices", "0"}), 2);
  EXPECT_NE(err_.find("the target cpu has no devices to choose from (at `--devices`)"), std::string::npos) << err_;
  EXPECT_FALSE(std::filesystem::exists("kopt-out")) << "nothing is left of a run that never began";
}

}  // namespace
}  // namespace kopt
