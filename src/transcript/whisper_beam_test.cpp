#include "transcript/whisper_beam.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

namespace narralytica::transcript {
namespace {

using testing::ElementsAre;

constexpr Token kEnd = 3;
constexpr size_t kVocabulary = 4;

// Log-probabilities of the next token: any fixed function of what came before.
std::vector<float> After(const std::vector<Token>& tokens, unsigned seed) {
  std::seed_seq mix(tokens.begin(), tokens.end());
  std::vector<unsigned> state(1);
  mix.generate(state.begin(), state.end());
  std::mt19937 random(state[0] + seed);
  std::vector<float> row(kVocabulary);
  float total = 0;
  for (float& value : row) total += value = float(1 + random() % 1'000);
  if (tokens.size() >= 4) row = {0, 0, 0, total = 1};  // everything ends by then
  for (float& value : row) value = std::log(value / total);
  return row;
}

constexpr float kAll = 1000;  // so far behind the best that nothing is left out

Hypothesis Search(BeamRules rules, unsigned seed) {
  WhisperBeam beam(rules, kEnd);
  while (!beam.done()) {
    std::vector<std::vector<float>> rows;
    for (const Hypothesis& open : beam.open()) rows.push_back(After(open.tokens, seed));
    beam.Advance({rows.begin(), rows.end()});
  }
  return beam.Best();
}

// The best of all sequences there are, by average log-probability.
void Exhaust(const Hypothesis& so_far, unsigned seed, Hypothesis& best) {
  const std::vector<float> row = After(so_far.tokens, seed);
  for (Token token = 0; token < Token(kVocabulary); ++token) {
    if (!std::isfinite(row[size_t(token)])) continue;
    Hypothesis next = so_far;
    next.sum_logprob += row[size_t(token)];
    if (token == kEnd) {
      if (best.sum_logprob == 0 || next.AvgLogprob() > best.AvgLogprob()) best = next;
      continue;
    }
    next.tokens.push_back(token);
    Exhaust(next, seed, best);
  }
}

TEST(WhisperBeam, AsWideAsTheSpaceItFindsTheBest) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    Hypothesis best;
    Exhaust({}, seed, best);
    const Hypothesis found = Search({200, kAll}, seed);
    EXPECT_EQ(found.tokens, best.tokens) << "seed " << seed;
    EXPECT_NEAR(found.sum_logprob, best.sum_logprob, 1e-4) << "seed " << seed;
  }
}

TEST(WhisperBeam, OneBeamIsGreedy) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::vector<Token> greedy;
    while (true) {
      const std::vector<float> row = After(greedy, seed);
      const Token token = std::ranges::max_element(row) - row.begin();
      if (token == kEnd) break;
      greedy.push_back(token);
    }
    const Hypothesis found = Search({1, kAll}, seed);
    EXPECT_TRUE(found.tokens.size() <= greedy.size() &&
                std::equal(found.tokens.begin(), found.tokens.end(), greedy.begin()))
        << "seed " << seed;
  }
}

TEST(WhisperBeam, TellsWhichHypothesisEachContinues) {
  WhisperBeam beam({2, kAll}, kEnd);
  const float never = -std::numeric_limits<float>::infinity();
  beam.Advance({std::vector<float>{-1, -2, -9, never}});
  EXPECT_THAT(beam.parents(), ElementsAre(0, 0));
  // The second one's continuations are both better than the first one's.
  const std::vector<float> bad{-8, -9, never, never};
  const std::vector<float> good{-1, -0.5f, never, never};
  beam.Advance({bad, good});
  EXPECT_THAT(beam.parents(), ElementsAre(1, 1));
  EXPECT_THAT(beam.open()[0].tokens, ElementsAre(1, 1));
  EXPECT_THAT(beam.open()[1].log_probs, ElementsAre(-2, -1));
}

TEST(WhisperBeam, FollowsOnlyWhatIsNotFarBehind) {
  const float never = -std::numeric_limits<float>::infinity();
  const std::vector<float> row{-0.1f, -2.0f, -4.0f, never};
  WhisperBeam wide({3, kAll}, kEnd);
  wide.Advance({row});
  EXPECT_EQ(wide.open().size(), 3u);
  WhisperBeam near({3, 3.0f}, kEnd);
  near.Advance({row});
  EXPECT_EQ(near.open().size(), 2u);
  EXPECT_THAT(near.parents(), ElementsAre(0, 0));
  // What has ended counts as well: nothing that is open can catch up with it.
  const std::vector<float> ends{-8, -9, -9, -0.01f};
  near.Advance({ends, std::vector<float>{-5, -6, -7, never}});
  EXPECT_TRUE(near.done());
  EXPECT_THAT(near.Best().tokens, ElementsAre(0));
}

TEST(WhisperBeam, ALoopEndsTheSearch) {
  WhisperBeam beam({2, kAll}, kEnd);
  const std::vector<float> row{-0.1f, -4, -5, -6};
  int steps = 0;
  for (; !beam.done() && steps < 100; ++steps) {
    beam.Advance(std::vector<std::span<const float>>(beam.open().size(), row));
  }
  EXPECT_LT(steps, 40);
  EXPECT_TRUE(beam.Best().looped || !beam.Best().tokens.empty());
}

TEST(EndsInLoop, FewTokensOverAndOver) {
  std::vector<Token> tokens{9, 8, 7};
  EXPECT_FALSE(EndsInLoop(tokens));
  for (int i = 0; i < 12; ++i) tokens.insert(tokens.end(), {1, 2});
  EXPECT_TRUE(EndsInLoop(tokens));
  tokens.push_back(5);
  EXPECT_FALSE(EndsInLoop(tokens));
}

TEST(RepeatsAPhrase, ThriceInARow) {
  const std::vector<Token> twice{9, 1, 2, 3, 4, 1, 2, 3, 4, 7};
  EXPECT_FALSE(RepeatsAPhrase(twice));
  const std::vector<Token> thrice{9, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 7};
  EXPECT_TRUE(RepeatsAPhrase(thrice));
  EXPECT_FALSE(RepeatsAPhrase(std::vector<Token>{1, 2, 1, 2, 1, 2})) << "too short a phrase";
}

}  // namespace
}  // namespace narralytica::transcript
