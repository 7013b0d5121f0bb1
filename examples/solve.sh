#!/usr/bin/env bash
# One problem with curl: first the whole solution, then its events as they happen.
set -euo pipefail
url=${1:-http://127.0.0.1:8000}
question='Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?'

curl --fail-with-body --silent "$url/v1/solutions" \
  --header 'content-type: application/json' \
  --data "{\"question\": \"$question\"}"
echo

curl --fail-with-body --silent --no-buffer "$url/v1/solutions" \
  --header 'content-type: application/json' \
  --data "{\"question\": \"$question\", \"stream\": true}"
