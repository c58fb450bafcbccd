# SPDX-License-Identifier: EUPL-1.2
# What ./demo and ./check share. Everything is built only when what it is made of has changed.

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# on Debian (or a child of it) as root, packages can be installed.
can_install() { [ "$(id -u)" = 0 ] && have apt-get; }

APT_UPDATED=
install_packages() {
  if [ -z "$APT_UPDATED" ]; then apt-get update -qq >/dev/null; APT_UPDATED=1; fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need_go() {
  have go || { [ -x /usr/local/go/bin/go ] && PATH="$PATH:/usr/local/go/bin"; }
  have go || fail "Go is missing. Install Go $(sed -n 's/^go //p' go.mod) or newer: https://go.dev/dl/"
}

need_node() {
  if ! have npm && can_install; then install_packages nodejs npm; fi
  have npm || fail "Node with npm is missing. Install Node 20 or newer: https://nodejs.org/"
}

# The interface's packages: fetched by npm ci, bundled and subset into web/assets/dist, which git ignores.
build_interface() {
  local want have_sum=
  want=$(cat package-lock.json $(find web/assets -type f -not -path 'web/assets/dist/*' | sort) | sha256sum | cut -d' ' -f1)
  [ -f web/assets/dist/.built ] && have_sum=$(cat web/assets/dist/.built)
  [ "$want" = "$have_sum" ] && return 0
  say "Building the interface (npm ci, once)"
  npm ci --no-audit --no-fund --loglevel=error >/dev/null
  go run ./web/assets/build
  printf '%s\n' "$want" > web/assets/dist/.built
}

build_binary() {
  say "Building bin/mercator and bin/mercator-heic"
  mkdir -p bin
  CGO_ENABLED=0 go build -trimpath -o bin/mercator ./cmd/mercator
  CGO_ENABLED=0 go build -trimpath -tags nodynamic -o bin/mercator-heic ./cmd/mercator-heic
}
