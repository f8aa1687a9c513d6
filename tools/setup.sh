#!/usr/bin/env bash
# Installs what Narralytica needs on Debian 12, and says what it does: `tools/setup.sh build` for
# the program, `build test` for the tests too, `bench` for the benchmarks, `eval` for the
# evaluation, `console` for the web application's. Running it again changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly package_list=tools/apt-packages.txt
readonly test_requirements=tools/requirements-dev.txt
readonly eval_requirements=tools/requirements-eval.txt

fail() {
  echo "setup: $1" >&2
  exit 1
}

# Prints the packages of one [group] of the list.
packages_of() {
  awk -v group="[$1]" '/^\[/ { inside = ($0 == group); next } inside && NF && !/^#/' "$package_list"
}

missing_of() {
  local name
  for name in $(packages_of "$1"); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    fail "needs root to install packages: run it as root, or install sudo"
  fi
}

install_packages() {
  command -v dpkg-query >/dev/null || fail "this is not Debian: install by hand the packages \
that $package_list names, then run make build"
  local missing
  mapfile -t missing < <(missing_of "$1")
  if [ ${#missing[@]} -eq 0 ]; then
    echo "setup: packages of group '$1' are installed"
    return
  fi
  local release
  release=$(. /etc/os-release && echo "$ID $VERSION_ID")
  [ "$release" = "debian 12" ] || fail "this is '$release', tested is Debian 12: install \
${missing[*]} by hand, then run it again"
  echo "setup: installing ${missing[*]}"
  local install=(as_root apt-get install -y -qq --no-install-recommends "${missing[@]}")
  if ! apt-cache show "${missing[@]}" >/dev/null 2>&1 || ! "${install[@]}" >/dev/null; then
    echo "setup: refreshing the package lists"
    as_root apt-get update -qq
    "${install[@]}" >/dev/null
  fi
}

# install_python ENVIRONMENT REQUIREMENTS...: pinned and hashed, made anew when the pins change.
install_python() {
  local python=/usr/bin/python3 environment=$1 files=() file
  shift
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "needs Python 3.11"
  if sha256sum --status -c "$environment/requirements.sha256" 2>/dev/null; then
    echo "setup: the Python packages of $environment are installed"
    return
  fi
  echo "setup: installing Python packages into $environment"
  rm -rf "$environment"
  "$python" -m venv "$environment"
  for file in "$@"; do files+=(-r "$file"); done
  "$environment/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps \
    --only-binary :all: "${files[@]}"
  sha256sum "$@" >"$environment/requirements.sha256"
}

# The web application's packages, pinned and hashed by its lock file.
install_console() {
  local lock=package-lock.json stamp=node_modules/.lock.sha256
  command -v node >/dev/null && command -v npm >/dev/null || fail "the tests of the console need \
Node 20.19 or newer with npm: install it from nodejs.org, then run it again"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || fail "the tests of the console need \
Node 20.19 or newer, this is $(node --version): install it from nodejs.org, then run it again"
  cd console
  if sha256sum --status -c "$stamp" 2>/dev/null; then
    echo "setup: the console's packages are installed"
  else
    echo "setup: installing the console's packages"
    npm ci --no-audit --no-fund --loglevel=error
    sha256sum "$lock" >"$stamp"
  fi
  cd ..
}

[ $# -gt 0 ] || fail "name the groups: build, test, bench, eval, console"
for group in "$@"; do
  case $group in
    build) install_packages build ;;
    test)
      install_packages test
      install_python .venv "$test_requirements"
      ;;
    eval) install_python .venv-eval "$test_requirements" "$eval_requirements" ;;
    bench) install_packages bench ;;
    console) install_console ;;
    *) fail "no group '$group': build, test, bench, eval, console" ;;
  esac
done
