#!/bin/sh
# Ask by curl. Needs a running server: upshift serve examples/echo.yaml --http 127.0.0.1:8080
set -eu
server=${UPSHIFT_HTTP:-http://127.0.0.1:8080}

# An answer, and in its headers who gave it and what it saved.
curl -sS -D /dev/stderr "$server/v1/chat/completions" \
  -H "authorization: Bearer ${UPSHIFT_API_KEY:-none}" -H 'content-type: application/json' \
  -d '{"model": "auto", "messages": [{"role": "user", "content": "riddle"}]}'
echo

# The same streamed, with the account in the last chunk.
curl -sSN "$server/v1/chat/completions" \
  -H "authorization: Bearer ${UPSHIFT_API_KEY:-none}" -H 'content-type: application/json' \
  -d '{"model": "auto", "stream": true, "messages": [{"role": "user", "content": "What is routing?"}]}'

# What would be decided, and on what grounds; no model runs.
curl -sS "$server/v1/decide" -H "authorization: Bearer ${UPSHIFT_API_KEY:-none}" \
  -d '{"model": "auto", "messages": [{"role": "user", "content": "riddle"}]}'
echo
