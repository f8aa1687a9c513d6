// The media child: the hidden command `narralytica media`, the only process that touches the bytes
// of a recording. One process serves one request and ends.
#pragma once

namespace narralytica::media {

// Reads the request (descriptor 3), confines the process for good, does what is asked with the
// recording (5) and the outputs (6 and up), writes progress and one answer (4), and ends the
// process: nothing of what would normally run at exit is allowed any more. docs/formats/
// media-protocol.md describes the messages.
[[noreturn]] int MediaChildMain();

}  // namespace narralytica::media
