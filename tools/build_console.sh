#!/usr/bin/env bash
# Builds the web application into console/dist, where a server built here finds it. Without Node it
# says what to install and goes on: the API and the command line need none.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null || ! node -e '
    const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
  echo "console: not built, which needs Node 20.19 or newer with npm: install it from nodejs.org \
and run make build again; everything else works without"
  exit 0
fi
if ! tools/setup.sh console; then
  echo "console: not built, its packages could not be installed; run make build again"
  exit 0
fi
stamp=console/dist/.sources.sha256
sources=$(cd console && find src public index.html ./*.json ./*.ts -type f -print0 | sort -z \
  | xargs -0 sha256sum | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$sources" ]; then
  echo "console: console/dist is current"
else
  echo "console: building console/dist"
  npm --prefix console run --silent build -- --logLevel warn
  echo "$sources" >"$stamp"
fi
