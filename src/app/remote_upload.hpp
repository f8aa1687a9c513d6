// Sends a file to a server by a resumable upload (tus 1.0, https://tus.io/protocols).
//
// The file goes in pieces, read as they are sent: memory stays bounded whatever its size. When the
// connection breaks or the server goes away, the server is asked how much has arrived, and the
// upload goes on from there; patience begins anew with every byte that arrived.
#pragma once

#include <string>

#include "app/backend.hpp"
#include "app/remote_client.hpp"

namespace narralytica::app {

// The upload_ref for POST /ingest. kNotFound or kInvalid for what is no file to send, kConflict
// when it changes meanwhile, the server's errors.
Result<std::string> UploadFile(RemoteClient& client, const std::string& path,
                               const IntakeProgress& progress);

}  // namespace narralytica::app
