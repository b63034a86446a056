#!/usr/bin/env bash
# Asks in a new conversation, and prints the replies as they are made: ./chat.sh "Hola" "¿Y mañana?"
# Needs curl and jq. Ctrl+C stops a reply; its text so far is kept.
set -euo pipefail

api=${CHATAPI_URL:-http://localhost:5000}
email=${CHATAPI_EMAIL:-test@example.com}
password=${CHATAPI_PASSWORD:-password123}

# Calls and prints the body; a refusal's sentence goes to standard error.
call() {
  local answer
  answer=$(curl -sS -H "Authorization: Bearer ${token:-}" -H 'Content-Type: application/json' "$@")
  if jq -e '.code and .error' <<< "$answer" > /dev/null; then
    jq -r .error <<< "$answer" >&2
    return 1
  fi
  printf '%s' "$answer"
}

token=$(call "$api/api/auth/login" -d "$(jq -n --arg email "$email" --arg password "$password" '{$email, $password}')" | jq -r .token)
session=$(call "$api/api/chat/realtime/sessions" -d '{}' | jq -r .id)
realtime=$api/api/chat/realtime/sessions/$session

# The events of a stream as fields that end with NUL, which no text contains: type, run, seq (of a refusal its status), text.
events() {
  # A connection that is silent for 45 s is given up: the server says something every 15 s.
  curl -sSN --speed-limit 1 --speed-time 45 -H "Authorization: Bearer $token" "$@" \
    | sed -un 's/^data: //; /^{/p' \
    | jq -j --unbuffered '(if .status then "refused" else .type end, .run_id // "", .seq // .status // 0, .content // .error // "") | "\(.)\u0000"' || true
}

# Asks, and follows the reply over as many connections as it takes.
ask() {
  local run='' seq=0 failures=0 type event_run event_seq text
  # Should the answer get lost, the same key makes it safe to ask again.
  local key body
  key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  body=$(jq -n --arg content "$1" '{$content}')
  trap '[ -n "$run" ] || exit 130; call "$realtime/stop" -d "{\"run_id\":\"$run\"}" > /dev/null || true' INT
  while [ "$failures" -lt 8 ]; do
    if [ -z "$run" ]; then
      exec 3< <(events "$realtime/stream" -H 'Content-Type: application/json' -H "Idempotency-Key: $key" -d "$body")
    else
      exec 3< <(events "$realtime/stream?run_id=$run&after=$seq")
    fi
    while IFS= read -r -d '' type <&3 && IFS= read -r -d '' event_run <&3 && IFS= read -r -d '' event_seq <&3 && IFS= read -r -d '' text <&3; do
      case $type in
        start) failures=0; run=$event_run ;;
        content) failures=0; seq=$event_seq; printf '%s' "$text" ;;
        done) echo; return ;;
        error) echo; echo "$text" >&2; return 1 ;;
        refused)
          # To the first request a refusal is the answer. Once something broke, or the reply has begun, what passes is waited for.
          if { [ -z "$run" ] && [ "$failures" -eq 0 ]; } || { [ "$event_seq" -ne 429 ] && [ "$event_seq" -lt 500 ]; }; then
            echo "$text" >&2
            return 1
          fi ;;
      esac
    done
    sleep "$((1 << (failures < 3 ? failures : 3)))"
    failures=$((failures + 1))
  done
  echo 'The connection broke off.' >&2
  return 1
}

for question in "$@"; do
  ask "$question"
done
