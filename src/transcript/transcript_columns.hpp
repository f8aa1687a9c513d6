// The columns of a transcript as statements name them and rows have them. Private to the stores of
// transcripts.
#pragma once

#include "transcript/transcript_store.hpp"

namespace narralytica::transcript {

#define NRL_TRANSCRIPT_COLUMNS                                                 \
  "id, video_id, version, engine, model, model_hash, settings_hash, language," \
  " words_object_key, words_sha256, words_bytes, words_count, created_at_ms, superseded_by"

// The order of NRL_TRANSCRIPT_COLUMNS.
Transcript ReadTranscript(const platform::Row& row);

// Of a row that begins with id, segment_index, start_ms, end_ms, text, language, confidence,
// speaker_id, overlap_ms.
StoredSegment ReadSegment(const platform::Row& row);

}  // namespace narralytica::transcript
