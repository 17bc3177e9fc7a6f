#!/usr/bin/env bash
# Installs LiteLLM's proxy into out/litellm, an environment of its own, for `make bench-gateway`. Safe to repeat.
set -euo pipefail
cd "$(dirname "$0")/../../.."

here=tests/bench/gateway
environment=${1:-out/litellm}
wanted=$(cat $here/litellm.txt $here/litellm-constraints.txt | sha256sum)
[ "$(cat "$environment/.installed" 2>/dev/null)" = "$wanted" ] && exit 0
"${PYTHON:-python3}" -m venv --clear "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check \
  --requirement $here/litellm.txt --constraint $here/litellm-constraints.txt
echo "$wanted" >"$environment/.installed"
