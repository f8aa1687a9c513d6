#include "jobs/progress_meter.hpp"

#include <gtest/gtest.h>

namespace narralytica::jobs {
namespace {

TEST(ProgressMeter, NeitherGoesBackNorSaysTheEnd) {
  ProgressMeter meter;
  meter.Update(0.5, "transcribing", 0);
  meter.Update(0.4, "transcribing", 1'000);
  EXPECT_EQ(meter.progress().fraction, 0.5);
  meter.Update(1, "transcribing", 2'000);
  EXPECT_LT(meter.progress().fraction, 1);
}

TEST(ProgressMeter, TheEtaComesFromTheRateOfTheStep) {
  ProgressMeter meter;
  meter.Update(0.1, "transcribing", 60'000);
  EXPECT_FALSE(meter.progress().eta_ms);
  meter.Update(0.2, "transcribing", 70'000);  // a tenth in 10 s
  ASSERT_TRUE(meter.progress().eta_ms);
  EXPECT_NEAR(static_cast<double>(*meter.progress().eta_ms), 80'000, 1);
}

TEST(ProgressMeter, AStepThatDoesNotMoveHasNoEta) {
  ProgressMeter meter;
  meter.Update(0, "reading the sound", 0);
  meter.Update(0.05, "reading the sound", 1'000);
  ASSERT_TRUE(meter.progress().eta_ms);
  meter.Update(0.07, "loading the model", 2'000);
  EXPECT_FALSE(meter.progress().eta_ms);
  meter.Update(0.07, "loading the model", 90'000);
  EXPECT_FALSE(meter.progress().eta_ms);
}

TEST(ProgressMeter, WhatACheckpointBringsIsNotARate) {
  ProgressMeter meter;
  meter.Update(0.07, "loading the model", 0);
  meter.Update(0.5, "transcribing", 1'000);  // half was done before the worker died
  EXPECT_FALSE(meter.progress().eta_ms);
  meter.Update(0.6, "transcribing", 11'000);
  EXPECT_NEAR(static_cast<double>(*meter.progress().eta_ms), 40'000, 1);
}

}  // namespace
}  // namespace narralytica::jobs
