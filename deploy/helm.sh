#!/usr/bin/env bash
# Prints where helm is, which the tests render the chart with: the one in PATH, else one that Go builds once into the cache.
# Exit code 3: there is neither helm nor Go. A build takes some four minutes of CPU; 79 MB stay in the cache.
set -euo pipefail

version=v3.18.6
cache=${SMALLPOOL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/smallpool}/helm-$version

if command -v helm; then
    exit 0
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ ! -x "$cache/helm" ]; then
    command -v go >/dev/null || exit 3
    build=$(mktemp -d)
    trap 'chmod -R u+w "$build" && rm -rf "$build"' EXIT
    GOPATH=$build GOCACHE=$build/cache GOBIN=$build/bin GOFLAGS=-trimpath \
        go install -ldflags="-s -w" "helm.sh/helm/v3/cmd/helm@$version" >"$cache/build.log" 2>&1 ||
        { cat "$cache/build.log" >&2; exit 1; }
    mv "$build/bin/helm" "$cache/helm"
fi
echo "$cache/helm"
