// docs/formats/media-errors.md and the code know the same reasons and the same warnings.
#include "media/media_error.hpp"

#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include "media/media_samples.hpp"
#include "media/media_warning.hpp"

namespace narralytica::media {
namespace {

using Rows = std::set<std::string>;

// The rows of the document's tables that begin with a name in backticks.
Rows DocumentedRows(const std::string& document) {
  Rows rows;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| `")) rows.insert(line);
  }
  return rows;
}

Rows RowsOfTheCode() {
  Rows rows;
  for (const MediaReason reason : AllMediaReasons()) {
    const Error error = MediaError(reason);
    rows.insert(fmt::format("| `{}` | {} | {} |", error.reason, ToString(error.code), error.hint));
  }
  for (const MediaWarning& warning : AllMediaWarnings()) {
    rows.insert(fmt::format("| `{}` | {} |", warning.code, warning.message));
  }
  return rows;
}

TEST(MediaErrorTest, TheDocumentIsTheList) {
  const std::string document = ReadAll("docs/formats/media-errors.md");
  EXPECT_EQ(DocumentedRows(document), RowsOfTheCode());
  // Twins: a row too many, a row less, another hint.
  EXPECT_NE(DocumentedRows(document + "| `media_odd` | invalid | x |\n"), RowsOfTheCode());
  std::string less = document;
  less.replace(less.find("| `media_empty`"), 3, "|  ");
  EXPECT_NE(DocumentedRows(less), RowsOfTheCode());
  std::string changed = document;
  changed.replace(changed.find("without DRM"), 3, "WITH");
  EXPECT_NE(DocumentedRows(changed), RowsOfTheCode());
}

TEST(MediaErrorTest, EveryReasonIsFoundByItsTextAndSaysWhatToDo) {
  EXPECT_GE(AllMediaReasons().size(), 17U);
  for (const MediaReason reason : AllMediaReasons()) {
    EXPECT_EQ(MediaReasonFromString(ToString(reason)), reason);
    EXPECT_NE(MediaError(reason).hint, "");
  }
  EXPECT_FALSE(MediaReasonFromString("media_odd"));
  EXPECT_FALSE(WarningMessage("odd"));
}

}  // namespace
}  // namespace narralytica::media
