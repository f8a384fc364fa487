#!/bin/sh
# Installs the peers that `make bench` measures beside us, each in a place of its own under
# build/. They are never a dependency of the project.
set -eu
cd "$(dirname "$0")/../.."
peers=build/bench/peers
mkdir -p "$peers"

for peer in 'litellm litellm[proxy]' 'tensorzero tensorzero'; do
    name=${peer%% *}
    python3 -m venv "$peers/$name"
    "$peers/$name/bin/pip" install --quiet --disable-pip-version-check "${peer#* }"
done

if command -v npm >/dev/null; then
    npm install --silent --no-audit --no-fund --prefix "$peers/portkey" @portkey-ai/gateway
    # As shipped, streams answer 500 on Node 20 ("immutable" headers): let it copy them first.
    built="$peers/portkey/node_modules/@portkey-ai/gateway/build"
    sed 's/:new Response(p,e)}const Ad/:new Response(p,{status:e.status,headers:new Headers(e.headers)})}const Ad/' \
        "$built/start-server.js" >"$built/start-server-bench.js"
fi
